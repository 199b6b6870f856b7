"""Who sees whom in a pack: each conversation itself, and the opening that all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import torch
from torch.nn import functional as F

from core.engine.short import LONGEST, Short, causal

if torch.cuda.is_available():
    from core.engine import flash

Kind = Literal["mask", "rows", "grouped", "flash"]
"""How a pack attends: with the square mask that transformers makes of its positions; rows of like
length side by side in torch's scaled_dot_product_attention, and besides with the opening that all
share only once; or by FlashAttention over the borders."""
_SHARED_FROM = 4  # a shorter common opening is not worth two attention calls
_ALIKE = 0.6  # rows at least this part of the longest are padded together in attention


@dataclass(frozen=True)
class Group:
    """Conversations of like length: places (B·L,) in the pack, padded with place 0."""

    places: torch.Tensor
    rows: int
    bias: torch.Tensor  # (L, opening + L), 0 where a query sees a key, else minus infinity


@dataclass(frozen=True)
class Layout:
    """A pack's borders. The opening stands first, once; then the rests, longest first.

    places: those of all groups.
    homes: (N - opening,) for each token after the opening, its place in the groups' padded rows.
    borders: (rows + 1,) int32, for FlashAttention, which needs no groups.
    """

    opening: int
    groups: tuple[Group, ...]
    places: torch.Tensor
    homes: torch.Tensor
    borders: torch.Tensor
    longest: int


def common_opening(rows: Sequence[Sequence[int]], limit: int) -> int:
    """Tokens that all rows begin with, at most `limit`; 0 where sharing would not pay."""
    if len(rows) < 2:
        return 0
    count = 0
    for tokens in zip(*rows, strict=False):
        if count == limit or any(t != tokens[0] for t in tokens):
            break
        count += 1
    return count if count >= _SHARED_FROM else 0


def layout(opening: int, rests: Sequence[int], device: str, kind: Kind) -> Layout:
    """Borders of a pack whose rests (lengths without the opening) are sorted, longest first."""
    if kind == "flash":
        ends = torch.tensor([0, *accumulate(rests)], dtype=torch.int32)
        return Layout(0, (), ends[:0], ends[:0], ends.to(device, non_blocking=True), max(rests))
    groups: list[Group] = []
    homes: list[int] = []
    begin, start, home = 0, opening, 0
    while begin < len(rests):
        length = rests[begin]
        end = begin + 1
        while end < len(rests) and rests[end] >= _ALIKE * length:
            end += 1
        places = []
        for own in rests[begin:end]:
            places += [*range(start, start + own), *[0] * (length - own)]
            homes += range(home, home + own)
            start += own
            home += length
        bias = causal(opening, length).to(device)
        groups.append(Group(torch.tensor(places, device=device), end - begin, bias))
        begin = end
    return Layout(
        opening,
        tuple(groups),
        torch.cat([g.places for g in groups]),
        torch.tensor(homes, device=device),
        torch.empty(0, dtype=torch.int32, device=device),
        max(rests),
    )


def within(qkv: torch.Tensor, heads: int, shape: Layout, room: int = 0) -> torch.Tensor:
    """Attention of a pack. qkv: (N, heads + 2·kv heads, size) → (N, heads · size).

    `room`: numbers of room that FlashAttention leaves after each row, see `projection.roomy`.
    """
    kv = (qkv.shape[1] - heads) // 2
    if not shape.groups:
        return _Flash.apply(qkv.contiguous(), heads, shape, room)
    if not qkv.is_cuda and shape.opening + shape.longest <= LONGEST:
        return Short.apply(qkv, heads, shape)
    padded = _Spread.apply(qkv, shape)
    first = qkv[: shape.opening, heads:]
    outs = []
    counts = [len(g.places) for g in shape.groups]
    for group, part in zip(shape.groups, padded.split(counts), strict=True):
        rows = part.view(group.rows, -1, *part.shape[1:])
        seen = rows[:, :, heads:]
        if shape.opening:
            seen = torch.cat([first.expand(group.rows, *first.shape), seen], 1)
        k, v = seen.transpose(1, 2).split(kv, 1)
        q = rows[:, :, :heads].transpose(1, 2)
        out = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=group.bias.to(q.dtype) if shape.opening else None,
            is_causal=not shape.opening,
            enable_gqa=kv != heads,
        )
        outs.append(out.transpose(1, 2).reshape(-1, heads * part.shape[-1]))
    rest = _Collect.apply(torch.cat(outs), shape.homes)
    if not shape.opening:
        return rest
    q, k, v = (x.transpose(0, 1) for x in qkv[: shape.opening].split((heads, kv, kv), 1))
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=kv != heads)
    return torch.cat([out.transpose(0, 1).reshape(shape.opening, -1), rest])


class _Flash(torch.autograd.Function):
    """Causal attention over borders on a GPU; after each row of the result, room for more."""

    @staticmethod
    def forward(ctx: Any, qkv: torch.Tensor, heads: int, shape: Layout, room: int) -> torch.Tensor:
        ctx.heads, ctx.shape = heads, shape
        width = heads * qkv.shape[2]
        out = qkv.new_empty(len(qkv), width + room)[:, :width]
        spread = flash.forward(qkv, heads, shape.borders, shape.longest, out)
        ctx.save_for_backward(qkv, out, spread)
        return out

    @staticmethod
    def backward(ctx: Any, d: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        qkv, out, spread = ctx.saved_tensors
        borders, longest = ctx.shape.borders, ctx.shape.longest
        rows = d if d.stride(1) == 1 else d.contiguous()
        return flash.backward(rows, qkv, ctx.heads, borders, longest, out, spread), None, None, None


class _Spread(torch.autograd.Function):
    """Tokens to padded places. Each token after the opening has one home, so that the way back
    is a gather too."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, shape: Layout) -> torch.Tensor:
        ctx.shape = shape
        return x.index_select(0, shape.places)

    @staticmethod
    def backward(ctx: Any, d: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rest = d.index_select(0, ctx.shape.homes)
        if ctx.shape.opening:
            rest = torch.cat([rest.new_zeros(ctx.shape.opening, *rest.shape[1:]), rest])
        return rest, None


class _Collect(torch.autograd.Function):
    """Padded places back to tokens; padding gets no gradient."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, homes: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(homes)
        ctx.padded = x.shape
        return x.index_select(0, homes)

    @staticmethod
    def backward(ctx: Any, d: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (homes,) = ctx.saved_tensors
        return d.new_zeros(ctx.padded).index_copy_(0, homes, d), None
