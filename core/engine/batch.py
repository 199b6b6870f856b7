"""Packs as tensors: conversations side by side in one row, none seeing another, none padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.schedule import Step
from core.tokens import Encoded


@dataclass(frozen=True)
class Pack:
    """One forward pass. N tokens, L of them learned by cross-entropy, K held by KL.

    ids, positions: (1, N) int64; positions restart at 0 with each conversation.
    learned: (L,) indices into N of tokens whose *hidden state* predicts a learned token.
    targets: (L,) the learned tokens; weights: (L,) copies of their conversation.
    held: (K,) indices whose next-token distribution is held to the base's; held_weights: (K,).
    anchors: (K, hidden) the base's final hidden states there, or None without replay.
    """

    ids: torch.Tensor
    positions: torch.Tensor
    learned: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    held: torch.Tensor
    held_weights: torch.Tensor
    anchors: torch.Tensor | None


def build(
    members: Step, encoded: Sequence[Encoded], anchors: dict[int, torch.Tensor], device: str
) -> Pack:
    """Tensors of one pack; rows with anchors are held, the others learned."""
    ids: list[int] = []
    positions: list[int] = []
    learned: list[int] = []
    targets: list[int] = []
    weights: list[float] = []
    held: list[int] = []
    held_weights: list[float] = []
    kept: list[torch.Tensor] = []
    for member in members:
        row = encoded[member.row]
        start = len(ids)
        ids += row.ids
        positions += range(len(row.ids))
        # The state at position i - 1 predicts token i, so token 0 is never learned.
        where = [i for i in range(1, len(row.ids)) if row.learned[i]]
        if member.row in anchors:
            held += [start + i - 1 for i in where]
            held_weights += [member.copies] * len(where)
            kept.append(anchors[member.row])
        else:
            learned += [start + i - 1 for i in where]
            targets += [row.ids[i] for i in where]
            weights += [member.copies] * len(where)
    whole = torch.tensor
    return Pack(
        ids=whole([ids], device=device),
        positions=whole([positions], device=device),
        learned=whole(learned, dtype=torch.long, device=device),
        targets=whole(targets, dtype=torch.long, device=device),
        weights=whole(weights, dtype=torch.float32, device=device),
        held=whole(held, dtype=torch.long, device=device),
        held_weights=whole(held_weights, dtype=torch.float32, device=device),
        anchors=torch.cat(kept).to(device) if kept else None,
    )


def predicted(row: Encoded) -> int:
    """Tokens of a row that the loss looks at."""
    return sum(row.learned[1:])
