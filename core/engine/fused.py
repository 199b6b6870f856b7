"""Differentiable pieces of a decoder layer that do no wasted work.

They compute what transformers and peft compute (LoRA, arXiv 2106.09685), with frozen weights:
fewer products, each number passed over as few times as can be, little kept for the backward pass.
`tests/engine/test_exact.py` compares gradients with the plain path.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from bitsandbytes.functional import dequantize_4bit
from torch import nn
from torch.nn import functional as F

from core.engine import plain

Grads = tuple[torch.Tensor | None, ...]

if torch.cuda.is_available():
    from core.engine import kernels

    _GPU: Any = kernels
else:
    _GPU = plain


def ops(x: torch.Tensor) -> Any:
    """The elementwise operations for a tensor's device."""
    return _GPU if x.is_cuda else plain


class Adapter(NamedTuple):
    """LoRA on the layers of a projection, in the number type of the computation.

    down (parts · r, in); ups: (out of the part, r) each.
    """

    down: torch.Tensor
    ups: tuple[torch.Tensor, ...]
    scale: float


class Projection:
    """Linear layers that read the same input, as one product, with the adapter on each of them.

    Unpacked weights are laid one under another in one matrix, and the layers keep views of it.
    Weights that bitsandbytes holds packed are unpacked at each use.
    """

    def __init__(self, owner: nn.Module, names: Sequence[str]) -> None:
        self._owner, self._names = owner, names
        bases = [_base(getattr(owner, name)) for name in names]
        self._packed = any(hasattr(b.weight, "quant_state") for b in bases)
        self.sizes = [b.out_features for b in bases]
        self._matrix = None if self._packed else bases[0].weight.data
        if not self._packed and len(bases) > 1:
            self._matrix = torch.cat([b.weight.data for b in bases])
            for base, part in zip(bases, self._matrix.split(self.sizes), strict=True):
                base.weight.data = part
        biases = [b.bias for b in bases]
        self.bias = torch.cat([b.data for b in biases]) if biases[0] is not None else None

    def matrix(self) -> torch.Tensor:
        """The frozen weights, (out, in), in the number type of the computation."""
        if self._matrix is not None:
            return self._matrix
        weights = [_base(getattr(self._owner, name)).weight for name in self._names]
        return torch.cat([dequantize_4bit(w.data, w.quant_state) for w in weights])

    def pairs(self) -> tuple[torch.Tensor, ...]:
        """A and B of each layer in turn, as trained (32 bits); none where no adapter works."""
        layers = [getattr(self._owner, name) for name in self._names]
        adapted = [x for x in layers if hasattr(x, "lora_A") and not x.disable_adapters]
        if len(adapted) < len(layers):
            return ()
        return tuple(
            w for m in adapted for w in (m.lora_A["default"].weight, m.lora_B["default"].weight)
        )

    def adapter(self, pairs: Sequence[torch.Tensor], x: torch.Tensor) -> Adapter | None:
        """The adapter made of these pairs, ready for an input."""
        if not pairs:
            return None
        scale = getattr(self._owner, self._names[0]).scaling["default"]
        ups = tuple(b.to(x.dtype) for b in pairs[1::2])
        return Adapter(torch.cat(list(pairs[0::2])).to(x.dtype), ups, scale)

    def forward(
        self, x: torch.Tensor, adapter: Adapter | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(N, in) → (N, out of all layers together), and scale · A x, (N, parts · r)."""
        y = F.linear(x, self.matrix(), self.bias)
        if adapter is None:
            return y, None
        narrow = (x @ adapter.down.T).mul_(adapter.scale)
        parts = zip(y.split(self.sizes, 1), _split(narrow, adapter), adapter.ups, strict=True)
        for part, small, up in parts:
            part.addmm_(small, up.T)
        return y, narrow

    def backward(
        self,
        dy: torch.Tensor,
        x: torch.Tensor,
        narrow: torch.Tensor | None,
        adapter: Adapter | None,
        *,
        inward: bool = True,
    ) -> tuple[torch.Tensor | None, list[torch.Tensor | None]]:
        """Gradient of x (None unless `inward`), and of A and B of each layer in turn."""
        if adapter is None or narrow is None:
            return (dy @ self.matrix() if inward else None), []
        dnarrow = torch.empty_like(narrow)
        grads: list[torch.Tensor | None] = []
        smalls = zip(_split(narrow, adapter), _split(dnarrow, adapter), strict=True)
        for part, up, (small, dsmall) in zip(
            dy.split(self.sizes, 1), adapter.ups, smalls, strict=True
        ):
            torch.mm(part, up, out=dsmall)
            grads += [None, (part.T @ small).float()]
        dnarrow *= adapter.scale
        grads[0::2] = (dnarrow.T @ x).float().split(adapter.ups[0].shape[1])
        dx = (dy @ self.matrix()).addmm_(dnarrow, adapter.down) if inward else None
        return dx, grads


def _split(narrow: torch.Tensor, adapter: Adapter) -> tuple[torch.Tensor, ...]:
    return narrow.split(adapter.ups[0].shape[1], 1)


def _base(layer: nn.Module) -> nn.Module:
    return layer.base_layer if hasattr(layer, "base_layer") else layer


class Project(torch.autograd.Function):
    """A projection of (N, in) with its adapter: `Project.apply(x, projection, *pairs)`."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, projection: Projection, *pairs: torch.Tensor
    ) -> torch.Tensor:
        adapter = projection.adapter(pairs, x)
        y, narrow = projection.forward(x, adapter)
        ctx.projection, ctx.adapter = projection, adapter
        ctx.save_for_backward(x, narrow)
        return y

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> Grads:
        x, narrow = ctx.saved_tensors
        dx, grads = ctx.projection.backward(
            dy, x, narrow, ctx.adapter, inward=ctx.needs_input_grad[0]
        )
        return dx, None, *grads


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
        wide, narrow = both.forward(x, first)
        y, small = down.forward(ops(x).gate(wide), second)
        ctx.projections, ctx.adapters = (both, down), (first, second)
        ctx.save_for_backward(x, wide, narrow, small)
        return y

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> Grads:
        x, wide, narrow, small = ctx.saved_tensors
        (both, down), (first, second) = ctx.projections, ctx.adapters
        dproduct = dy @ down.matrix()
        if second is not None:
            dsmall = (dy @ second.ups[0]).mul_(second.scale)
            dproduct.addmm_(dsmall, second.down)
        dwide, product = ops(x).gate_backward(dproduct, wide)
        later: list[torch.Tensor | None] = []
        if second is not None:
            later = [(dsmall.T @ product).float(), (dy.T @ small).float()]
        dx, grads = both.backward(dwide, x, narrow, first, inward=ctx.needs_input_grad[0])
        return dx, None, None, None, *grads, *later


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
        # A gradient may be shared with another node: turn a copy.
        return ops(dy).rotate(dy.clone(), cos, sin, ctx.heads, back=True), None, None, None
