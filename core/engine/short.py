"""Attention of short rows by plain matrix products in 32 bits, for processors.

torch's flash attention takes several times as long for rows of a hundred tokens
(docs/performance.md). Here a whole pack is one operation of autograd: no views whose gradients
are filled up with zeros and added.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import torch

if TYPE_CHECKING:
    from core.engine.attention import Layout

LONGEST: Final = 192  # tokens that a query sees; what is kept for the backward pass grows with them


class Short(torch.autograd.Function):
    """A pack's attention, `Short.apply(qkv, heads, shape)`; see `attention.within`."""

    @staticmethod
    def forward(ctx: Any, qkv: torch.Tensor, heads: int, shape: Layout) -> torch.Tensor:
        wide = qkv.float()
        first = wide[: shape.opening, heads:]
        outs: list[torch.Tensor] = []
        kept: list[torch.Tensor] = []
        for rows, bias, ahead in _groups(wide, wide.index_select(0, shape.places), shape):
            own = rows[:, :, heads:]
            seen = torch.cat([first.expand(len(rows), *first.shape), own], 1) if ahead else own
            q = _by_keys(rows[:, :, :heads], seen.shape[2] // 2)
            k, v = seen.unflatten(2, (2, -1)).permute(2, 0, 3, 1, 4).contiguous().flatten(1, 2)
            p = torch.bmm(q, k.transpose(1, 2)).mul_(q.shape[2] ** -0.5)
            p.view(-1, *bias.shape).add_(bias)
            p = torch.softmax(p, -1)
            outs.append(_by_rows(torch.bmm(p, v), len(rows), heads).flatten(0, 1))
            kept += [q, k, v, p]
        ctx.save_for_backward(*kept)
        ctx.heads, ctx.shape, ctx.dtype = heads, shape, qkv.dtype
        return _collected(outs, shape).to(qkv.dtype).flatten(1)

    @staticmethod
    def backward(ctx: Any, d: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        heads, shape, kept = ctx.heads, ctx.shape, ctx.saved_tensors
        wide = d.float().view(len(d), heads, -1)
        padded = wide.new_zeros(len(shape.places), *wide.shape[1:])
        padded.index_copy_(0, shape.homes, wide[shape.opening :])
        grads: list[torch.Tensor] = []
        first: torch.Tensor | None = None
        for i, (rows, _, ahead) in enumerate(_groups(wide, padded, shape)):
            q, k, v, p = kept[4 * i : 4 * i + 4]
            do = _by_keys(rows, len(k) // len(rows))
            dp = torch.bmm(do, v.transpose(1, 2))
            dp.sub_((dp * p).sum(-1, keepdim=True)).mul_(p).mul_(q.shape[2] ** -0.5)
            dkv = torch.stack([torch.bmm(dp.mT, q), torch.bmm(p.mT, do)])
            seen = dkv.unflatten(1, (len(rows), -1)).permute(1, 3, 0, 2, 4).flatten(2, 3)
            if ahead:
                share = seen[:, :ahead].sum(0)
                first = share if first is None else first.add_(share)
            dq = _by_rows(torch.bmm(dp, k), len(rows), heads)
            grads.append(torch.cat([dq, seen[:, ahead:]], 2).flatten(0, 1))
        found = _collected(grads, shape)
        if first is not None:
            found[: shape.opening, heads:] += first
        return found.to(ctx.dtype), None, None


def _groups(
    wide: torch.Tensor, padded: torch.Tensor, shape: Layout
) -> Iterator[tuple[torch.Tensor, torch.Tensor, int]]:
    """The opening, then each group: rows (B, L, heads, size), bias (L, T), tokens ahead of them."""
    if shape.opening:
        yield wide[None, : shape.opening], causal(0, shape.opening), 0
    parts = padded.split([len(g.places) for g in shape.groups])
    for group, part in zip(shape.groups, parts, strict=True):
        yield part.unflatten(0, (group.rows, -1)), group.bias, shape.opening


def _collected(parts: list[torch.Tensor], shape: Layout) -> torch.Tensor:
    """What `_groups` took apart, as (N, heads, size)."""
    first = parts[: 1 if shape.opening else 0]
    rest = parts[len(first) :]
    rest = torch.cat(rest) if len(rest) > 1 else rest[0]
    return torch.cat([*first, rest.index_select(0, shape.homes)]) if first else rest[shape.homes]


def _by_keys(rows: torch.Tensor, count: int) -> torch.Tensor:
    """(B, L, heads, size) → (B · kv heads, heads that share them · L, size)."""
    return rows.unflatten(2, (count, -1)).permute(0, 2, 3, 1, 4).flatten(2, 3).flatten(0, 1)


def _by_rows(x: torch.Tensor, rows: int, heads: int) -> torch.Tensor:
    """The inverse of `_by_keys`."""
    parts = x.unflatten(0, (rows, -1))
    return parts.unflatten(2, (heads // parts.shape[1], -1)).permute(0, 3, 1, 2, 4).flatten(2, 3)


def causal(ahead: int, length: int) -> torch.Tensor:
    """(L, ahead + L): 0 where a query sees a key, minus infinity where not."""
    blocked = torch.ones(length, ahead + length, dtype=torch.bool).triu_(ahead + 1)
    return torch.zeros(blocked.shape).masked_fill_(blocked, float("-inf"))
