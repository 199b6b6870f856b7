"""Reading XTuner 0.1.x configs: `.py` files, as written by people or as dumped into a work_dir.

The file is data (see `xtuner_eval`). Every value is accounted for: taken as it stands, converted
with the reason, ignored with the reason, or unknown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import ValidationError

from core.config import xtuner_convert
from core.config.fields import Value
from core.config.schema import Config
from core.config.xtuner_eval import evaluate
from core.config.xtuner_names import IGNORED, SOURCES
from core.config.xtuner_reader import Note, Reader
from core.errors import Text, UserError, text


@dataclass(frozen=True)
class Imported:
    """A config read from XTuner's form, and what became of each of its values."""

    config: Config
    taken: tuple[Note, ...]
    converted: tuple[Note, ...]
    ignored: tuple[Note, ...]
    unknown: tuple[Note, ...]

    @property
    def groups(self) -> tuple[tuple[Text, tuple[Note, ...]], ...]:
        """All notes under their headings, from what stayed to what nobody understood."""
        return (
            (text("Taken over"), self.taken),
            (text("Converted"), self.converted),
            (text("Left out"), self.ignored),
            (text("Unknown"), self.unknown),
        )


def import_config(source: str, name: str = "config.py") -> Imported:
    """The config in an XTuner `.py` text; nothing in it is imported or run.

    Raises:
        UserError: the text is no such config, or holds anything but data; with the line.
    """
    reader = Reader(evaluate(source, name))
    if not {"model", "train_dataloader", "pretrained_model_name_or_path"} & set(reader.values):
        raise UserError(
            "{name} holds no model and no dataset.",
            "Choose a config file of XTuner 0.1: the one that train was given.",
            name=name,
        )
    for place, paths in SOURCES.items():
        path, value = reader.pop(*paths)
        if value is not None:
            reader.take(place, value, path)
    xtuner_convert.convert(reader)
    _leftovers(reader)
    return Imported(
        _config(reader),
        tuple(reader.taken),
        tuple(reader.converted),
        tuple(reader.ignored),
        tuple(reader.unknown),
    )


def _config(reader: Reader) -> Config:
    parts: dict[str, dict[str, Value]] = {}
    for (part, key), value in reader.found.items():
        parts.setdefault(part, {})[key] = value
    try:
        return Config.model_validate(parts)
    except ValidationError:  # each value is right by itself, so only the course of the rate is not
        parts["optimizer"].pop("eta_min")
        reader.puzzle("eta_min", text("the learning rate would end above its peak; 0 is used"))
        return Config.model_validate(parts)


def _leftovers(reader: Reader) -> None:
    """Everything that nobody asked for: with a reason where there is one, else unknown.

    What is ignored is told once for each section of two names, and not where it was off anyway.
    """
    patterns = [(re.compile(reader.fill(pattern)), why) for pattern, why in IGNORED]
    told: set[tuple[str, str]] = set()
    for path, value in reader.leaves.items():
        why = next((why for pattern, why in patterns if pattern.match(path)), None)
        section = ".".join(path.split(".")[:2])
        if why is None:
            reader.puzzle(path, text("the studio does not know this setting"))
        elif value is not None and value is not False and (section, why.template) not in told:
            told.add((section, why.template))
            reader.ignore(section, why)
