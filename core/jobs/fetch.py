"""Program: fetch a dataset of the Hub. `python -m core.jobs.fetch DIRECTORY hf://datasets/…`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from datasets import IterableDataset, load_dataset
from datasets.exceptions import DatasetNotFoundError

from core.dataset import MAX_BYTES, MAX_ROWS
from core.errors import Text, UserError, text
from core.files import write_atomic
from core.hub_data import parts, place
from core.jobs.common import enter, lead
from core.settings import Settings

_TOLD_EVERY: Final = 5000


def main(arguments: list[str]) -> int:
    """Fetch the first rows; exit 0 done, 1 our fault, 2 the user's."""
    run = enter("fetch", arguments[0])
    data_path = arguments[1]

    def work() -> str:
        run.emit("started", "fetch")
        name, file = parts(data_path)
        fetch(
            name,
            file,
            place(Settings.from_environment(), data_path),
            lambda done: run.emit(
                "progressed", "fetch", stage="fetching rows", done=done, total=MAX_ROWS
            ),
        )
        return "finished"

    return lead("fetch", run, work)


def fetch(name: str, file: str | None, out: Path, told: Callable[[int], None]) -> int:
    """Write the first rows of a dataset (an id, or a folder of data files) as JSON lines.

    Nothing but data is read: `datasets` knows no loading scripts. The file ends where a dataset
    may end, after MAX_ROWS rows or MAX_BYTES. Returns the number of rows.

    Raises:
        UserError: it is not to be had: no such dataset, no connection, or no rows in it.
    """
    lines: list[str] = []
    size = 0
    try:
        for record in _records(name, file):
            line = json.dumps(record, ensure_ascii=False, default=str)
            size += len(line.encode("utf-8", "replace")) + 1
            if len(lines) >= MAX_ROWS or size > MAX_BYTES:
                break
            lines.append(line)
            if len(lines) % _TOLD_EVERY == 0:
                told(len(lines))
    # The Hub's client raises errors of some twenty classes for what is all the same to a person.
    except Exception as error:
        raise UserError(
            "The dataset {name} could not be fetched: {reason}.",
            "Check its name and the connection, or download it and bring the file.",
            name=name,
            reason=_reason(error),
        ) from error
    if not lines:
        raise UserError("The dataset {name} holds no rows.", "Choose another dataset.", name=name)
    write_atomic(out, "\n".join(lines))
    told(len(lines))
    return len(lines)


def _reason(error: Exception) -> Text:
    """Why it failed: the two usual reasons in plain words, else what the client says."""
    if isinstance(error, ConnectionError):
        return text("the Hugging Face Hub cannot be reached from this machine")
    if isinstance(error, DatasetNotFoundError):
        return text("there is no dataset of that name, or it is not public")
    said = (str(error).splitlines() or [type(error).__name__])[0][:200].rstrip(".")
    return text("{said}", said=said)


def _records(name: str, file: str | None) -> Iterator[dict[str, Any]]:
    found = load_dataset(name, data_files=file, split="train", streaming=True)
    assert isinstance(found, IterableDataset)
    yield from found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
