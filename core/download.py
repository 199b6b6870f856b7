"""A model's files from a hub: plain HTTPS, resumable, checked.

A download belongs to one commit, found out at its start and kept beside it, so that what is
resumed is what was begun. Every file's length is checked, and its SHA-256 where the hub tells it.
Only weights, config and tokenizer are fetched: never code.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from core.errors import UserError
from core.files import disk_errors, require_space, write_atomic
from core.hub import TRIES, Hub, RemoteFile, refuse, wait
from core.model_folder import read_config, read_json
from core.models import shape
from core.origin import Origin

_LISTING: Final = "listing.json"
_SMALL: Final = frozenset(
    {
        *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
        *("special_tokens_map.json", "added_tokens.json", "chat_template.jinja"),
        *("tokenizer.model", "LICENSE", "LICENSE.txt"),
    }
)
_WEIGHTS: Final = tuple(
    re.compile(rf"{stem}(-\d+-of-\d+)?\.{suffix}(\.index\.json)?", re.ASCII)
    for stem, suffix in (("model", "safetensors"), ("pytorch_model", "bin"))
)
_MOST_BYTES: Final = 2**41

Report = Callable[[int, int], None]


def download(origin: Origin, folder: Path, hub: Hub, report: Report) -> str:
    """Fetch a model into a folder, or go on with what was fetched before; its commit.

    Args:
        report: called with bytes done and in all.

    Raises:
        UserError: the hub refuses it or cannot be reached, it is no model for this program, or
            the disk has too little space.
    """
    with disk_errors(folder), hub.client() as client:
        folder.mkdir(parents=True, exist_ok=True)
        revision, files = _listed(client, origin, folder, hub)
        total = sum(f.size for f in files)
        have = sum(_partial(folder, f) for f in files)
        require_space(folder, total - have + _converted(files))
        done = 0
        for file in files:
            url, told = hub.url(origin, revision, file.name), partial(_add, report, done, total)
            _fetch(client, url, file, folder, hub, origin, told)
            done += file.size
            if file.name == "config.json":  # small, and first: a wrong model costs nothing
                read_config(folder)
                shape(folder)
    (folder / _LISTING).unlink()
    return revision


def _converted(files: list[RemoteFile]) -> int:
    """Bytes of the second copy that a conversion writes after the download, where one is sure."""
    weights = [f for f in files if f.name.endswith((".safetensors", ".bin"))]
    names = {f.name for f in files}
    ready = "tokenizer.json" in names and not any(f.name.endswith(".bin") for f in weights)
    return 0 if ready else sum(f.size for f in weights)


def _add(report: Report, before: int, total: int, arrived: int) -> None:
    report(before + arrived, total)


def missing(origin: Origin, folder: Path) -> list[str]:
    """Names of the files that an interrupted download still lacks; empty when none was begun."""
    listed = read_json(folder / _LISTING).get("files", [])
    return [f["name"] for f in listed if not (folder / f["name"]).exists()]


def _listed(
    client: httpx.Client, origin: Origin, folder: Path, hub: Hub
) -> tuple[str, list[RemoteFile]]:
    kept = read_json(folder / _LISTING)
    if kept:
        return kept["revision"], [RemoteFile(**f) for f in kept["files"]]
    revision, every = hub.listing(client, origin)
    files = _wanted(every, origin)
    table = {"revision": revision, "files": [asdict(f) for f in files]}
    write_atomic(folder / _LISTING, json.dumps(table, indent=1))
    return revision, files


def _wanted(every: list[RemoteFile], origin: Origin) -> list[RemoteFile]:
    """Small files, config.json first, then weights: safetensors where there are any."""
    by_name = {f.name: f for f in every}
    weights: list[RemoteFile] = []
    for pattern in _WEIGHTS:
        weights = weights or [f for n, f in sorted(by_name.items()) if pattern.fullmatch(n)]
    if "config.json" not in by_name or not any(not f.name.endswith(".json") for f in weights):
        raise UserError(
            "{model} holds no model that this program can train.",
            "Choose a repository with a config.json and safetensors weights.",
            model=origin.name,
        )
    rest = [f for n, f in sorted(by_name.items()) if n in _SMALL and n != "config.json"]
    files = [by_name["config.json"], *rest, *weights]
    if not all(0 <= f.size <= _MOST_BYTES for f in files):
        raise UserError(
            "{model} claims a file of an absurd size.", "Choose another model.", model=origin.name
        )
    return files


def _partial(folder: Path, file: RemoteFile) -> int:
    for path in (folder / file.name, folder / f"{file.name}.part"):
        if path.exists():
            return path.stat().st_size
    return 0


def _fetch(
    client: httpx.Client,
    url: str,
    file: RemoteFile,
    folder: Path,
    hub: Hub,
    origin: Origin,
    report: Callable[[int], None],
) -> None:
    """One file: from where it was left, under its own name only once it is whole and right."""
    whole, part = folder / file.name, folder / f"{file.name}.part"
    if whole.exists():
        return report(file.size)
    for attempt in range(TRIES):
        at = part.stat().st_size if part.exists() else 0
        if at >= file.size:
            break
        headers = {"accept-encoding": "identity"}
        if at:
            headers["range"] = f"bytes={at}-"
        try:
            with client.stream("GET", url, headers=headers) as reply:
                refuse(reply, hub, origin)
                # A server that knows no ranges answers 200 with the whole file.
                resumed = at and reply.status_code == httpx.codes.PARTIAL_CONTENT
                with part.open("ab" if resumed else "wb") as out:
                    at = out.tell()
                    for block in reply.iter_bytes():
                        at += len(block)
                        if at > file.size:
                            break
                        out.write(block)
                        report(at)
        except httpx.HTTPError as error:
            wait(attempt, error, hub)
    if part.stat().st_size != file.size or (file.sha256 and _sha256(part) != file.sha256):
        part.unlink()
        raise UserError(
            "{file} arrived damaged from {hub}, and was deleted.",
            "Start again; if it repeats, use another mirror (HF_ENDPOINT).",
            file=file.name,
            hub=hub.title,
        )
    part.rename(whole)
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
