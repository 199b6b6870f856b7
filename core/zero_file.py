"""A DeepSpeed file of one's own, read with every mistake at once; DeepSpeed would be silent."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Final

from core.errors import Text, UserError, text
from core.zero_keys import REFUSED, RULES, SECTIONS

Content = Mapping[str, Any]

_MOST_BYTES: Final = 65_536
_SHOWN: Final = 20


@dataclass(frozen=True)
class Fault:
    """One mistake in a DeepSpeed file: the key's path with dots, what is wrong, what to do."""

    key: str
    problem: Text
    remedy: Text

    @property
    def sentence(self) -> Text:
        """All of it as one line."""
        return text("{key}: {problem} {remedy}", key=self.key, **self._said)

    @property
    def _said(self) -> dict[str, Text]:
        return {"problem": self.problem, "remedy": self.remedy}


def read(path: Path) -> dict[str, Any]:
    """A DeepSpeed file's content.

    Raises:
        UserError: the file is missing, or has mistakes (all of them).
    """
    if not path.is_file():
        raise UserError(
            "There is no DeepSpeed file {file}.",
            "Give the path of your JSON file (on the page: in the Train tab), or choose a preset "
            "such as deepspeed_zero2.",
            file=path,
        )
    with path.open("rb") as file:
        return parse(file.read(_MOST_BYTES + 1), path.name)


def parse(source: bytes, name: str) -> dict[str, Any]:
    """The content of a DeepSpeed file from its bytes; `name` only for messages.

    Raises:
        UserError: it is no JSON object, too large, or has keys or values that cannot be (all told).
    """
    if len(source) > _MOST_BYTES:
        raise UserError(
            "{name} is larger than {most} KiB.", "Is it the right file?", name=name, most=64
        )
    found: list[Fault] = []
    try:
        content = json.loads(source.decode("utf-8-sig"), object_pairs_hook=_once(found))
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise UserError(
            "{name} is not JSON: line {line} cannot be read.",
            "Look for a missing comma, quote or brace there.",
            name=name,
            line=line,
        ) from error
    if not isinstance(content, dict):
        raise UserError(
            "{name} is not a DeepSpeed config.", "It must be a JSON object, in braces.", name=name
        )
    found += _unfit(content, "")
    if "zero_optimization" not in content:
        remedy = text("Add it with a stage, or choose “none”: without it nothing is split.")
        found.append(Fault("zero_optimization", text("It is missing."), remedy))
    elif isinstance(content["zero_optimization"], dict):
        found += _stages(content["zero_optimization"])
    refuse(found, name)
    return content


def refuse(found: Sequence[Fault], name: str) -> None:
    """Stop over faults, if there are any.

    Raises:
        UserError: all of them.
    """
    if not found:
        return
    sentences = [f.sentence for f in found[:_SHOWN]]
    raise UserError(
        "The DeepSpeed file {name} cannot be used as it is:\n{list}",
        "Mend this and try again.",
        name=name,
        list=reduce(lambda first, rest: text("{first}\n{rest}", first=first, rest=rest), sentences),
    )


def _once(found: list[Fault]) -> Any:
    """A JSON object's pairs as a dict; a key that stands twice becomes a fault."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(items)
        for key in sorted({k for k, _ in items if [n for n, _ in items].count(k) > 1}):
            found.append(Fault(key, text("It stands here twice."), text("Keep one of the two.")))
        return made

    return pairs


def _unfit(body: Content, above: str) -> Iterator[Fault]:
    for key, value in body.items():
        path = f"{above}{key}"
        if path in REFUSED:
            yield Fault(path, text("It has no place here."), REFUSED[path])
        elif path in SECTIONS:
            if isinstance(value, dict):
                yield from _unfit(value, f"{path}.")
            else:
                yield Fault(
                    path, text("It must hold keys."), text("Write a JSON object, in braces.")
                )
        elif path not in RULES:
            yield Fault(path, text("DeepSpeed has no such key; it would ignore it."), _near(path))
        elif not RULES[path].holds(value):
            shown = text("{value} cannot be used here.", value=json.dumps(value)[:60])
            yield Fault(path, shown, RULES[path].expects)


def _near(path: str) -> Text:
    """The key that was most likely meant: of the same section first, then of any."""
    section, _, key = path.rpartition(".")
    known = sorted({*RULES, *SECTIONS})
    here = {p.rpartition(".")[2]: p for p in known if p.rpartition(".")[0] == section}
    for names in (here, {p.rpartition(".")[2]: p for p in reversed(known)}):
        near = difflib.get_close_matches(key.lower(), names, 1, cutoff=0.7)
        near = near or [n for n in names if len(key) > 3 and n.startswith(key.lower())]
        if near and names[near[0]].rpartition(".")[0] == section:
            return text("Did you mean “{near}”?", near=near[0])
        if near:
            return text("Did you mean {near}?", near=names[near[0]])
    return text("Take it out.")


def _stages(zero: Content) -> Iterator[Fault]:
    """What the chosen stage cannot do."""
    if "stage" not in zero:
        key = "zero_optimization.stage"
        yield Fault(key, text("It is missing."), RULES[key].expects)
        return
    for key, least in (("offload_optimizer", 1), ("offload_param", 3)):
        if isinstance(zero.get(key), dict) and zero[key].get("device") == "cpu":
            if isinstance(zero["stage"], int) and zero["stage"] < least:
                problem = text("It needs stage {least}.", least=least)
                remedy = text("Set the stage to {least} or take it out.", least=least)
                yield Fault(f"zero_optimization.{key}", problem, remedy)
