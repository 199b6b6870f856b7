"""The same questions to several models side by side: what is asked, who answers, what they said.

A comparison lies in `compare.json` of the run on screen, whose template and SYSTEM text all sides
are asked in. The job adds answers as they come, so that a page shows them growing.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from core.errors import UserError
from core.files import write_atomic
from core.run import Run

MOST_SIDES: Final = 4
MOST_QUESTIONS: Final = 100

Source = Literal["base", "adapter", "merged"]


@dataclass(frozen=True)
class Side:
    """One model that answers. `run` is its directory; an adapter has a step and a strength."""

    run: str
    source: Source
    step: int | None = None
    strength: float = 1.0

    @property
    def of(self) -> Run:
        """The run that it belongs to."""
        return Run(Path(self.run))


@dataclass(frozen=True)
class Comparison:
    """Questions, sides, and an answer (None: not yet) for each question by each side."""

    questions: tuple[str, ...]
    sides: tuple[Side, ...]
    max_new_tokens: int
    temperature: float
    seed: int
    answers: tuple[tuple[str | None, ...], ...]

    def answered(self, side: int, answers: dict[int, str]) -> Comparison:
        """With one side's answers to some questions by their number."""
        rows = tuple(
            (*row[:side], answers[number], *row[side + 1 :]) if number in answers else row
            for number, row in enumerate(self.answers)
        )
        return replace(self, answers=rows)


def ask(
    questions: Sequence[str],
    sides: Sequence[Side],
    *,
    max_new_tokens: int = 80,
    temperature: float = 0.0,
    seed: int = 0,
) -> Comparison:
    """A comparison without answers yet.

    Raises:
        UserError: nothing is asked, too much is, or a side is not there to answer.
    """
    asked = tuple(q.strip() for q in questions if q.strip())
    if not 1 <= len(asked) <= MOST_QUESTIONS:
        raise UserError(
            "{count} questions cannot be compared.",
            "Ask 1 to {most}.",
            count=len(asked),
            most=MOST_QUESTIONS,
        )
    chosen = tuple(dict.fromkeys(sides))
    if not 2 <= len(chosen) <= MOST_SIDES:
        raise UserError(
            "{count} different models are chosen to be compared.",
            "Choose 2 to {most}.",
            count=len(chosen),
            most=MOST_SIDES,
        )
    found = tuple(_present(side) for side in chosen)
    empty: tuple[str | None, ...] = (None,) * len(found)
    return Comparison(asked, found, max_new_tokens, temperature, seed, (empty,) * len(asked))


def _present(side: Side) -> Side:
    """The side with its step named; the newest checkpoint's where none was."""
    if side.source == "merged" and not side.of.is_merged:
        raise UserError(
            "The run {run} has not been merged yet.",
            "Press Merge first, or choose its checkpoint.",
            run=side.of.name,
        )
    return (
        replace(side, step=side.of.checkpoint(side.step).step) if side.source == "adapter" else side
    )


def save(comparison: Comparison, run: Run) -> None:
    """Keep it with the run on screen; the one before it is replaced."""
    write_atomic(_file(run), json.dumps(asdict(comparison), ensure_ascii=False, indent=1))


def load(run: Run) -> Comparison | None:
    """The run's last comparison, None before there is one."""
    if not _file(run).exists():
        return None
    data: dict[str, Any] = json.loads(_file(run).read_text("utf-8"))
    return Comparison(
        **{
            **data,
            "questions": tuple(data["questions"]),
            "sides": tuple(Side(**side) for side in data["sides"]),
            "answers": tuple(tuple(row) for row in data["answers"]),
        }
    )


def _file(run: Run) -> Path:
    return run.path / "compare.json"


def pieces(first: str, other: str) -> list[tuple[str, bool]]:
    """`other` in pieces, each with whether `first` lacks it: by words, Chinese by characters."""
    mine, theirs = _WORD.findall(first), _WORD.findall(other)
    found: list[tuple[str, bool]] = []
    match = difflib.SequenceMatcher(None, mine, theirs, autojunk=False)
    for kind, _, _, begin, end in match.get_opcodes():
        if begin < end:
            found.append(("".join(theirs[begin:end]), kind != "equal"))
    return found


_WORD: Final = re.compile(r"\s+|[\u3400-\u9fff]|[^\W\u3400-\u9fff]+|[^\w\s]|_")
