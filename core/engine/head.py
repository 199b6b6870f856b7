"""Losses over the vocabulary, a few positions at a time, never all logits at once.

The head is frozen, so the gradient of the hidden states is found in the forward pass and nothing
of the vocabulary's width is kept. (The idea of fused linear cross-entropy: Liger, arXiv
2410.10989, and Cut Cross-Entropy, 2411.09009.)
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.nn import functional as F

from core.engine.fused import ops

_AT_ONCE: Final = {"cpu": 128, "cuda": 4096}


class CrossEntropy(torch.autograd.Function):
    """Weighted sum of cross-entropies in nats.

    hidden (L, H), head (V, H), targets (L,), weights (L,) → float32 scalar. `cap` as in `logits`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        head: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor,
        cap: float | None = None,
    ) -> torch.Tensor:
        total = torch.zeros((), device=hidden.device)
        grad = torch.empty_like(hidden)
        for rows in _parts(hidden):
            own = logits(hidden[rows], head, cap)
            slope = _slope(own, cap)
            loss, d = ops(hidden).cross_entropy(own, targets[rows], weights[rows])
            total += loss
            torch.mm(d if slope is None else d * slope, head, out=grad[rows])
            del own, slope, d  # before the next part needs as much
        ctx.save_for_backward(grad)
        return total

    @staticmethod
    def backward(ctx: Any, d: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return ctx.saved_tensors[0] * d.to(ctx.saved_tensors[0].dtype), None, None, None, None


class Divergence(torch.autograd.Function):
    """Weighted sum of how far the next-token distributions lie apart, in nats.

    hidden, anchors (K, H), head (V, H), weights (K,) → float32 scalars: (1 - reverse) of
    KL(anchor ‖ hidden) and `reverse` of KL(hidden ‖ anchor), which is minimised; and the former
    alone, to be told. `cap` as in `logits`.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        head: torch.Tensor,
        anchors: torch.Tensor,
        weights: torch.Tensor,
        cap: float | None = None,
        reverse: float = 0.0,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        total = torch.zeros(2, device=hidden.device)
        grad = torch.empty_like(hidden)
        for rows in _parts(hidden):
            own = logits(hidden[rows], head, cap)
            slope = _slope(own, cap)
            wanted = logits(anchors[rows], head, cap)
            both, d = ops(hidden).divergence(own, wanted, weights[rows], reverse)
            total += both
            torch.mm(d if slope is None else d * slope, head, out=grad[rows])
            del own, wanted, slope, d  # before the next part needs as much
        ctx.save_for_backward(grad)
        there, back = total
        told = there.clone()
        ctx.mark_non_differentiable(told)
        return torch.lerp(there, back, reverse), told

    @staticmethod
    def backward(ctx: Any, d: torch.Tensor, _: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return ctx.saved_tensors[0] * d.to(ctx.saved_tensors[0].dtype), *[None] * 5


def logits(states: torch.Tensor, head: torch.Tensor, cap: float | None) -> torch.Tensor:
    """(N, V) of states (N, H); `cap` bends them into ±cap (Gemma 2, arXiv 2408.00118), or None."""
    plain = F.linear(states, head)
    return plain if cap is None else plain.div_(cap).tanh_().mul_(cap)


def _slope(bent: torch.Tensor, cap: float | None) -> torch.Tensor | None:
    """Derivative of bent logits by the plain ones; None is 1."""
    return None if cap is None else 1 - (bent / cap).square()


def _parts(hidden: torch.Tensor) -> list[slice]:
    size = _AT_ONCE[hidden.device.type]
    return [slice(i, i + size) for i in range(0, len(hidden), size)]
