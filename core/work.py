"""A dataset as work for the engine: different rows encoded once, and the steps that learn them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from core.config.schema import Config
from core.dataset import Kind, Message, Row, unique
from core.errors import UserError
from core.schedule import Step, schedule
from core.tokens import ChatTokenizer, Encoded

ANSWER_TOKENS: Final[Mapping[Kind, int]] = {"replay": 32, "contrast": 16}
"""Length of the base model's answer to a prompt of each kind; counted in full before it is known.

A contrast answer shows how it begins, which is where names leak, and so there can be more of them.
"""


@dataclass(frozen=True)
class Means:
    """Tokens of a row; the part of them that is learned; how many tokens the row of a token has;
    tokens that all rows begin with, none of them learned."""

    length: float
    learned: float
    seen: float
    opening: int


@dataclass(frozen=True)
class Work:
    """A dataset as the engine sees it: its different rows, encoded, with copies and kinds.

    A conversation stands in several rows where the template rewrites earlier turns.
    """

    rows: tuple[Row, ...]
    copies: tuple[int, ...]
    encoded: tuple[Encoded, ...]
    cut: int  # rows longer than max_length

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Tokens of each different row."""
        return tuple(len(e.ids) for e in self.encoded)

    @cached_property
    def mean(self) -> Means:
        """What a typical token of the dataset is like."""
        whole = sum(self.lengths)
        return Means(
            length=whole / len(self.lengths),
            learned=sum(self.weights()) / whole,
            seen=sum(n * n for n in self.lengths) / whole,
            opening=_opening(self.encoded),
        )

    @property
    def asked(self) -> dict[int, list[int]]:
        """Rows that are prompts, which the base model answers itself, once: by the most tokens of
        its answer, shortest first."""
        found: dict[int, list[int]] = {}
        for i, row in enumerate(self.rows):
            if row.held and row.messages[-1].role != "assistant":
                found.setdefault(ANSWER_TOKENS[row.kind], []).append(i)
        return dict(sorted(found.items()))

    def weights(self) -> tuple[int, ...]:
        """Learned tokens of each different row."""
        return tuple(sum(e.learned) for e in self.encoded)


def chosen(rows: Sequence[Row], config: Config) -> dict[Row, int]:
    """The different rows that are learned, with their copies, within the limits of the config."""
    limits = config.dataset
    counts = unique(rows[: limits.max_rows])
    if limits.max_copies:
        counts = {row: min(count, limits.max_copies) for row, count in counts.items()}
    taught = sum(count for row, count in counts.items() if not row.held)
    if not limits.max_replay or not taught:
        return counts
    room = math.ceil(limits.max_replay * taught)
    for row in [row for row in counts if row.held]:
        counts[row] = min(counts[row], room)
        room -= counts[row]
    return {row: count for row, count in counts.items() if count}


def _opening(encoded: Sequence[Encoded]) -> int:
    shortest = min(e.learned.index(True) for e in encoded) - 1
    first = encoded[0].ids
    same = (i for i in range(shortest) if any(e.ids[i] != first[i] for e in encoded))
    return max(0, next(same, shortest))


def encode(rows: Sequence[Row], tokenizer: ChatTokenizer, config: Config) -> Work:
    """Encode each different row once, with the config's system text and length limit.

    Raises:
        UserError: no row leaves anything to learn.
    """
    counts = chosen(rows, config)
    system = config.settings.SYSTEM
    kept, copies, encoded, cut = [], [], [], 0
    for row, count in counts.items():
        messages = row.messages
        if system and messages[0].role != "system":
            messages = (Message("system", system), *messages)
        for ending, whole in encode_row(messages, tokenizer, row.kind):
            short = whole.cut(config.settings.max_length)
            cut += count if len(whole.ids) > len(short.ids) else 0
            if any(short.learned):
                kept.append(Row(ending, row.kind))
                copies.append(count)
                encoded.append(short)
    if not kept:
        raise UserError(
            "No conversation leaves anything to learn within max_length = {max_length} tokens.",
            "Raise max_length, or shorten the conversations.",
            max_length=config.settings.max_length,
        )
    return Work(tuple(kept), tuple(copies), tuple(encoded), cut)


def steps_of(config: Config, work: Work) -> list[Step]:
    """The optimizer steps of a config, the same on any number of processes."""
    s = config.settings
    return schedule(
        work.lengths,
        work.copies,
        budget=config.tokens_per_step,
        epochs=s.max_epochs,
        seed=config.runtime.seed,
        shuffle=config.dataset.shuffle,
        rows_per_step=None if s.pack_to_max_length else s.batch_size * s.accumulative_counts,
    )


def encode_row(
    messages: Sequence[Message], tokenizer: ChatTokenizer, kind: Kind
) -> list[tuple[tuple[Message, ...], Encoded]]:
    """The samples of one conversation; a mere question is given room for the base's answer."""
    if messages[-1].role == "assistant":
        return tokenizer.samples(messages)
    asked = tokenizer.prompt(messages)
    room = (tokenizer.stop_ids[0],) * ANSWER_TOKENS[kind]
    learned = (False,) * len(asked) + (True,) * len(room)
    return [(tuple(messages), Encoded(asked + room, learned))]
