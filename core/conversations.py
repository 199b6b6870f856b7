"""The conversations of a run or of a config: found, and read once for each version of the files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from core import dataset
from core.config.dataset_part import DatasetPart
from core.config.schema import Config
from core.dataset import Row
from core.dataset_formats import Columns, Layout, detect
from core.dataset_text import decode, parse, read
from core.errors import UserError
from core.hub_data import is_hub, place
from core.persona import persona
from core.run import Run
from core.settings import Settings

ENDINGS: Final = (".json", ".jsonl", ".csv", ".tsv")
"""What the files of a folder must end in to be read as data."""


@dataclass(frozen=True, eq=False)
class Conversations:
    """Rows as one thing, equal only to itself: what is worked out from it can be remembered.

    `left_out` tells of each row of the Hub that cannot be learned.
    """

    rows: tuple[Row, ...]
    left_out: tuple[UserError, ...] = ()


def of_run(run: Run) -> Conversations:
    """What a run learns from.

    Raises:
        UserError: there is no such file, or it cannot be used.
    """
    return _read((_version(run.dataset_file),), DatasetPart(), False)


def of_config(config: Config, home: Path, settings: Settings) -> Conversations:
    """What a config names: a file or a folder of them beside the config in `home`, or the Hub.

    Placeholders are filled from a persona.yaml beside the config. Other people's rows from the
    Hub may be faulty here and there: those are left out, while in one's own files they are told.

    Raises:
        UserError: there is nothing of that name, it is not fetched yet, a row cannot be used, or
            a placeholder is left.
    """
    hub = is_hub(config.settings.data_path, home)
    files = _fetched(config, settings) if hub else _files(config, home)
    found = _read(tuple(_version(file) for file in files), config.dataset, hub)
    who = home / "persona.yaml"
    if who.exists() and dataset.placeholders(found.rows):
        known = persona.load(who)
        filled = dataset.fill_placeholders(found.rows, known.assistant, known.maker)
        found = replace(found, rows=tuple(filled))
    dataset.check(found.rows, Path(config.settings.data_path).name)
    return found


def layout_of(file: Path, name: str) -> Layout:
    """The layout that a data file is in, by its first record; errors call the file `name`.

    Raises:
        UserError: it cannot be read, or its keys belong to no layout.
    """
    records = parse(decode(read(file, name, dataset.MAX_BYTES), name), name)
    return detect(records[0], name)


def _fetched(config: Config, settings: Settings) -> list[Path]:
    file = place(settings, config.settings.data_path)
    if not file.exists():
        raise UserError(
            "The dataset {name} is not on this machine yet.",
            "It is fetched when training begins; or name a file that you have.",
            name=config.settings.data_path,
        )
    return [file]


def _files(config: Config, home: Path) -> list[Path]:
    place = home / Path(config.settings.data_path).expanduser()
    if not place.is_dir():
        return [place]
    found = sorted(f for f in place.iterdir() if f.suffix.casefold() in ENDINGS and f.is_file())
    if not found:
        raise UserError(
            "The folder {name} holds no data files.",
            "Put files into it that end in one of: {endings}.",
            name=place.name,
            endings=", ".join(ENDINGS),
        )
    return found


def _version(file: Path) -> tuple[Path, int]:
    return file, file.stat().st_mtime_ns if file.exists() else 0


@lru_cache(maxsize=4)
def _read(files: tuple[tuple[Path, int], ...], part: DatasetPart, lenient: bool) -> Conversations:
    """Rows of files at these versions (nanoseconds of their last change), read as the part says."""
    columns = Columns(part.input_text, part.output_text, part.system_text)
    rows: list[Row] = []
    left_out: list[UserError] = []
    for file, _ in files:
        rows += dataset.load(
            file,
            part.format,
            columns=columns if part.format == "columns" else None,
            most=part.max_rows - len(rows),
            left_out=left_out if lenient else None,
        )
        if len(rows) >= part.max_rows:
            break
    return Conversations(tuple(rows), tuple(left_out))
