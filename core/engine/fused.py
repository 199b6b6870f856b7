"""Differentiable pieces of a decoder layer that do no wasted work.

They compute what transformers and peft compute (LoRA, arXiv 2106.09685; RMSNorm, 1910.07467;
SwiGLU, 2002.05202; rotary positions, 2104.09864), with frozen weights, fewer products and less
kept for the backward pass. `tests/engine/test_fused.py` compares gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit
from torch import nn
from torch.nn import functional as F


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

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(N, in) → (N, out of all layers together)."""
        layers = [getattr(self._owner, name) for name in self._names]
        adapted = [x for x in layers if hasattr(x, "lora_A") and not x.disable_adapters]
        if len(adapted) < len(layers):
            return F.linear(x, self.matrix(), self.bias)
        scale = adapted[0].scaling["default"]
        pairs = [
            w for m in adapted for w in (m.lora_A["default"].weight, m.lora_B["default"].weight)
        ]
        return _Adapted.apply(x, self, scale, *pairs)


def _base(layer: nn.Module) -> nn.Module:
    return layer.base_layer if hasattr(layer, "base_layer") else layer


class _Adapted(torch.autograd.Function):
    """y = W x + scale · B (A x) for each part of W; the parts share the product with x."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, projection: Projection, scale: float, *pairs: torch.Tensor
    ) -> torch.Tensor:
        down = torch.cat(pairs[0::2]).to(x.dtype)
        ups = [b.to(x.dtype) for b in pairs[1::2]]
        rank = pairs[0].shape[0]
        y = F.linear(x, projection.matrix(), projection.bias)
        narrow = (x @ down.T).mul_(scale)
        for part, small, up in zip(
            y.split(projection.sizes, 1), narrow.split(rank, 1), ups, strict=True
        ):
            part.addmm_(small, up.T)
        ctx.save_for_backward(x, narrow, down, *ups)
        ctx.projection, ctx.scale = projection, scale
        return y

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, narrow, down, *ups = ctx.saved_tensors
        sizes, rank = ctx.projection.sizes, ups[0].shape[1]
        dnarrow = torch.empty_like(narrow)
        grads: list[torch.Tensor | None] = []
        for part, small, dsmall, up in zip(
            dy.split(sizes, 1), narrow.split(rank, 1), dnarrow.split(rank, 1), ups, strict=True
        ):
            torch.mm(part, up, out=dsmall)
            grads += [None, (part.T @ small).float()]
        dnarrow *= ctx.scale
        grads[0::2] = (dnarrow.T @ x).float().split(rank)
        dx = None
        if ctx.needs_input_grad[0]:
            dx = (dy @ ctx.projection.matrix()).addmm_(dnarrow, down)
        return dx, None, None, *grads


class Norm(torch.autograd.Function):
    """RMSNorm of each row with a frozen weight; computed in 32 bits."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True).add_(epsilon))
        ctx.save_for_backward(x, weight, scale)
        return (wide * scale).to(x.dtype) * weight

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight, scale = ctx.saved_tensors
        unit = x * scale
        wide = (dy * weight).float()
        wide -= unit * (wide * unit).mean(-1, keepdim=True)
        return wide.mul_(scale).to(x.dtype), None, None


class Gate(torch.autograd.Function):
    """SiLU(gate) · up of a row that holds both side by side: (N, 2·I) → (N, I)."""

    @staticmethod
    def forward(ctx: Any, both: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(both)
        gate, up = both.chunk(2, -1)
        return F.silu(gate) * up

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> torch.Tensor:
        (both,) = ctx.saved_tensors
        gate, up = both.chunk(2, -1)
        d = torch.empty_like(both)
        dgate, dup = d.chunk(2, -1)
        torch.mul(dy, F.silu(gate), out=dup)
        dgate.copy_(torch.ops.aten.silu_backward(dy * up, gate))
        return d


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
        return _rotate(x, cos, sin, heads)

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        cos, sin = ctx.saved_tensors
        return _rotate(dy.clone(), cos, -sin, ctx.heads), None, None, None


def _rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, heads: int) -> torch.Tensor:
    size = cos.shape[-1]
    half = size // 2
    part = x[:, : heads * size].view(len(x), heads, size)
    turned = torch.cat((-part[..., half:], part[..., :half]), -1)
    part.mul_(cos[:, None]).addcmul_(turned, sin[:, None])
    return x
