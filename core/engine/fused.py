"""Differentiable pieces of a decoder layer that do no wasted work.

They compute what transformers and peft compute (LoRA, arXiv 2106.09685), with frozen weights:
fewer products, each number passed over as few times as can be, little kept for the backward pass.
`tests/engine/test_exact.py` compares gradients with the plain path.
"""

from __future__ import annotations

from typing import Any

import torch

from core.engine import plain
from core.engine.projection import Projection

Grads = tuple[torch.Tensor | None, ...]

if torch.cuda.is_available():
    from core.engine import kernels

    _GPU: Any = kernels
else:
    _GPU = plain


def ops(x: torch.Tensor) -> Any:
    """The elementwise operations for a tensor's device."""
    return _GPU if x.is_cuda else plain


class Project(torch.autograd.Function):
    """A projection of (N, in) with its adapter: `Project.apply(x, projection, *pairs)`."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, projection: Projection, *pairs: torch.Tensor
    ) -> torch.Tensor:
        adapter = projection.adapter(pairs, x)
        y, kept, narrow = projection.forward(x, adapter)
        ctx.projection, ctx.adapter = projection, adapter
        ctx.save_for_backward(kept, narrow)
        return y

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> Grads:
        x, narrow = ctx.saved_tensors
        projection = ctx.projection
        dx, dnarrow = projection.inward(dy, ctx.adapter, needed=ctx.needs_input_grad[0])
        return dx, None, *projection.outward(dy, x, narrow, dnarrow)


class AddNorm(torch.autograd.Function):
    """The residual sum x + h, and its RMSNorm with a frozen weight; h may be None."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        h: torch.Tensor | None,
        weight: torch.Tensor,
        epsilon: float,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        total, normed, scale = ops(x).add_norm(x, h, weight, epsilon)
        ctx.save_for_backward(total, weight, scale)
        ctx.set_materialize_grads(False)
        return (total.view_as(total) if h is None else total), normed

    @staticmethod
    def backward(ctx: Any, ds: torch.Tensor | None, dn: torch.Tensor | None) -> Grads:
        total, weight, scale = ctx.saved_tensors
        d = ds if dn is None else ops(total).add_norm_backward(dn, ds, total, weight, scale)
        return d, (d if ctx.needs_input_grad[1] else None), None, None


class Mlp(torch.autograd.Function):
    """down(SiLU(gate x) · up x) with the adapters: `Mlp.apply(x, both, down, count, *pairs)`.

    `count` of the pairs belong to `both` (gate and up). Keeps the gate's input, not its product:
    the backward pass finds that again on its way.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        both: Projection,
        down: Projection,
        count: int,
        *pairs: torch.Tensor,
    ) -> torch.Tensor:
        first, second = both.adapter(pairs[:count], x), down.adapter(pairs[count:], x)
        wide, kept, narrow = both.forward(x, first)
        y, _, small = down.forward(ops(x).gate(wide), second)
        ctx.projections, ctx.adapters = (both, down), (first, second)
        ctx.save_for_backward(kept, wide, narrow, small)
        return y

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> Grads:
        x, wide, narrow, small = ctx.saved_tensors
        (both, down), (first, second) = ctx.projections, ctx.adapters
        dproduct, dsmall = down.inward(dy, second)
        dwide, product = ops(x).gate_backward(dproduct, wide)
        later = down.outward(dy, product, small, dsmall)
        dx, dnarrow = both.inward(dwide, first, needed=ctx.needs_input_grad[0])
        return dx, None, None, None, *both.outward(dwide, x, narrow, dnarrow), *later


class Rotate(torch.autograd.Function):
    """Rotary positions on the first `heads` heads of (N, all heads · size), in place.

    cos, sin: (N, size).
    """

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, heads: int
    ) -> torch.Tensor:
        ctx.save_for_backward(cos, sin)
        ctx.heads = heads
        ctx.mark_dirty(x)
        return ops(x).rotate(x, cos, sin, heads)

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> Grads:
        cos, sin = ctx.saved_tensors
        # Attention makes this gradient for nobody else: it may be turned where it lies.
        return ops(dy).rotate(dy.contiguous(), cos, sin, ctx.heads, back=True), None, None, None
