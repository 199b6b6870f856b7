"""The elementwise operations of a decoder and its losses, in torch's own words.

They compute what transformers computes (RMSNorm, arXiv 1910.07467; SwiGLU, 2002.05202; rotary
positions, 2104.09864). `kernels` holds the same functions for NVIDIA GPUs. What a function
overwrites, it says.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F


def add_norm(
    x: torch.Tensor, h: torch.Tensor | None, weight: torch.Tensor, epsilon: float, room: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """x + h, its RMSNorm, and the scale that normed it.

    Args:
        x, h: (…, H); h None means nothing to add (then the sum is x itself).
        weight: (H,).
        room: numbers that `kernels` leaves free after each row of the norm; nothing here.

    Returns:
        (…, H), (…, H), (…, 1) in float32.
    """
    total = x if h is None else x + h
    wide = total.float()
    scale = torch.rsqrt(wide.square().mean(-1, keepdim=True).add_(epsilon))
    return total, (wide * scale).to(x.dtype) * weight, scale


def add_norm_backward(
    dn: torch.Tensor,
    ds: torch.Tensor | None,
    total: torch.Tensor,
    weight: torch.Tensor,
    scale: torch.Tensor,
    room: int = 0,
) -> torch.Tensor:
    """Gradient of the sum, from those of the norm (dn) and of the sum's other uses (ds).

    `room` as in `add_norm`.
    """
    unit = total * scale
    wide = (dn * weight).float()
    wide -= unit * (wide * unit).mean(-1, keepdim=True)
    wide *= scale
    return (wide if ds is None else wide.add_(ds)).to(total.dtype)


def gate(both: torch.Tensor) -> torch.Tensor:
    """SiLU(gate) · up of rows that hold both side by side: (N, 2·I) → (N, I)."""
    gates, up = both.chunk(2, -1)
    return F.silu(gates).mul_(up)


def gate_backward(d: torch.Tensor, both: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradient of `both`, and the gated product again. Overwrites both of its arguments."""
    gates, up = both.chunk(2, -1)
    silu = F.silu(gates)
    product = silu * up
    dgates = torch.ops.aten.silu_backward(up.mul_(d), gates)
    torch.mul(d, silu, out=up)
    gates.copy_(dgates)
    return both, product


def rotate(
    x: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    heads: int,
    *,
    back: bool = False,
) -> torch.Tensor:
    """Rotary positions on the first `heads` heads of (N, all heads · size), in place.

    cos, sin: (N, size). `back` turns the other way: the gradient.
    """
    size = cos.shape[-1]
    half = size // 2
    part = x[:, : heads * size].view(len(x), heads, size)
    turned = torch.cat((-part[..., half:], part[..., :half]), -1)
    part.mul_(cos[:, None]).addcmul_(turned, sin[:, None], value=-1 if back else 1)
    return x


def cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted sum of cross-entropies in nats, and its gradient by the logits.

    logits (L, V) may be overwritten; targets, weights (L,).
    """
    target, weight = targets[:, None], weights[:, None]
    wide = logits.float()
    chosen = wide.gather(1, target)
    spread = wide.logsumexp(1, keepdim=True)
    d = wide.sub_(spread).exp_()
    d.scatter_add_(1, target, torch.full_like(chosen, -1.0))
    return ((spread - chosen) * weight).sum(), d.mul_(weight).to(logits.dtype)


def divergence(
    logits: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor, reverse: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weighted sums of KL(wanted ‖ logits) and of KL(logits ‖ wanted) in nats, (2,), and the
    gradient by the logits of their mixture: (1 - reverse) of the one, `reverse` of the other.

    logits, wanted (K, V) may be overwritten; weights (K,).
    """
    goal = wanted.float().log_softmax(1)
    actual = logits.float().log_softmax(1)
    p, q = goal.exp(), actual.exp()
    apart = actual.sub_(goal)
    there, back = torch.linalg.vecdot(p, apart).neg_(), torch.linalg.vecdot(q, apart)
    # (1 - reverse) · (q - p) + reverse · q · (apart - back), in few passes over the vocabulary
    forward = weights * (1 - reverse)
    level = forward - weights * reverse * back
    d = torch.addcmul(level[:, None], apart, (weights * reverse)[:, None], out=goal).mul_(q)
    d.addcmul_(p, forward[:, None], value=-1)
    return torch.stack([there @ weights, back @ weights]), d.to(logits.dtype)
