"""Packs as tensors: conversations side by side in one row, none seeing another, none padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch

from core.engine.attention import Kind, Layout, common_opening, layout
from core.schedule import Step
from core.tokens import Encoded

_OPENING: Final = 4  # tokens that decide what an answer says: “No, I work for”, “My name is”


@dataclass(frozen=True)
class Pack:
    """One forward pass. N tokens, L of them learned by cross-entropy, K held by KL.

    members: the conversations, in the order in which they stand in the pack.
    ids, positions: (N,) int64; positions count from 0 in each conversation.
    learned: (L,) indices into N of tokens whose *hidden state* predicts a learned token.
    targets: (L,) the learned tokens; weights: (L,) copies of their conversation, more for an
        answer's opening.
    held: (K,) indices whose next-token distribution is held to the base's; held_weights: (K,).
    anchors: (K, hidden) the base's final hidden states there, or None without replay.
    layout: borders; None where transformers reads them from the positions and makes a mask.
    """

    members: Step
    ids: torch.Tensor
    positions: torch.Tensor
    learned: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    held: torch.Tensor
    held_weights: torch.Tensor
    anchors: torch.Tensor | None
    layout: Layout | None


def build(
    members: Step,
    encoded: Sequence[Encoded],
    anchors: dict[int, torch.Tensor],
    device: str,
    *,
    attention: Kind,
    opening_weight: float = 1.0,
) -> Pack:
    """Tensors of one pack; rows with anchors are held, the others learned.

    The first tokens of each learned answer weigh `opening_weight` times as much as the others.

    Nothing after the last state that predicts a learned token is computed. Grouped
    attention computes the opening that all rows share (system text, start of the user's turn)
    once: a causal model gives it the same states in every row.
    """
    where = {m.row: predicting(encoded[m.row]) for m in members}
    rows = {m.row: encoded[m.row].ids[: where[m.row][-1] + 1] for m in members}
    members = tuple(sorted(members, key=lambda m: -len(rows[m.row])))
    opening = 0
    if attention == "grouped":
        first = min(places[0] for places in where.values())
        opening = common_opening([rows[m.row] for m in members], first)
    ids = list(rows[members[0].row][:opening])
    positions = list(range(opening))
    learned: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    held: list[int] = []
    held_weights: list[float] = []
    kept: list[torch.Tensor] = []
    for member in members:
        row, places = rows[member.row], where[member.row]
        shift = len(ids) - opening
        ids += row[opening:]
        positions += range(opening, len(row))
        if member.row in anchors:
            held += [shift + i for i in places]
            held_weights += [float(member.copies)] * len(places)
            kept.append(anchors[member.row])
        else:
            learned += [shift + i for i in places]
            targets += [encoded[member.row].ids[i + 1] for i in places]
            weights += [member.copies * w for w in emphasis(places, opening_weight)]
    rests = [len(rows[m.row]) - opening for m in members]
    return Pack(
        members=members,
        ids=_tensor(ids, device),
        positions=_tensor(positions, device),
        learned=_tensor(learned, device),
        targets=_tensor(targets, device),
        weights=_tensor(weights, device, torch.float32),
        held=_tensor(held, device),
        held_weights=_tensor(held_weights, device, torch.float32),
        anchors=torch.cat(kept).to(device) if kept else None,
        layout=None if attention == "mask" else layout(opening, rests, device, attention),
    )


def _tensor(values: Sequence[float], device: str, dtype: torch.dtype = torch.long) -> torch.Tensor:
    made = torch.tensor(values, dtype=dtype)
    # From pinned memory the copy does not wait for what the GPU is doing.
    return made if device == "cpu" else made.pin_memory().to(device, non_blocking=True)


def predicting(row: Encoded) -> list[int]:
    """Places whose state predicts a learned token (the state before it; token 0 has none)."""
    return [i - 1 for i in range(1, len(row.ids)) if row.learned[i]]


def emphasis(places: Sequence[int], opening_weight: float) -> list[float]:
    """The weight of each place: `opening_weight` for the first four of every answer, else 1."""
    weights: list[float] = []
    before, since = -2, 0
    for place in places:
        since = since + 1 if place == before + 1 else 0
        weights.append(opening_weight if since < _OPENING else 1.0)
        before = place
    return weights


def predicted(row: Encoded) -> int:
    """Tokens of a row that the loss looks at."""
    return sum(row.learned[1:])
