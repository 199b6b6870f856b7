"""A dataset: conversations in the OpenAI `messages` form, read strictly and written plainly."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Role = Literal["system", "user", "assistant"]
Kind = Literal["persona", "contrast", "replay"]

ROLES: Final = ("system", "user", "assistant")
MAX_BYTES: Final = 64 * 2**20
MAX_ROWS: Final = 200_000


@dataclass(frozen=True)
class Message:
    """One turn."""

    role: Role
    content: str


@dataclass(frozen=True)
class Row:
    """One conversation. `kind` says why it is in the dataset; the engine treats only replay apart."""

    messages: tuple[Message, ...]
    kind: Kind = "persona"

    def to_json(self) -> dict[str, object]:
        """As one OpenAI record; the kind is written only where it is not the default."""
        record: dict[str, object] = {
            "messages": [{"role": m.role, "content": m.content} for m in self.messages]
        }
        return record if self.kind == "persona" else {**record, "kind": self.kind}


def dumps(rows: Iterable[Row]) -> str:
    """The file's text: what `json.dump(…, ensure_ascii=False, indent=4)` writes, no final newline."""
    return json.dumps([row.to_json() for row in rows], ensure_ascii=False, indent=4)


def unique(rows: Sequence[Row]) -> dict[Row, int]:
    """Each different row with its number of copies, in order of first appearance."""
    return dict(Counter(rows))
