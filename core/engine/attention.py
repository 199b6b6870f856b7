"""Who sees whom in a pack: each conversation itself, and the opening that all of them share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F
from torch.nn.attention.varlen import varlen_attn

_SHARED_FROM = 4  # a shorter common opening is not worth two attention calls
_ALIKE = 0.6  # rows at least this part of the longest are padded together in attention


@dataclass(frozen=True)
class Group:
    """Conversations of like length: places (B·L,) in the pack, padded with place 0."""

    places: torch.Tensor
    rows: int
    mask: torch.Tensor  # (L, opening + L), true where a query sees a key


@dataclass(frozen=True)
class Layout:
    """A pack's borders. The opening stands first, once; then the rests, longest first.

    homes: (N - opening,) for each token after the opening, its place in the groups' padded rows.
    borders: (rows + 1,) int32 for variable-length attention, used on a GPU.
    """

    opening: int
    groups: tuple[Group, ...]
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


def layout(opening: int, rests: Sequence[int], device: str) -> Layout:
    """Borders of a pack whose rests (lengths without the opening) are sorted, longest first."""
    groups: list[Group] = []
    homes: list[int] = []
    borders = [0]
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
            borders.append(start)
        see = torch.ones(length, opening + length, dtype=torch.bool, device=device)
        groups.append(Group(torch.tensor(places, device=device), end - begin, see.tril_(opening)))
        begin = end
    return Layout(
        opening,
        tuple(groups),
        torch.tensor(homes, device=device),
        torch.tensor(borders, dtype=torch.int32, device=device),
        max(rests),
    )


def within(qkv: torch.Tensor, heads: int, shape: Layout) -> torch.Tensor:
    """Attention of a pack. qkv: (N, heads + 2·kv heads, size) → (N, heads · size)."""
    kv = (qkv.shape[1] - heads) // 2
    if qkv.is_cuda:
        q, k, v = qkv.split((heads, kv, kv), 1)
        return varlen(q, k, v, shape).reshape(len(qkv), -1)
    padded = _Spread.apply(qkv, torch.cat([g.places for g in shape.groups]), shape)
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
            attn_mask=group.mask if shape.opening else None,
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


def varlen(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, shape: Layout) -> torch.Tensor:
    """Variable-length causal attention on a GPU; each (N, heads, size)."""
    repeats = q.shape[1] // k.shape[1]
    if repeats > 1:
        k, v = k.repeat_interleave(repeats, 1), v.repeat_interleave(repeats, 1)
    ends, longest = shape.borders, shape.longest
    return varlen_attn(
        q.contiguous(),
        k.contiguous(),
        v.contiguous(),
        ends,
        ends,
        longest,
        longest,
        window_size=(-1, 0),
    )


class _Spread(torch.autograd.Function):
    """Tokens to padded places. Each token after the opening has one home, so that the way back
    is a gather too."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, places: torch.Tensor, shape: Layout) -> torch.Tensor:
        ctx.shape = shape
        return x.index_select(0, places)

    @staticmethod
    def backward(ctx: Any, d: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rest = d.index_select(0, ctx.shape.homes)
        if ctx.shape.opening:
            rest = torch.cat([rest.new_zeros(ctx.shape.opening, *rest.shape[1:]), rest])
        return rest, None, None


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
