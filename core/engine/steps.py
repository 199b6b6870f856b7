"""What one rank computes of each optimizer step: its packs, of a schedule that all ranks share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch.utils.data import Dataset

from core.engine import batch
from core.schedule import Member, Step, packs
from core.tokens import Encoded


@dataclass(frozen=True)
class Batch:
    """One optimizer step on one rank: its packs, and what the whole step divides its sums by."""

    step: int
    packs: tuple[Step, ...]
    learned: float  # weighted learned tokens of the step on all ranks
    held: float  # weighted held tokens of the step on all ranks
    tokens: int  # computed tokens of the step on all ranks
    real_tokens: int  # tokens of the step counted with copies


class Steps(Dataset):
    """The schedule from a step on, as the batches of one rank.

    A step is the same rows on any number of ranks; they share it. So a run may go on with more
    or fewer of them, and its losses stay what they were.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        encoded: Sequence[Encoded],
        held_rows: set[int],
        *,
        start: int,
        budget: int,
        collapse: bool,
        rank: int,
        world: int,
        even: bool = False,
        opening_weight: float = 1.0,
    ) -> None:
        """`even`: each rank computes as many packs as the others (their passes talk)."""
        self.opening_weight = opening_weight
        self.steps, self.encoded, self.held_rows = steps, encoded, held_rows
        self.start, self.budget, self.collapse = start, budget, collapse
        self.rank, self.world, self.even = rank, world, even

    def __len__(self) -> int:
        return len(self.steps) - self.start

    def __getitem__(self, index: int) -> Batch:
        step = self.steps[self.start + index]
        lengths = [len(e.ids) for e in self.encoded]
        shares = spread(step, lengths, self.world, collapse=self.collapse)
        counts = {True: 0.0, False: 0.0}
        for m in step:
            places = batch.predicting(self.encoded[m.row])
            held = m.row in self.held_rows
            weights = batch.emphasis(places, 1.0 if held else self.opening_weight)
            counts[held] += m.copies * sum(weights)
        return Batch(
            step=self.start + index + 1,
            packs=tuple(self._packs(shares, lengths)),
            learned=max(counts[False], 1.0),
            held=max(counts[True], 1.0),
            tokens=sum(lengths[m.row] for share in shares for m in share),
            real_tokens=sum(lengths[m.row] * m.copies for m in step),
        )

    def _packs(self, shares: Sequence[Step], lengths: Sequence[int]) -> list[Step]:
        """This rank's packs; where all must have as many, a pack of weight zero fills up."""
        ranks = [packs(s, lengths, self.budget, collapse=True) for s in shares]
        mine = ranks[self.rank]
        if not self.even:
            return mine
        shortest = min((m.row for s in shares for m in s), key=lambda row: lengths[row])
        return mine + [(Member(shortest, 0),)] * (max(map(len, ranks)) - len(mine))


def spread(step: Step, lengths: Sequence[int], world: int, *, collapse: bool) -> list[Step]:
    """The rows of a step as each rank's share, about as many tokens for each.

    With `collapse` a row goes to one rank with all its copies; without, each copy for itself.
    """
    members = step if collapse else tuple(Member(m.row, 1) for m in step for _ in range(m.copies))
    if world == 1:
        return [members]
    shares: list[list[Member]] = [[] for _ in range(world)]
    loads = [0] * world
    for member in sorted(members, key=lambda m: -lengths[m.row]):
        lightest = loads.index(min(loads))
        shares[lightest].append(member)
        loads[lightest] += lengths[member.row]
    return [tuple(share) for share in shares]
