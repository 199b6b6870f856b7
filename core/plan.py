"""The plan: what this machine will do about a config, every value with its reason.

`core.planner.plan` makes it. The page shows it before the start, the job obeys it, and writes what
it measures beside what was expected.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import Text
from core.zero_advice import Option

Value = str | int | float | bool


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
    """All decisions of a run. Ranges are (low, high); seconds and GiB, those of one process.

    `step_seconds` are expected of an optimizer step once all is under way. `command` is the argv
    of the program that trains; `options` are the ways to split it.
    """

    items: tuple[Item, ...]
    total_steps: int
    seconds: tuple[float, float]
    memory_gib: tuple[float, float]
    disk_gib: float
    warnings: tuple[Text, ...]
    command: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    step_seconds: float = 0.0

    def __getitem__(self, name: str) -> Value:
        for item in self.items:
            if item.name == name:
                return item.value
        raise KeyError(name)

    @property
    def gpus(self) -> str:
        """The GPUs that train, “0,2”; “” where all do, or there is none."""
        return next((str(i.value) for i in self.items if i.name == "gpus"), "")

    @property
    def offload(self) -> str:
        """What stays in main memory, see `cost.OFFLOAD`."""
        return next((str(i.value) for i in self.items if i.name == "offload"), "nothing")

    @property
    def processes(self) -> int:
        """How many processes train."""
        return int(self["processes"])

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
        data["options"] = [o.to_json() for o in self.options]
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
            options=tuple(Option.from_json(o) for o in data.get("options", ())),
            step_seconds=data.get("step_seconds", 0.0),
        )
