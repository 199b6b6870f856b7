"""Linear layers that read the same input, and LoRA on them, with as few products as can be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from core.engine.frozen import is_packed, numbers, write

Norm = tuple[torch.Tensor, torch.Tensor]
"""What makes a projection's input of what was kept: scale (N, 1) and frozen weight (in,)."""


class Adapter(NamedTuple):
    """LoRA on the layers of a projection, in the number type of the computation.

    down (parts · r, in) with the scale in it; ups: (out of the part, r) each.
    """

    down: torch.Tensor
    ups: tuple[torch.Tensor, ...]
    scale: float


@contextlib.contextmanager
def still(casts: dict[Projection, Adapter]) -> Iterator[None]:
    """Within, no adapter changes: each is brought into the number type once.

    `casts` keeps them; a fresh one forgets. Not around what is recorded: a replay must do it anew.
    """
    token = _casts.set(casts)
    try:
        yield
    finally:
        _casts.reset(token)


class Projection:
    """Linear layers that read the same input, as one product, with the adapter on each of them.

    Unpacked weights are laid one under another in one matrix, and the layers keep views of it.
    Weights that bitsandbytes holds packed are unpacked at each use, and those that DeepSpeed splits
    over the ranks are brought together at each use.

    On a GPU the adapter's products would pass over the wide side of a layer once more. There they
    ride in the frozen weights' product (s is in A). Outputs at least as wide as inputs: [W B], so
    that y = [W B] [x; A x], and one product gives the gradients of x and of A x. Else [W; A]: one
    product gives W x and A x, and the gradient of x is [dy dy·B] [W; A].
    """

    def __init__(self, owner: nn.Module, names: Sequence[str], *, split: bool = False) -> None:
        """`split`: the layers have their weights only while they compute; nothing is held."""
        self._owner, self._names, self._split = owner, names, split
        self._bases = [_base(getattr(owner, name)) for name in names]
        fleeting = split or any(is_packed(b.weight) for b in self._bases)
        self.sizes = [b.out_features for b in self._bases]
        self.inputs, self.outputs = self._bases[0].in_features, sum(self.sizes)
        self._wide = self.outputs >= self.inputs
        self._matrix = None if fleeting else self._bases[0].weight.data
        if not fleeting and len(self._bases) > 1:
            self._lay(torch.cat([b.weight.data for b in self._bases]))
        self._bias = None if split else self._biases()
        self._roomy: torch.Tensor | None = None  # the matrix with room for the adapter
        self._last: Adapter | None = None  # that was made, and lies in it

    def _lay(self, matrix: torch.Tensor) -> None:
        self._matrix = matrix
        for base, part in zip(self._bases, matrix.split(self.sizes), strict=True):
            base.weight.data = part

    def _biases(self) -> torch.Tensor | None:
        biases = [b.bias for b in self._bases]
        return torch.cat([b.data for b in biases]) if biases[0] is not None else None

    @property
    def bias(self) -> torch.Tensor | None:
        """Of all layers together, (out,)."""
        return self._biases() if self._split else self._bias

    def make_room(self, ranks: int) -> None:
        """Lay unpacked weights anew, with room for an adapter."""
        if ranks and self._matrix is not None and self._roomy is None:
            self._roomy = F.pad(self._matrix, (0, ranks) if self._wide else (0, 0, 0, ranks))
            self._lay(self._roomy[: self.outputs, : self.inputs])

    def matrix(self, x: torch.Tensor) -> torch.Tensor:
        """The frozen weights, (out, in), in the number type of x."""
        if self._matrix is not None:
            return self._matrix
        if x.is_cuda:
            return self._unpacked(x, 0)
        whole = [numbers(base.weight) for base in self._bases]
        return torch.cat(whole) if len(whole) > 1 else whole[0]

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
        kept = _casts.get()
        if kept is not None and self in kept and self._roomy_holds(kept[self]):
            return kept[self]
        scale = getattr(self._owner, self._names[0]).scaling["default"]
        downs, ups = pairs[0::2], pairs[1::2]
        down = x.new_empty(sum(map(len, downs)), self.inputs)
        places: list[torch.Tensor] | None = None
        if beside(x) and self._matrix is not None:
            self.make_room(len(down))
            assert self._roomy is not None
            if self._wide:
                places = self._columns(self._roomy, len(downs[0]))
            else:
                down = self._roomy[self.outputs :]
        for rows, part in zip(down.split(len(downs[0])), downs, strict=True):
            torch.mul(part, scale, out=rows)
        if places is None:
            made = Adapter(down, tuple(up.to(x.dtype) for up in ups), scale)
        else:
            filled = (place.copy_(up) for place, up in zip(places, ups, strict=True))
            made = Adapter(down, tuple(filled), scale)
        self._last = made
        if kept is not None:
            kept[self] = made
        return made

    def _roomy_holds(self, adapter: Adapter) -> bool:
        """Whether no other adapter was laid beside the weights since."""
        return self._roomy is None or self._last is adapter

    def room(self) -> int:
        """Numbers of room that each row of an input should end with, on a GPU; see `roomy`."""
        return self.ranks() if self._wide else 0

    def ranks(self) -> int:
        """Ranks of the adapters on all layers together."""
        return sum(len(down) for down in self.pairs()[0::2])

    def forward(
        self, x: torch.Tensor, adapter: Adapter | None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(N, in) → (N, out of all layers together); A x, (N, parts · r), to keep."""
        if adapter is None:
            return F.linear(x, self.matrix(x), self.bias), None
        if beside(x) and self._wide:
            narrow = x @ adapter.down.T
            rows, room = roomy(x, len(adapter.down))
            room.copy_(narrow)
            return F.linear(rows, self._with(adapter, x), self.bias), narrow
        if beside(x):
            whole = x @ self._with(adapter, x).T
            y, narrow = whole[:, : self.outputs], whole[:, self.outputs :].clone()
            if self.bias is not None:
                y += self.bias
        else:
            y, narrow = F.linear(x, self.matrix(x), self.bias), x @ adapter.down.T
        parts = zip(y.split(self.sizes, 1), _split(narrow, adapter), adapter.ups, strict=True)
        for part, small, up in parts:
            part.addmm_(small, up.T)
        return y, narrow

    def inward(
        self, dy: torch.Tensor, adapter: Adapter | None, *, needed: bool = True
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Gradients of x (None unless needed) and of A x."""
        if adapter is None:
            return (dy @ self.matrix(dy) if needed else None), None
        ranks = len(adapter.down)
        if beside(dy) and self._wide and needed:
            dx, dnarrow = (dy @ self._with(adapter, dy)).split((self.inputs, ranks), 1)
            return dx.addmm_(dnarrow, adapter.down), dnarrow
        rows, dnarrow = roomy(dy, ranks) if beside(dy) else (dy, dy.new_empty(len(dy), ranks))
        parts = zip(dy.split(self.sizes, 1), _split(dnarrow, adapter), adapter.ups, strict=True)
        for part, small, up in parts:
            torch.mm(part, up, out=small)
        if not needed:
            return None, dnarrow
        if beside(dy):
            return rows @ self._with(adapter, dy), dnarrow
        return (dy @ self.matrix(dy)).addmm_(dnarrow, adapter.down), dnarrow

    def outward(
        self,
        dy: torch.Tensor,
        x: torch.Tensor,
        adapter: Adapter | None,
        narrow: torch.Tensor | None,
        dnarrow: torch.Tensor | None,
        norm: Norm | None = None,
    ) -> list[torch.Tensor | None]:
        """Gradients of A and B of each layer in turn; none without an adapter.

        `norm`: x is the input before this norm. The norm's factors stand at both ends of the
        product, so that the normed input need not be kept.
        """
        if adapter is None or narrow is None or dnarrow is None:
            return []
        # Factors go to the narrow side, where there is little to multiply.
        factor = adapter.scale if norm is None else norm[0] * adapter.scale
        whole = _product((dnarrow * factor).to(x.dtype), x)
        if norm is not None:
            whole = whole * norm[1].float()
        downs = whole.split(adapter.ups[0].shape[1])
        parts = zip(dy.split(self.sizes, 1), _split(narrow, adapter), strict=True)
        ups = [_product(part, small) for part, small in parts]
        return [grad for pair in zip(downs, ups, strict=True) for grad in pair]

    def _with(self, adapter: Adapter, x: torch.Tensor) -> torch.Tensor:
        """[W B], or [W; A]: the frozen weights with the adapter beside or under them."""
        if self._roomy is not None:
            return self._roomy  # `adapter` filled it
        whole = self._unpacked(x, len(adapter.down))
        if self._wide:
            whole[:, self.inputs :].zero_()
            places = self._columns(whole, adapter.ups[0].shape[1])
            for place, up in zip(places, adapter.ups, strict=True):
                place.copy_(up)
        else:
            whole[self.outputs :].copy_(adapter.down)
        return whole

    def _columns(self, whole: torch.Tensor, rank: int) -> list[torch.Tensor]:
        """Where B of each layer stands beside the weights: its own rows, its own columns."""
        columns = whole[:, self.inputs :].split(rank, 1)
        return [column.split(self.sizes)[i] for i, column in enumerate(columns)]

    def _unpacked(self, x: torch.Tensor, ranks: int) -> torch.Tensor:
        """The weights in the buffer that all projections share, with room for an adapter."""
        tall, wide = (0, ranks) if self._wide else (ranks, 0)
        shape = (self.outputs + tall, self.inputs + wide)
        whole = _shared(x, shape[0] * shape[1]).view(shape)
        for base, part in zip(self._bases, whole[: self.outputs].split(self.sizes), strict=True):
            write(base.weight, part[:, : self.inputs])
        return whole


_casts: ContextVar[dict[Projection, Adapter] | None] = ContextVar("casts", default=None)
_buffers: dict[tuple[torch.device, torch.dtype], torch.Tensor] = {}


def _shared(x: torch.Tensor, count: int) -> torch.Tensor:
    """The first numbers of a buffer on x's device; what was in it before is gone."""
    key = x.device, x.dtype
    if key not in _buffers or len(_buffers[key]) < count:
        _buffers[key] = x.new_empty(count)
    return _buffers[key][:count]


def beside(x: torch.Tensor) -> bool:
    """Whether the adapter rides in the frozen weights' product: on a GPU."""
    return x.is_cuda


def roomy(x: torch.Tensor, more: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows that begin with those of x and have room for more numbers; the room.

    Whoever made x may have left the room between its rows; then nothing is copied.
    """
    width = x.shape[1] + more
    if x.stride() == (width, 1) and more:
        # Not x's own version counter: filling the room changes no number of x.
        rows = x.data.as_strided((len(x), width), (width, 1))
    else:
        rows = x.new_empty(len(x), width)
        rows[:, : x.shape[1]].copy_(x)
    return rows, rows[:, x.shape[1] :]


def _product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """aᵀ b; on a GPU in 32 bits, which a processor's products of 16-bit numbers do not give."""
    if a.is_cuda and a.dtype != torch.float32:
        return torch.mm(a.T, b, out_dtype=torch.float32)
    return a.T @ b


def _split(narrow: torch.Tensor, adapter: Adapter) -> tuple[torch.Tensor, ...]:
    return narrow.split(adapter.ups[0].shape[1], 1)


def _base(layer: nn.Module) -> nn.Module:
    return layer.base_layer if hasattr(layer, "base_layer") else layer
