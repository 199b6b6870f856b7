"""One job at a time on this machine's device: a first-in-first-out line of ticket files.

A ticket is alive while its process holds the file's lock, so a killed job leaves the line by
itself. Nobody manages the line: the first living ticket has the device.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from core.files import Lock


@dataclass(frozen=True)
class Waiting:
    """One place in the line, as others see it."""

    run: str
    job: str
    since: float


class Ticket:
    """This process's place in the line; drawn once, given back when the job ends."""

    def __init__(self, path: Path, lock: Lock) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def draw(cls, folder: Path, run: str, job: str) -> Ticket:
        """Join the end of the line."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{time.time_ns():020d}-{os.getpid()}.json"
        hidden = folder / f".{name}"
        lock = Lock.join(hidden)
        hidden.write_text(json.dumps({"run": run, "job": job}), "utf-8")
        # Visible only once it is locked and whole, so that nobody clears it away as dead.
        path = hidden.rename(folder / name)
        return cls(path, lock)

    @property
    def descriptor(self) -> int:
        """The lock's file descriptor; a child that inherits it keeps the place."""
        return self._lock.descriptor

    def ahead(self) -> list[Waiting]:
        """Living tickets before this one, first first; empty means that the device is ours."""
        return [_read(p) for p in _alive(self.path.parent) if p.name < self.path.name]

    def behind(self) -> list[Waiting]:
        """Living tickets after this one."""
        return [_read(p) for p in _alive(self.path.parent) if p.name > self.path.name]

    def give_back(self) -> None:
        """Leave the line."""
        self.path.unlink(missing_ok=True)
        self._lock.release()


def line(folder: Path) -> list[Waiting]:
    """Everybody in the line; the first has the device."""
    return [_read(p) for p in _alive(folder)]


def _alive(folder: Path) -> list[Path]:
    found = []
    for path in sorted(folder.glob("[0-9]*.json")):
        if Lock.held(path):
            found.append(path)
        else:
            path.unlink(missing_ok=True)
    return found


def _read(path: Path) -> Waiting:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):  # given back between the listing and the reading
        data = {"run": "", "job": ""}
    return Waiting(data["run"], data["job"], int(path.name.split("-")[0]) / 1e9)
