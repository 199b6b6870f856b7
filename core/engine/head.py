"""Losses over the vocabulary, a few positions at a time, never all logits at once.

The head is frozen, so the gradient of the hidden states is found in the forward pass and nothing
of the vocabulary's width is kept. (The idea of fused linear cross-entropy: Liger, arXiv
2410.10989, and Cut Cross-Entropy, 2411.09009.)
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.nn import functional as F

_AT_ONCE: Final = {"cpu": 128, "cuda": 4096}


class CrossEntropy(torch.autograd.Function):
    """Weighted sum of cross-entropies in nats.

    hidden (L, H), head (V, H), targets (L,), weights (L,) → float32 scalar.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        head: torch.Tensor,
        targets: torch.Tensor,
        weights: torch.Tensor,
    ) -> torch.Tensor:
        total = torch.zeros((), device=hidden.device)
        grad = torch.empty_like(hidden)
        for rows in _parts(hidden):
            target, weight = targets[rows, None], weights[rows, None]
            logits = F.linear(hidden[rows], head).float()
            chosen = logits.gather(1, target)
            spread = logits.logsumexp(1, keepdim=True)
            total += ((spread - chosen) * weight).sum()
            d = logits.sub_(spread).exp_()
            d.scatter_add_(1, target, torch.full_like(chosen, -1.0))
            grad[rows] = d.mul_(weight).to(head.dtype) @ head
        ctx.save_for_backward(grad)
        return total

    @staticmethod
    def backward(ctx: Any, d: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return ctx.saved_tensors[0] * d.to(ctx.saved_tensors[0].dtype), None, None, None


class Divergence(torch.autograd.Function):
    """Weighted sum of KL(anchor ‖ hidden) of the next-token distributions, in nats.

    hidden, anchors (K, H), head (V, H), weights (K,) → float32 scalar.
    """

    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        head: torch.Tensor,
        anchors: torch.Tensor,
        weights: torch.Tensor,
    ) -> torch.Tensor:
        total = torch.zeros((), device=hidden.device)
        grad = torch.empty_like(hidden)
        for rows in _parts(hidden):
            weight = weights[rows, None]
            wanted = F.linear(anchors[rows], head).float().log_softmax(1)
            actual = F.linear(hidden[rows], head).float().log_softmax(1)
            p = wanted.exp()
            total += (p * wanted.sub_(actual) * weight).sum()
            d = actual.exp_().sub_(p).mul_(weight)
            grad[rows] = d.to(head.dtype) @ head
        ctx.save_for_backward(grad)
        return total

    @staticmethod
    def backward(ctx: Any, d: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return ctx.saved_tensors[0] * d.to(ctx.saved_tensors[0].dtype), None, None, None


def _parts(hidden: torch.Tensor) -> list[slice]:
    size = _AT_ONCE[hidden.device.type]
    return [slice(i, i + size) for i in range(0, len(hidden), size)]
