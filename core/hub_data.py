"""Datasets of the Hugging Face Hub: their address in a config, and where they lie once fetched.

`hf://datasets/owner/name`, or `owner/name` alone where nothing on this machine is called so.
`core.jobs.fetch` fetches them, as plain data files and never by a loading script.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from core.errors import UserError
from core.run import Run
from core.settings import Settings

PREFIX: Final = "hf://datasets/"
_ADDRESS: Final = re.compile(r"(?P<id>[A-Za-z0-9][\w.-]*/[\w.-]+)(?:/(?P<file>[\w.][\w./-]*))?")


_BARE: Final = re.compile(r"[A-Za-z0-9][\w.-]*/(?![\w.-]*\.(json|jsonl|csv|tsv)$)[\w.-]+")


def is_hub(data_path: str, home: Path | None = None) -> bool:
    """Whether a config's data_path names the Hub.

    What lies beside the config in `home` (None: on a page, where no path counts) goes before it.
    """
    if data_path.startswith(PREFIX):
        return True
    return bool(_BARE.fullmatch(data_path)) and not (home and (home / data_path).exists())


def parts(data_path: str) -> tuple[str, str | None]:
    """The dataset's id (owner/name), and the one file of it that is meant, if any.

    Raises:
        UserError: it is no such address.
    """
    found = _ADDRESS.fullmatch(data_path.removeprefix(PREFIX))
    if not found or ".." in data_path:
        raise UserError(
            "“{name}” is no dataset of the Hugging Face Hub.",
            "Write owner/name as its page has it, or name a file on this machine.",
            name=data_path[:120],
        )
    return found["id"], found["file"]


def place(settings: Settings, data_path: str) -> Path:
    """The file that a fetched dataset lies in: one record a line, its fields as they were."""
    name, file = parts(data_path)
    return settings.home / "datasets" / ("--".join([name, *([file] if file else [])])
        .replace("/", "--") + ".jsonl")  # fmt: skip


def fetching(settings: Settings, data_path: str) -> Run:
    """The job directory of a fetch: events, lock and log beside the file."""
    file = place(settings, data_path)
    return Run(file.with_name(f".fetch-{file.stem}"))
