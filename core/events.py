"""What happened in a run: one JSON line per event, appended and never edited.

Kinds are past-tense verbs. Every event has `kind`, `at` (Unix seconds) and `job`.
The fields of each kind stand beside its name in `KINDS`; `core.status` folds a list of them into
what a page shows.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from core.files import disk_errors

Event = dict[str, Any]

KINDS: Final = {
    "requested": "a person asked for the job: command (list of str)",
    "queued": "the job waits for the device: place (0 = next), ahead (names of runs)",
    "started": "the job holds the device: processes, total_steps, from_step, expected_seconds",
    "progressed": "a named stage moved: stage (str), done, total",
    "stepped": "one optimizer step: step, loss, learning_rate, grad_norm, tokens, real_tokens, "
    "seconds, memory_gib",
    "halved": "memory ran out; from this step on fewer tokens are computed at once, to the same "
    "result: step, before, tokens",
    "sampled": "an evaluation question was answered: step, question, answer",
    "probed": "held-out questions about the persona were asked: step, recall, asked",
    "saved": "a checkpoint is complete: step",
    "stop_requested": "a person asked the job to stop",
    "stopped": "the job saved and ended early: step",
    "failed": "the job ended by an error: problem, remedy (Text as JSON), detail",
    "finished": "the job did all its work: seconds",
    "scored": "a checkpoint was scored: step, strength, asked, recall and leak (each with its "
    "95 % interval: recall_interval, leak_interval), kl, agreement",
    "measured": "a figure beside its expectation: name, expected, measured, unit",
}


def append(path: Path, kind: str, job: str, **fields: Any) -> None:
    """Append one event with one write, so that concurrent writers never mix their lines."""
    if kind not in KINDS:
        raise ValueError(f"unknown event kind {kind!r}")
    line = json.dumps({"kind": kind, "at": time.time(), "job": job, **fields}, ensure_ascii=False)
    with disk_errors(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(descriptor, (_mend(path) + line + "\n").encode("utf-8"))
        finally:
            os.close(descriptor)


def _mend(path: Path) -> str:
    """A line break where a crash left the last line without one."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return ""
        file.seek(-1, os.SEEK_END)
        return "" if file.read(1) == b"\n" else "\n"


def read(path: Path) -> list[Event]:
    """All whole events, oldest first; a line torn by a crash is skipped."""
    return list(_parse(path.read_bytes())) if path.exists() else []


def _parse(raw: bytes) -> Iterator[Event]:
    for line in raw.split(b"\n"):
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("kind") in KINDS:
            yield event


def since(path: Path, offset: int) -> tuple[list[Event], int]:
    """Whole events after byte `offset`, and the offset to continue from."""
    if not path.exists():
        return [], 0
    with path.open("rb") as file:
        file.seek(offset)
        raw = file.read()
    whole = raw[: raw.rfind(b"\n") + 1]
    return list(_parse(whole)), offset + len(whole)
