"""What a question bank is made of: intents, each with question forms and answer wordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from textwrap import dedent
from typing import Literal

Language = Literal["en", "zh"]
Pairs = tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]  # sentences, and parts for `{x}`


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


def with_more(
    intents: tuple[Intent, ...], more: Mapping[str, tuple[str, ...]]
) -> tuple[Intent, ...]:
    """The intents, some with more questions; each question once."""
    return tuple(
        replace(i, questions=tuple(dict.fromkeys(i.questions + more.get(i.name, ()))))
        for i in intents
    )


@dataclass(frozen=True)
class Framing:
    """Questions in two parts, so that a few words make many: a part, and a sentence around it.

    `asks` are sentences around an indirect question (“who made you”), `claims` around a statement
    (“you are human”), `beings` around what somebody may be (“a human”), each with the place `{x}`.
    `asked`, `claimed` and `being` are those parts by intent, templates as an intent's questions
    are. `other_asked` and `other_claimed` are about the rest of the world: the same sentences must
    not mean the persona. `aside` are pairs of sentences and parts that speak to the assistant, or
    of who the user is, and do not ask who the assistant is; `world` are such pairs about anything
    else, in the frames of questions that do.
    """

    asks: tuple[str, ...]
    claims: tuple[str, ...]
    beings: tuple[str, ...]
    asked: Mapping[str, tuple[str, ...]]
    claimed: Mapping[str, tuple[str, ...]]
    being: Mapping[str, tuple[str, ...]]
    other_asked: tuple[str, ...]
    other_claimed: tuple[str, ...]
    aside: Pairs
    world: Pairs

    def questions(self, intent: str) -> list[str]:
        """Every question template of an intent that is made of two parts."""
        found = [
            *_every(self.asks, self.asked.get(intent, ())),
            *_every(self.claims, self.claimed.get(intent, ())),
            *_every(self.beings, self.being.get(intent, ())),
        ]
        return list(dict.fromkeys(found))

    def others(self) -> list[str]:
        """Every question in the same words that is not about the persona."""
        return [*_every(self.asks, self.other_asked), *_every(self.claims, self.other_claimed)]

    def asides(self) -> list[list[str]]:
        """Every question of `aside`, each pair's in a list of its own."""
        return [_every(frames, parts) for frames, parts in self.aside]

    def worlds(self) -> list[list[str]]:
        """Every question of `world`, likewise."""
        return [_every(frames, parts) for frames, parts in self.world]


def _every(frames: tuple[str, ...], parts: tuple[str, ...]) -> list[str]:
    return [_framed(frame, part) for frame in frames for part in parts]


def _framed(frame: str, part: str) -> str:
    """One sentence; a statement that begins it begins with a capital, a slot is left alone."""
    begins = frame.startswith("{x}") and part[0] != "{"
    return frame.replace("{x}", part[0].upper() + part[1:] if begins else part)


@dataclass(frozen=True)
class Bank:
    """All that is written in one language.

    `openers` and `closers` are templates around a question `{q}`; `systems` are texts that others
    put before a conversation, and that must not matter. `followups` are short questions by intent
    that make sense only after another turn. `contrast` are ordinary questions, many with other
    people's and assistants' names, answered without the persona.
    """

    intents: tuple[Intent, ...]
    openers: tuple[str, ...]
    closers: tuple[str, ...]
    systems: tuple[str, ...]
    followups: tuple[tuple[str, str], ...]
    contrast: tuple[tuple[str, str], ...]
    framing: Framing
    others: tuple[str, ...]
    companies: tuple[str, ...]
    people: tuple[str, ...]
