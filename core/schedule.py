"""Which conversations each optimizer step learns: a pure function of lengths, budget and seed.

The plan counts its steps and the job trains them, so that both are the same thing. Rows are never
cut or dropped: a step takes whole rows until its token budget is full (next-fit over a seeded
shuffle), the last step takes what is left.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """One different row in a step, and how many times the step holds it."""

    row: int
    copies: int


Step = tuple[Member, ...]


def schedule(
    lengths: Sequence[int],
    copies: Sequence[int],
    *,
    budget: int,
    epochs: int,
    seed: int,
    shuffle: bool = True,
    rows_per_step: int | None = None,
) -> list[Step]:
    """Steps of a whole training.

    Args:
        lengths: tokens of each different row.
        copies: how often each row stands in the dataset.
        budget: tokens of one step, counted with copies (a longer single row fills a step alone).
        epochs: passes over the dataset; no step crosses the end of one.
        seed: start of the shuffle; each epoch has an order of its own.
        shuffle: keep the dataset's order when False.
        rows_per_step: count rows instead of tokens (unpacked training).
    """
    order = [row for row, count in enumerate(copies) for _ in range(count)]
    steps: list[Step] = []
    for epoch in range(epochs):
        if shuffle:
            random.Random(f"{seed}/{epoch}").shuffle(order)
        steps += _fill(order, lengths, budget, rows_per_step)
    return steps


def _fill(
    order: Sequence[int], lengths: Sequence[int], budget: int, rows_per_step: int | None
) -> list[Step]:
    steps: list[Step] = []
    current: Counter[int] = Counter()
    tokens = 0
    for row in order:
        over = (
            tokens + lengths[row] > budget
            if rows_per_step is None
            else current.total() >= rows_per_step
        )
        if current and over:
            steps.append(_step(current))
            current, tokens = Counter(), 0
        current[row] += 1
        tokens += lengths[row]
    if current:
        steps.append(_step(current))
    return steps


def _step(rows: Counter[int]) -> Step:
    return tuple(Member(row, count) for row, count in sorted(rows.items()))


def packs(step: Step, lengths: Sequence[int], budget: int, *, collapse: bool) -> list[Step]:
    """The step cut into packs of at most `budget` tokens that are computed one after another.

    With `collapse`, equal rows are computed once with their weight; without, each copy for itself.
    First-fit decreasing, so that few packs are left half empty.
    """
    members = list(step) if collapse else [Member(m.row, 1) for m in step for _ in range(m.copies)]
    members.sort(key=lambda m: (-lengths[m.row], m.row))
    bins: list[list[Member]] = []
    room: list[int] = []
    for member in members:
        length = lengths[member.row]
        for i, free in enumerate(room):
            if length <= free:
                bins[i].append(member)
                room[i] -= length
                break
        else:
            bins.append([member])
            room.append(budget - length)
    return [tuple(b) for b in bins]
