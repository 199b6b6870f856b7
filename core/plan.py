"""The plan: what this machine will do about a config, every value with its reason.

A pure function of config, token lengths, model shape and hardware. The page shows it before the
start, the job obeys it, and writes what it measures beside what was expected.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from core.config.schema import Config
from core.dataset import Message, Row, unique
from core.errors import Text, UserError, text
from core.hardware import Hardware
from core.models import Shape
from core.schedule import Step, packs, schedule
from core.tokens import ChatTokenizer, Encoded

Value = str | int | float | bool


@dataclass(frozen=True)
class Work:
    """A dataset as the engine sees it: its different rows, encoded, with copies and kinds."""

    rows: tuple[Row, ...]
    copies: tuple[int, ...]
    encoded: tuple[Encoded, ...]
    cut: int  # rows longer than max_length

    @property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each different row."""
        return tuple(len(e.ids) for e in self.encoded)

    def weights(self) -> tuple[int, ...]:
        """Learned tokens of each different row."""
        return tuple(sum(e.learned) for e in self.encoded)


@dataclass(frozen=True)
class Item:
    """One decision: its machine value, and its name, value and reason for people."""

    name: str
    value: Value
    label: Text
    shown: Text
    reason: Text


@dataclass(frozen=True)
class Plan:
    """All decisions of a run. Ranges are (low, high); seconds and GiB."""

    items: tuple[Item, ...]
    total_steps: int
    seconds: tuple[float, float]
    memory_gib: tuple[float, float]
    disk_gib: float
    warnings: tuple[Text, ...]
    command: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Value:
        for item in self.items:
            if item.name == name:
                return item.value
        raise KeyError(name)

    def to_json(self) -> str:
        """The plan.json of a run."""
        data: dict[str, Any] = asdict(self)
        data["items"] = [
            {
                "name": i.name,
                "value": i.value,
                **{k: getattr(i, k).to_json() for k in ("label", "shown", "reason")},
            }
            for i in self.items
        ]
        data["warnings"] = [w.to_json() for w in self.warnings]
        return json.dumps(data, ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, source: str) -> Plan:
        """The inverse of `to_json`."""
        data = json.loads(source)
        texts = ("label", "shown", "reason")
        items = tuple(
            Item(i["name"], i["value"], *(Text.from_json(i[k]) for k in texts))
            for i in data["items"]
        )
        return cls(
            items=items,
            total_steps=data["total_steps"],
            seconds=tuple(data["seconds"]),
            memory_gib=tuple(data["memory_gib"]),
            disk_gib=data["disk_gib"],
            warnings=tuple(Text.from_json(w) for w in data["warnings"]),
            command=tuple(data["command"]),
        )


def encode(rows: Sequence[Row], tokenizer: ChatTokenizer, config: Config) -> Work:
    """Encode each different row once, with the config's system text and length limit.

    Raises:
        UserError: no row leaves anything to learn.
    """
    counts = unique(rows)
    system = config.settings.SYSTEM
    kept, copies, encoded, cut = [], [], [], 0
    for row, count in counts.items():
        messages = row.messages
        if system and messages[0].role != "system":
            messages = (Message("system", system), *messages)
        whole = tokenizer.encode(messages)
        short = whole.cut(config.settings.max_length)
        cut += count if len(whole.ids) > len(short.ids) else 0
        if any(short.learned):
            kept.append(row)
            copies.append(count)
            encoded.append(short)
    if not kept:
        raise UserError(
            "No conversation leaves anything to learn within max_length = {max_length} tokens.",
            "Raise max_length, or shorten the conversations.",
            max_length=config.settings.max_length,
        )
    return Work(tuple(kept), tuple(copies), tuple(encoded), cut)


def steps_of(config: Config, work: Work, processes: int) -> list[Step]:
    """The optimizer steps of a config on a number of processes."""
    s = config.settings
    return schedule(
        work.lengths,
        work.copies,
        budget=config.tokens_per_step * processes,
        epochs=s.max_epochs,
        seed=config.runtime.seed,
        shuffle=config.dataset.shuffle,
        rows_per_step=None
        if s.pack_to_max_length
        else s.batch_size * s.accumulative_counts * processes,
    )
