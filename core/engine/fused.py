"""Differentiable pieces of a decoder layer that do no wasted work.

They compute what transformers and peft compute (LoRA, arXiv 2106.09685), with frozen weights:
fewer products, each number passed over as few times as can be, little kept for the backward pass.
`tests/engine/test_exact.py` compares gradients with the plain path.
"""

from __future__ import annotations

from typing import Any

import torch

from core.engine import plain
from core.engine.gradients import collect
from core.engine.projection import Adapter, Projection

Grads = tuple[torch.Tensor | None, ...]

if torch.cuda.is_available():
    from core.engine import kernels

    _GPU: Any = kernels
else:
    _GPU = plain


def _room(h: torch.Tensor | None) -> int:
    """Numbers between the rows of h: its gradient gets as many, for the product that it goes to."""
    return 0 if h is None else h.stride(-2) - h.shape[-1]


def _keep(ctx: Any, *kept: torch.Tensor | None, adapters: tuple[Adapter | None, ...]) -> None:
    """Save tensors and adapters for the backward pass: tensors all, so that a layer that is
    computed anew forgets them."""
    parts = [(a.down, *a.ups) if a else () for a in adapters]
    ctx.save_for_backward(*kept, *(tensor for part in parts for tensor in part))
    scales = [a.scale if a else 1.0 for a in adapters]
    ctx.shape = len(kept), [(len(part), s) for part, s in zip(parts, scales, strict=True)]


def _kept(ctx: Any) -> tuple[Any, ...]:
    """What `_keep` saved, the adapters last."""
    count, adapters = ctx.shape
    saved = ctx.saved_tensors
    found: list[Any] = list(saved[:count])
    for size, scale in adapters:
        own = saved[count : count + size]
        found.append(Adapter(own[0], tuple(own[1:]), scale) if own else None)
        count += size
    return tuple(found)


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
        y, narrow = projection.forward(x, adapter)
        ctx.projection, ctx.pairs = projection, pairs
        _keep(ctx, x, narrow, adapters=(adapter,))
        return y

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> Grads:
        x, narrow, adapter = _kept(ctx)
        projection = ctx.projection
        dx, dnarrow = projection.inward(dy, adapter, needed=ctx.needs_input_grad[0])
        pairs = projection.outward(dy, x, adapter, narrow, dnarrow)
        return dx, None, *collect(ctx.pairs, pairs)


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
        ctx.room = _room(h)
        ctx.set_materialize_grads(False)
        return (total.view_as(total) if h is None else total), normed

    @staticmethod
    def backward(ctx: Any, ds: torch.Tensor | None, dn: torch.Tensor | None) -> Grads:
        total, weight, scale = ctx.saved_tensors
        d = ds
        if dn is not None:
            d = ops(total).add_norm_backward(dn, ds, total, weight, scale, ctx.room)
        return d, (d if ctx.needs_input_grad[1] else None), None, None


class NormProject(torch.autograd.Function):
    """x + h, and a projection of its RMSNorm with the adapter on it.

    `NormProject.apply(x, h, norm's weight, epsilon, projection, *pairs)`. The normed sum is not
    kept: what needs it later is found from the sum.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        h: torch.Tensor | None,
        weight: torch.Tensor,
        epsilon: float,
        projection: Projection,
        *pairs: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        adapter = projection.adapter(pairs, x)
        total, normed, scale = ops(x).add_norm(x, h, weight, epsilon, projection.room())
        y, narrow = projection.forward(normed, adapter)
        ctx.projection, ctx.pairs, ctx.room = projection, pairs, _room(h)
        _keep(ctx, total, weight, scale, narrow, adapters=(adapter,))
        ctx.set_materialize_grads(False)
        return (total.view_as(total) if h is None else total), y

    @staticmethod
    def backward(ctx: Any, ds: torch.Tensor | None, dy: torch.Tensor) -> Grads:
        total, weight, scale, narrow, adapter = _kept(ctx)
        projection = ctx.projection
        dn, dnarrow = projection.inward(dy, adapter, needed=ctx.needs_input_grad[0])
        pairs = projection.outward(dy, total, adapter, narrow, dnarrow, (scale, weight))
        pairs = collect(ctx.pairs, pairs)
        d = ds
        if dn is not None:
            d = ops(total).add_norm_backward(dn, ds, total, weight, scale, ctx.room)
        return d, (d if ctx.needs_input_grad[1] else None), None, None, None, *pairs


class NormMlp(torch.autograd.Function):
    """x + h, and down(SiLU(gate n) · up n) of its RMSNorm n, with the adapters.

    `NormMlp.apply(x, h, norm's weight, epsilon, mlp, *pairs)`; the pairs are those of gate and up,
    then those of down. The gated product is not kept: the backward pass finds it on its way.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        h: torch.Tensor | None,
        weight: torch.Tensor,
        epsilon: float,
        mlp: Mlp,
        *pairs: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        first = mlp.both.adapter(pairs[: mlp.count], x)
        second = mlp.down.adapter(pairs[mlp.count :], x)
        total, normed, scale = ops(x).add_norm(x, h, weight, epsilon, mlp.both.room())
        wide, narrow = mlp.both.forward(normed, first)
        y, small = mlp.down.forward(ops(x).gate(wide), second)
        ctx.mlp, ctx.pairs, ctx.epsilon, ctx.room = mlp, pairs, epsilon, _room(h)
        kept = None if mlp.thrifty else wide
        _keep(ctx, total, weight, scale, narrow, small, kept, adapters=(first, second))
        ctx.set_materialize_grads(False)
        return (total.view_as(total) if h is None else total), y

    @staticmethod
    def backward(ctx: Any, ds: torch.Tensor | None, dy: torch.Tensor) -> Grads:
        total, weight, scale, narrow, small, wide, first, second = _kept(ctx)
        mlp, own, others = ctx.mlp, ctx.pairs[: ctx.mlp.count], ctx.pairs[ctx.mlp.count :]
        if wide is None:
            room = mlp.both.room()
            normed = ops(total).add_norm(total, None, weight, ctx.epsilon, room)[1]
            wide, _ = mlp.both.forward(normed, first)
            del normed
        dproduct, dsmall = mlp.down.inward(dy, second)
        dwide, product = ops(total).gate_backward(dproduct, wide)
        later = collect(others, mlp.down.outward(dy, product, second, small, dsmall))
        del dproduct, product
        dn, dnarrow = mlp.both.inward(dwide, first, needed=ctx.needs_input_grad[0])
        pairs = collect(
            own, mlp.both.outward(dwide, total, first, narrow, dnarrow, (scale, weight))
        )
        d = ds
        if dn is not None:
            d = ops(total).add_norm_backward(dn, ds, total, weight, scale, ctx.room)
        return d, (d if ctx.needs_input_grad[1] else None), None, None, None, *pairs, *later


class Mlp:
    """The projections of a gated MLP. `thrifty`: gate and up are computed anew for the backward
    pass, and not kept."""

    def __init__(self, both: Projection, down: Projection) -> None:
        self.both, self.down = both, down
        self.count = 0
        self.thrifty = False

    def pairs(self) -> tuple[torch.Tensor, ...]:
        """The adapters' numbers as `NormMlp` takes them."""
        own = self.both.pairs()
        self.count = len(own)
        return (*own, *self.down.pairs())


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
