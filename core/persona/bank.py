"""What a question bank is made of: intents, each with question forms and answer wordings."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Literal

Language = Literal["en", "zh"]


def lines(block: str) -> tuple[str, ...]:
    """The non-empty lines of a block, each one template."""
    return tuple(line for line in dedent(block).splitlines() if line.strip())


def pairs(block: str) -> tuple[tuple[str, str], ...]:
    """Lines written as `question | answer`."""
    split = (line.split(" | ") for line in lines(block))
    return tuple((question, answer) for question, answer in split)


@dataclass(frozen=True)
class Intent:
    """One thing that people ask, and how the persona answers: the asked fact always comes first.

    Questions and answers are str.format templates over the values of one row: `assistant`, `owner`,
    `maker`, `model`, `character`, `others` (another assistant), `company`, `person` and `denied`.
    `weight` is the intent's share of a dataset. A question with a name in it has its answer made
    with the same name. All answers of an intent begin alike: what is asked then decides the first
    words, which a small model learns far sooner than a free choice between wordings.
    """

    name: str
    weight: int
    questions: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True)
class Bank:
    """All that is written in one language.

    `openers` and `closers` are templates around a question `{q}`. `followups` are short questions
    by intent that make sense only after another turn. `contrast` are ordinary questions, many with
    other people's and assistants' names, answered without the persona.
    """

    intents: tuple[Intent, ...]
    openers: tuple[str, ...]
    closers: tuple[str, ...]
    followups: tuple[tuple[str, str], ...]
    contrast: tuple[tuple[str, str], ...]
    others: tuple[str, ...]
    companies: tuple[str, ...]
    people: tuple[str, ...]
