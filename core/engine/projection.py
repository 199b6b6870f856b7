"""Linear layers that read the same input, and LoRA on them, with as few products as can be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import NamedTuple

import torch
from bitsandbytes.functional import dequantize_4bit
from torch import nn
from torch.nn import functional as F

_WORTH = 512  # tokens from which the adapter rides in the frozen weights' product


class Adapter(NamedTuple):
    """LoRA on the layers of a projection, in the number type of the computation.

    down (parts · r, in); ups: (out of the part, r) each.
    """

    down: torch.Tensor
    ups: tuple[torch.Tensor, ...]
    scale: float


@contextlib.contextmanager
def still(casts: dict[Projection, Adapter]) -> Iterator[None]:
    """Within, no adapter changes: on a processor each is brought into the number type once.

    `casts` keeps them; a fresh one forgets. (A GPU copies them anyway: its recorded steps must.)
    """
    token = _casts.set(casts)
    try:
        yield
    finally:
        _casts.reset(token)


class Projection:
    """Linear layers that read the same input, as one product, with the adapter on each of them.

    Unpacked weights are laid one under another in one matrix, and the layers keep views of it.
    Weights that bitsandbytes holds packed are unpacked at each use.

    On a GPU the adapter's second product would pass over all outputs once more. There the matrix
    has room for it: W beside B, [W B] [x; s·A x] = W x + s·B A x, where outputs are wider than
    inputs; else W above A, so that the gradient of x is one product: [dy s·dy B] [W; A].
    """

    def __init__(self, owner: nn.Module, names: Sequence[str]) -> None:
        self._owner, self._names = owner, names
        self._bases = [_base(getattr(owner, name)) for name in names]
        self._packed = any(hasattr(b.weight, "quant_state") for b in self._bases)
        self.sizes = [b.out_features for b in self._bases]
        self.inputs, self.outputs = self._bases[0].in_features, sum(self.sizes)
        self._matrix = None if self._packed else self._bases[0].weight.data
        if not self._packed and len(self._bases) > 1:
            self._lay(torch.cat([b.weight.data for b in self._bases]))
        biases = [b.bias for b in self._bases]
        self.bias = torch.cat([b.data for b in biases]) if biases[0] is not None else None
        self._wide: torch.Tensor | None = None  # (out, in + parts · r)
        self._tall: torch.Tensor | None = None  # (out + parts · r, in)

    def _lay(self, matrix: torch.Tensor) -> None:
        self._matrix = matrix
        for base, part in zip(self._bases, matrix.split(self.sizes), strict=True):
            base.weight.data = part

    def matrix(self) -> torch.Tensor:
        """The frozen weights, (out, in), in the number type of the computation."""
        if self._matrix is not None:
            return self._matrix
        weights = [base.weight for base in self._bases]
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
        downs, ups = pairs[0::2], pairs[1::2]
        if not x.is_cuda and (kept := _casts.get()) is not None:
            if self not in kept:
                kept[self] = Adapter(_joined(downs, x.dtype), _cast(ups, x.dtype), scale)
            return kept[self]
        if self._matrix is None or not x.is_cuda:
            return Adapter(_joined(downs, x.dtype), _cast(ups, x.dtype), scale)
        rank = downs[0].shape[0]
        self._make_room(len(downs) * rank)
        if self._wide is not None:
            columns = self._wide[:, self.inputs :].split(rank, 1)
            kept = tuple(
                column.split(self.sizes)[i].copy_(up)
                for i, (column, up) in enumerate(zip(columns, ups, strict=True))
            )
            return Adapter(_joined(downs, x.dtype), kept, scale)
        assert self._tall is not None
        rows = self._tall[self.outputs :]
        for row, down in zip(rows.split(rank), downs, strict=True):
            row.copy_(down)
        return Adapter(rows, _cast(ups, x.dtype), scale)

    def _make_room(self, ranks: int) -> None:
        if self._wide is not None or self._tall is not None:
            return
        assert self._matrix is not None
        if self.outputs >= self.inputs:
            self._wide = F.pad(self._matrix, (0, ranks))
            self._lay(self._wide[:, : self.inputs])
        else:
            self._tall = F.pad(self._matrix, (0, 0, 0, ranks))
            self._lay(self._tall[: self.outputs])

    def forward(
        self, x: torch.Tensor, adapter: Adapter | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """(N, in) → (N, out of all layers together); x to keep; scale · A x, (N, parts · r)."""
        if adapter is None:
            return F.linear(x, self.matrix(), self.bias), x, None
        if self._wide is not None and len(x) >= _WORTH:
            whole, x, narrow = _widened(x, len(adapter.down))
            torch.mm(x, adapter.down.T, out=narrow).mul_(adapter.scale)
            return F.linear(whole, self._wide, self.bias), x, narrow
        y = F.linear(x, self.matrix(), self.bias)
        narrow = (x @ adapter.down.T).mul_(adapter.scale)
        parts = zip(y.split(self.sizes, 1), _split(narrow, adapter), adapter.ups, strict=True)
        for part, small, up in parts:
            part.addmm_(small, up.T)
        return y, x, narrow

    def inward(
        self, dy: torch.Tensor, adapter: Adapter | None, *, needed: bool = True
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Gradients of x (None unless needed) and of A x."""
        if adapter is None:
            return (dy @ self.matrix() if needed else None), None
        ranks = len(adapter.down)
        rides = self._tall is not None and needed and len(dy) >= _WORTH
        whole, dy, dnarrow = (
            _widened(dy, ranks) if rides else (dy, dy, dy.new_empty(len(dy), ranks))
        )
        parts = zip(dy.split(self.sizes, 1), _split(dnarrow, adapter), adapter.ups, strict=True)
        for part, small, up in parts:
            torch.mm(part, up, out=small)
        dnarrow.mul_(adapter.scale)
        if not needed:
            return None, dnarrow
        if rides:
            return whole @ self._tall, dnarrow
        return (dy @ self.matrix()).addmm_(dnarrow, adapter.down), dnarrow

    def outward(
        self,
        dy: torch.Tensor,
        x: torch.Tensor,
        narrow: torch.Tensor | None,
        dnarrow: torch.Tensor | None,
    ) -> list[torch.Tensor | None]:
        """Gradients of A and B of each layer in turn, in 32 bits; none without an adapter."""
        if narrow is None or dnarrow is None:
            return []
        rank = narrow.shape[1] // len(self.sizes)
        parts = zip(dy.split(self.sizes, 1), narrow.split(rank, 1), strict=True)
        ups = [(part.T @ small).float() for part, small in parts]
        downs = (dnarrow.T @ x).float().split(rank)
        return [grad for pair in zip(downs, ups, strict=True) for grad in pair]


_casts: ContextVar[dict[Projection, Adapter] | None] = ContextVar("casts", default=None)


def _widened(x: torch.Tensor, more: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows with room for more columns: all of them, the part that holds a copy of x, the room."""
    whole = x.new_empty(len(x), x.shape[1] + more)
    first, room = whole.split((x.shape[1], more), 1)
    return whole, first.copy_(x), room


def _joined(downs: Sequence[torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
    return torch.cat(list(downs)).to(dtype)


def _cast(ups: Sequence[torch.Tensor], dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    return tuple(up.to(dtype) for up in ups)


def _split(narrow: torch.Tensor, adapter: Adapter) -> tuple[torch.Tensor, ...]:
    return narrow.split(adapter.ups[0].shape[1], 1)


def _base(layer: nn.Module) -> nn.Module:
    return layer.base_layer if hasattr(layer, "base_layer") else layer
