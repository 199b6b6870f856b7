"""DeepSpeed's hostfile: which machines train, and how many processes on each.

One host a line, `name slots=8`; empty lines and `#` comments are skipped. torchrun wants the same
number of processes on every host, so unequal slots are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Final

from core.config import document
from core.errors import Text, UserError, text

_LINE: Final = re.compile(r"(?P<name>\S+)\s+slots\s*=\s*(?P<slots>\d+)")
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:_-]{0,251}[A-Za-z0-9])?")
_MOST_HOSTS: Final = 1024
_MOST_SLOTS: Final = 64
_TOLD: Final = 10


@dataclass(frozen=True)
class Hosts:
    """Machines by name or address, the first of which the others meet at; processes on each."""

    names: tuple[str, ...]
    slots: int


def read(path: Path) -> Hosts:
    """The hosts of a file.

    Raises:
        UserError: the file is missing, or lines of it cannot be used (all told).
    """
    if not path.is_file():
        raise UserError(
            "There is no hostfile {file}.",
            "Write one host a line, for example: node1 slots=8",
            file=path,
        )
    return parse(document.read(path, path.name), path.name)


def parse(source: str, name: str) -> Hosts:
    """The hosts of a hostfile's text; `name` only for messages.

    Raises:
        UserError: lines cannot be used (all told), or there are none.
    """
    names: list[str] = []
    slots: dict[str, int] = {}
    faults: list[Text] = []
    for number, line in enumerate(source.splitlines(), 1):
        words = line.partition("#")[0].strip()
        if not words:
            continue
        found = _LINE.fullmatch(words)
        for fault in _faults(found, slots):
            faults.append(text("Line {line}: {fault}", line=number, fault=fault))
        if found:
            names.append(found["name"])
            slots[found["name"]] = int(found["slots"])
    if not names and not faults:
        faults.append(text("It names no host."))
    if not faults and len(set(slots.values())) > 1:
        faults.append(text("All hosts need the same number of slots: torchrun counts them alike."))
    if len(names) > _MOST_HOSTS:
        faults.append(text("These are more than {most} hosts.", most=_MOST_HOSTS))
    if faults:
        raise UserError(
            "The hostfile {name} cannot be used:\n{faults}",
            "Write one host a line, for example: node1 slots=8",
            name=name,
            faults=reduce(lambda a, b: text("{first}\n{rest}", first=a, rest=b), faults[:_TOLD]),
        )
    return Hosts(tuple(names), slots[names[0]])


def _faults(found: re.Match[str] | None, seen: dict[str, int]) -> Iterator[Text]:
    if found is None:
        yield text("this is not “name slots=number”.")
    elif not _NAME.fullmatch(found["name"]):
        yield text("{host} is no name or address of a host.", host=found["name"])
    elif found["name"] in seen:
        yield text("{host} stands here twice.", host=found["name"])
    elif not 1 <= int(found["slots"]) <= _MOST_SLOTS:
        yield text("slots must be from 1 to {most}.", most=_MOST_SLOTS)
