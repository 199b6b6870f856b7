"""The conversations of a run or of a config: found, and read once for each version of the files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from core import dataset
from core.config.dataset_part import DatasetPart
from core.config.schema import Config
from core.dataset import Row
from core.dataset_formats import Columns
from core.errors import UserError
from core.run import Run

ENDINGS: Final = (".json", ".jsonl", ".csv", ".tsv")
"""What the files of a folder must end in to be read as data."""


@dataclass(frozen=True, eq=False)
class Conversations:
    """Rows as one thing, equal only to itself: what is worked out from it can be remembered."""

    rows: tuple[Row, ...]


def of_run(run: Run) -> Conversations:
    """What a run learns from.

    Raises:
        UserError: there is no such file, or it cannot be used.
    """
    return _read((_version(run.dataset_file),), DatasetPart())


def of_config(config: Config, home: Path) -> Conversations:
    """What a config names: a file, or all data files of a folder, beside the config in `home`.

    Raises:
        UserError: there is nothing of that name, or a row cannot be used.
    """
    return _read(tuple(_version(file) for file in _files(config, home)), config.dataset)


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
def _read(files: tuple[tuple[Path, int], ...], part: DatasetPart) -> Conversations:
    """Rows of files at these versions (nanoseconds of their last change), read as the part says."""
    columns = Columns(part.input_text, part.output_text, part.system_text)
    rows: list[Row] = []
    for file, _ in files:
        rows += dataset.load(
            file,
            part.format,
            columns=columns if part.format == "columns" else None,
            most=part.max_rows - len(rows),
        )
        if len(rows) >= part.max_rows:
            break
    return Conversations(tuple(rows))
