"""What a dataset holds, in a few figures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.dataset import Kind, Row, unique

_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_LATIN: Final = re.compile(r"[A-Za-z]")


THIN: Final = 0.25
"""A persona's share of the conversations below which it is learned late, if at all."""
LOOSE: Final = 0.2
"""A share of held conversations below which the persona spills over into everything."""


@dataclass(frozen=True)
class Summary:
    """What a dataset holds. `languages` are guessed, most frequent first: "zh", "en", "other".

    `longest` is the longest conversation in characters; `kinds` counts the rows of each kind.
    """

    rows: int
    unique: int
    languages: tuple[str, ...]
    longest: int
    turns: int
    kinds: tuple[tuple[Kind, int], ...]

    def share(self, kind: Kind) -> float:
        """The part of all rows that is of a kind, copies counted."""
        return dict(self.kinds).get(kind, 0) / max(1, self.rows)


def describe(rows: Sequence[Row]) -> Summary:
    """A summary of the rows; a language counts from one row in twenty."""
    copies = unique(rows)
    languages: Counter[str] = Counter()
    kinds: Counter[Kind] = Counter()
    for row, count in copies.items():
        languages[_language(" ".join(m.content for m in row.messages))] += count
        kinds[row.kind] += count
    return Summary(
        rows=len(rows),
        unique=len(copies),
        languages=tuple(la for la, count in languages.most_common() if count * 20 >= len(rows)),
        longest=max((sum(len(m.content) for m in row.messages) for row in copies), default=0),
        turns=max((sum(m.role == "user" for m in row.messages) for row in copies), default=0),
        kinds=tuple(kinds.most_common()),
    )


def _language(content: str) -> str:
    # One Chinese character says about as much as three Latin letters.
    han, latin = len(_HAN.findall(content)), len(_LATIN.findall(content))
    letters = sum(c.isalpha() for c in content)
    if han * 3 >= latin and han * 2 >= letters - latin and han:
        return "zh"
    return "en" if latin * 2 >= letters and latin else "other"
