"""The config as a person's YAML text: read with every mistake at once, written with its help.

`parse(dump(config)) == config` for every config; `edit` changes values in the person's own text.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from core.config import document
from core.config.document import Fault
from core.config.fields import fields
from core.config.part import Part
from core.config.schema import PARTS, Config
from core.config.writer import dump, edit
from core.errors import Text, UserError, text

__all__ = ["Fault", "dump", "edit", "faults", "load", "parse"]

_SHOWN: Final = 20
_PART_TYPES: Final[dict[str, type[Part]]] = {part: type(getattr(Config(), part)) for part in PARTS}
_OTHER_NAMES: Final = {  # what other tools call our keys
    "alpha": "lora_alpha",
    "base_model": "pretrained_model_name_or_path",
    "dropout": "lora_dropout",
    "epochs": "max_epochs",
    "eval_steps": "evaluation_freq",
    "gradient_accumulation_steps": "accumulative_counts",
    "gradient_checkpointing": "activation_checkpointing",
    "learning_rate": "lr",
    "logging_steps": "evaluation_freq",
    "max_grad_norm": "max_norm",
    "max_seq_length": "max_length",
    "model_name_or_path": "pretrained_model_name_or_path",
    "num_train_epochs": "max_epochs",
    "packing": "pack_to_max_length",
    "per_device_train_batch_size": "batch_size",
    "r": "lora_r",
    "rank": "lora_r",
    "system_prompt": "SYSTEM",
    "template": "prompt_template",
}


def parse(source: str, name: str = "config.yaml") -> Config:
    """The config that a YAML text describes; keys that it leaves out have their defaults.

    Raises:
        UserError: every mistake in the text, each with its line, key and remedy.
    """
    config, found = _read(source)
    if config is not None:
        return config
    sentences = [fault.sentence for fault in found[:_SHOWN]]
    raise UserError(
        "{name} cannot be used as it is:\n{list}",
        "Mend this and try again.",
        name=name,
        list=reduce(lambda first, rest: text("{first}\n{rest}", first=first, rest=rest), sentences),
    )


def faults(source: str) -> list[Fault]:
    """Every mistake in a config text, in the order of its lines; empty when it is right."""
    return list(_read(source)[1])


def load(path: Path) -> Config:
    """The config in a file.

    Raises:
        UserError: the file is missing, no text, too large, or has mistakes (all of them).
    """
    return parse(document.read(path), path.name)


@lru_cache(maxsize=16)
def _read(source: str) -> tuple[Config | None, tuple[Fault, ...]]:
    try:
        top = document.compose(source.removeprefix("\ufeff"))
    except document.NotReadable as error:
        return None, (error.fault,)
    found: list[Fault] = []
    parts: dict[str, Part] = {}
    for key, line, node in _entries(top, None, found):
        if key not in PARTS:
            found.append(_unknown_part(key, line, node))
        elif (part := _part(key, line, node, found)) is not None:
            parts[key] = part
    if not found:
        try:
            return Config.model_validate(parts), ()
        except ValidationError:
            found.append(_rate_rises(top))
    return None, tuple(sorted(found, key=lambda fault: fault.line or 0))


def _part(part: str, part_line: int, body: Node, found: list[Fault]) -> Part | None:
    if not isinstance(body, MappingNode):
        if document.value(body) is None:
            return _PART_TYPES[part]()
        problem = text("The part “{part}” holds no keys.", part=part)
        remedy = text("Put indented “key: value” lines under it.")
        found.append(Fault(part, None, part_line, problem, remedy))
        return None
    before = len(found)
    values: dict[str, Any] = {}
    places: dict[str, tuple[int, Node]] = {}
    for key, line, node in _entries(body, part, found):
        if (part, key) not in fields():
            found.append(_unknown_key(part, key, line))
        elif _plausible(part, key, document.value(node)):
            values[key], places[key] = document.value(node), (line, node)
        else:
            found.append(_wrong(part, key, line, document.value(node), "type"))
    try:
        checked = _PART_TYPES[part].model_validate(values)
    except ValidationError as error:
        issues = error.errors()
        if not issues[0]["loc"]:  # no value is wrong by itself, only two of them together
            found.append(_unpaired(part, places))
            return None
        for key, issue in {str(e["loc"][0]): e for e in issues}.items():
            line, value = _item(*places[key], issue["loc"][1:])
            found.append(_wrong(part, key, line, value, issue["type"]))
        return None
    return checked if len(found) == before else None


def _entries(
    node: MappingNode | None, part: str | None, found: list[Fault]
) -> Iterator[tuple[str, int, Node]]:
    """Keys with their lines and value nodes; a key that stands twice becomes a fault."""
    lines: dict[str, int] = {}
    for key_node, value in node.value if node else []:
        key = str(document.value(key_node))
        if key in lines:
            problem = text(
                "“{key}” is here a second time, after line {line}.", key=key, line=lines[key]
            )
            remedy = text("Keep one of the two.")
            found.append(Fault(part, key, document.line(key_node), problem, remedy))
            continue
        lines[key] = document.line(key_node)
        yield key, lines[key], value


def _plausible(part: str, key: str, value: Any) -> bool:
    """False for what pydantic would quietly convert: true as 1, nothing as anything."""
    if isinstance(value, bool):
        return fields()[part, key].kind == "switch"
    items = value if isinstance(value, list) else [value]
    return not any(item is None or isinstance(item, bool) for item in items)


def _item(line: int, node: Node, path: Sequence[int | str]) -> tuple[int, Any]:
    """Line and value of the wrong item of a list, or of the whole value."""
    for step in path:
        if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = document.line(node)
    return line, document.value(node)


def _wrong(part: str, key: str, line: int, value: Any, kind: str) -> Fault:
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    shown = f"“{shown if len(shown) <= 60 else shown[:59] + '…'}”"
    if value is None or value == "":
        problem = text("There is no value.")
    elif kind.startswith("greater") or kind == "too_short":
        problem = text("{value} is too small.", value=shown)
    elif kind.startswith("less"):
        problem = text("{value} is too large.", value=shown)
    elif kind in ("string_too_long", "too_long"):
        problem = text("{value} is too long.", value=shown)
    else:
        problem = text("{value} cannot be used here.", value=shown)
    return Fault(part, key, line, problem, fields()[part, key].expects)


def _unknown_part(key: str, line: int, node: Node) -> Fault:
    home = _home(key)
    if home is not None and not isinstance(node, MappingNode):
        problem = text("“{key}” stands outside the parts.", key=key)
        return Fault(None, key, line, problem, _move(key, *home))
    problem = text("There is no part “{key}”.", key=key)
    near = difflib.get_close_matches(key.lower(), PARTS, 1)
    remedy = (
        text("Did you mean “{near}”?", near=near[0])
        if near
        else text("The parts are: {parts}.", parts=", ".join(PARTS))
    )
    return Fault(None, key, line, problem, remedy)


def _unknown_key(part: str, key: str, line: int) -> Fault:
    problem = text("There is no key “{key}” in the part “{part}”.", key=key, part=part)
    home = _home(key, part)
    if home is None:
        remedy = text("Take it out, or look the right name up in a fresh copy of a preset.")
    elif home[0] == part:
        remedy = text("Did you mean “{near}”?", near=home[1])
    else:
        remedy = _move(key, *home)
    return Fault(part, key, line, problem, remedy)


def _move(key: str, part: str, real: str) -> Text:
    if key == real:
        return text("Move it under “{part}:”.", part=part)
    return text("Did you mean “{near}”? It belongs under “{part}:”.", near=real, part=part)


def _home(key: str, preferred: str | None = None) -> tuple[str, str] | None:
    """The part and true name of a key that is misplaced, misspelt or named as elsewhere."""
    ordered = sorted(fields(), key=lambda place: place[0] != preferred)
    names = {name.lower(): (part, name) for part, name in reversed(ordered)}
    lower = key.lower().replace("-", "_")
    real = _OTHER_NAMES.get(lower, lower)
    if real.lower() in names:
        return names[real.lower()]
    own = [name.lower() for part, name in ordered if part == preferred]
    for candidates in (own, list(names)):
        near = difflib.get_close_matches(lower, candidates, 1, cutoff=0.7)
        if near:
            return names[near[0]]
    return None


def _unpaired(part: str, places: dict[str, tuple[int, Node]]) -> Fault:
    key = "output_text" if "output_text" in places else "input_text"
    problem = text("input_text and output_text are not equally many.")
    remedy = text("Write one answer text for each question text.")
    return Fault(part, key, places[key][0], problem, remedy)


def _rate_rises(top: MappingNode | None) -> Fault:
    line = next(
        (
            document.line(key)
            for part, node in (top.value if top else [])
            if part.value == "optimizer" and isinstance(node, MappingNode)
            for key, _ in node.value
            if key.value == "eta_min"
        ),
        None,
    )
    problem = text("The learning rate would end above its peak, settings.lr.")
    return Fault("optimizer", "eta_min", line, problem, text("Write at most the value of lr."))
