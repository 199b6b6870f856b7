"""Attention over the borders of a pack, as Triton kernels for NVIDIA GPUs.

The algorithm is FlashAttention 2's (arXiv 2307.08691): no scores are kept, only the logarithm of
each query's sum. Made for packs of short conversations: query heads share the keys they read, the
gradient is summed by one program each (no atomic additions, so a step repeats bit for bit) and
goes straight into its place in the gradient of (q, k, v).
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

_LOG2E = 1.4426950408889634


@triton.jit
def _tile(start, at, begin, end, width, SIZE: tl.constexpr, ROOM: tl.constexpr):
    """Numbers of tokens begin + at of one head, zero from `end` on: (tokens, ROOM)."""
    d = tl.arange(0, ROOM)
    rows = begin + at
    place = start + rows[:, None].to(tl.int64) * width + d[None, :]
    if ROOM == SIZE:
        return tl.load(place, mask=(rows < end)[:, None], other=0.0)
    return tl.load(place, mask=(rows < end)[:, None] & (d < SIZE)[None, :], other=0.0)


@triton.jit
def _put(start, at, begin, end, width, values, SIZE: tl.constexpr, ROOM: tl.constexpr):
    d = tl.arange(0, ROOM)
    rows = begin + at
    place = start + rows[:, None].to(tl.int64) * width + d[None, :]
    mask = (rows < end)[:, None] & (d < SIZE)[None, :]
    tl.store(place, values.to(start.dtype.element_ty), mask=mask)


@triton.jit
def _forward(
    qkv, out, spread, borders, scale, tokens, width, out_width,
    HEADS: tl.constexpr, SHARED: tl.constexpr, SIZE: tl.constexpr, ROOM: tl.constexpr,
    QUERIES: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    head, row = tl.program_id(1), tl.program_id(2)
    block = tl.num_programs(0) - 1 - tl.program_id(0)  # the longest work first
    begin, end = tl.load(borders + row), tl.load(borders + row + 1)
    first = block * QUERIES
    if begin + first >= end:
        return
    keys = qkv + (HEADS + head // SHARED) * SIZE
    values = keys + (HEADS // SHARED) * SIZE
    i = first + tl.arange(0, QUERIES)
    j = tl.arange(0, KEYS)
    q = _tile(qkv + head * SIZE, i, begin, end, width, SIZE, ROOM)
    most = tl.full((QUERIES,), float("-inf"), tl.float32)
    total = tl.zeros((QUERIES,), tl.float32)
    found = tl.zeros((QUERIES, ROOM), tl.float32)
    for start in range(0, first, KEYS):
        k = _tile(keys, start + j, begin, end, width, SIZE, ROOM)
        s = tl.dot(q, tl.trans(k)) * scale
        new = tl.maximum(most, tl.max(s, 1))
        p = tl.exp2(s - new[:, None])
        old = tl.exp2(most - new)
        total = total * old + tl.sum(p, 1)
        v = _tile(values, start + j, begin, end, width, SIZE, ROOM)
        found = tl.dot(p.to(v.dtype), v, found * old[:, None])
        most = new
    for start in range(first, min(first + QUERIES, end - begin), KEYS):
        k = _tile(keys, start + j, begin, end, width, SIZE, ROOM)
        s = tl.dot(q, tl.trans(k)) * scale
        s = tl.where(i[:, None] >= (start + j)[None, :], s, float("-inf"))
        new = tl.maximum(most, tl.max(s, 1))
        p = tl.exp2(s - new[:, None])
        old = tl.exp2(most - new)
        total = total * old + tl.sum(p, 1)
        v = _tile(values, start + j, begin, end, width, SIZE, ROOM)
        found = tl.dot(p.to(v.dtype), v, found * old[:, None])
        most = new
    _put(out + head * SIZE, i, begin, end, out_width, found / total[:, None], SIZE, ROOM)
    tl.store(spread + head * tokens + begin + i, most + tl.log2(total), mask=begin + i < end)


@triton.jit
def _backward_q(
    qkv, out, d, spread, delta, dqkv, borders, scale, plain_scale,
    tokens, width, out_width, d_width,
    HEADS: tl.constexpr, SHARED: tl.constexpr, SIZE: tl.constexpr, ROOM: tl.constexpr,
    QUERIES: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    head, row = tl.program_id(1), tl.program_id(2)
    block = tl.num_programs(0) - 1 - tl.program_id(0)
    begin, end = tl.load(borders + row), tl.load(borders + row + 1)
    first = block * QUERIES
    if begin + first >= end:
        return
    keys = qkv + (HEADS + head // SHARED) * SIZE
    values = keys + (HEADS // SHARED) * SIZE
    i = first + tl.arange(0, QUERIES)
    j = tl.arange(0, KEYS)
    inside = begin + i < end
    q = _tile(qkv + head * SIZE, i, begin, end, width, SIZE, ROOM)
    do = _tile(d + head * SIZE, i, begin, end, d_width, SIZE, ROOM)
    o = _tile(out + head * SIZE, i, begin, end, out_width, SIZE, ROOM)
    own = tl.sum(o.to(tl.float32) * do.to(tl.float32), 1)
    tl.store(delta + head * tokens + begin + i, own, mask=inside)
    log = tl.load(spread + head * tokens + begin + i, mask=inside, other=0.0)
    dq = tl.zeros((QUERIES, ROOM), tl.float32)
    for start in range(0, min(first + QUERIES, end - begin), KEYS):
        k = _tile(keys, start + j, begin, end, width, SIZE, ROOM)
        v = _tile(values, start + j, begin, end, width, SIZE, ROOM)
        p = tl.exp2(tl.dot(q, tl.trans(k)) * scale - log[:, None])
        p = tl.where(i[:, None] >= (start + j)[None, :], p, 0.0)
        ds = p * (tl.dot(do, tl.trans(v)) - own[:, None])
        dq = tl.dot(ds.to(k.dtype), k, dq)
    _put(dqkv + head * SIZE, i, begin, end, width, dq * plain_scale, SIZE, ROOM)


@triton.jit
def _backward_kv(
    qkv, d, spread, delta, dqkv, borders, scale, plain_scale, tokens, width, d_width,
    HEADS: tl.constexpr, SHARED: tl.constexpr, SIZE: tl.constexpr, ROOM: tl.constexpr,
    QUERIES: tl.constexpr, KEYS: tl.constexpr,
):  # fmt: skip
    block, kv, row = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    begin, end = tl.load(borders + row), tl.load(borders + row + 1)
    first = block * KEYS
    if begin + first >= end:
        return
    keys = (HEADS + kv) * SIZE
    values = keys + (HEADS // SHARED) * SIZE
    j = first + tl.arange(0, KEYS)
    k = _tile(qkv + keys, j, begin, end, width, SIZE, ROOM)
    v = _tile(qkv + values, j, begin, end, width, SIZE, ROOM)
    dk = tl.zeros((KEYS, ROOM), tl.float32)
    dv = tl.zeros((KEYS, ROOM), tl.float32)
    for shared in range(SHARED):
        head = kv * SHARED + shared
        for start in range(first // QUERIES * QUERIES, end - begin, QUERIES):
            i = start + tl.arange(0, QUERIES)
            inside = begin + i < end
            q = _tile(qkv + head * SIZE, i, begin, end, width, SIZE, ROOM)
            do = _tile(d + head * SIZE, i, begin, end, d_width, SIZE, ROOM)
            log = tl.load(spread + head * tokens + begin + i, mask=inside, other=0.0)
            own = tl.load(delta + head * tokens + begin + i, mask=inside, other=0.0)
            p = tl.exp2(tl.dot(k, tl.trans(q)) * scale - log[None, :])
            p = tl.where((i[None, :] >= j[:, None]) & inside[None, :], p, 0.0)
            dv = tl.dot(p.to(do.dtype), do, dv)
            ds = p * (tl.dot(v, tl.trans(do)) - own[None, :])
            dk = tl.dot(ds.to(q.dtype), q, dk)
    _put(dqkv + keys, j, begin, end, width, dk * plain_scale, SIZE, ROOM)
    _put(dqkv + values, j, begin, end, width, dv, SIZE, ROOM)


def forward(
    qkv: torch.Tensor, heads: int, borders: torch.Tensor, longest: int, out: torch.Tensor
) -> torch.Tensor:
    """Causal attention of each conversation, written into `out`.

    Args:
        qkv: (N, heads + 2·kv heads, size), its rows one after another.
        borders: (rows + 1,) int32, where conversations begin and end.
        longest: at least as many tokens as the longest has.
        out: (N, heads · size); its rows may lie apart.

    Returns:
        (heads, N) float32: base-2 logarithms of the scores' sums, for `backward`.
    """
    tokens, every, size = qkv.shape
    spread = torch.empty(heads, tokens, dtype=torch.float32, device=qkv.device)
    queries, keys, warps, stages = _blocks(qkv)[0]
    grid = (triton.cdiv(longest, queries), heads, len(borders) - 1)
    _forward[grid](
        qkv, out, spread, borders, size**-0.5 * _LOG2E, tokens, every * size, out.stride(0),
        **_shape(qkv, heads), QUERIES=queries, KEYS=keys, num_warps=warps, num_stages=stages,
    )  # fmt: skip
    return spread


def backward(
    d: torch.Tensor,
    qkv: torch.Tensor,
    heads: int,
    borders: torch.Tensor,
    longest: int,
    out: torch.Tensor,
    spread: torch.Tensor,
) -> torch.Tensor:
    """Gradient of qkv, from that of `out`; see `forward`."""
    tokens, every, size = qkv.shape
    dqkv = torch.empty_like(qkv)
    delta = torch.empty_like(spread)
    shape, rows = _shape(qkv, heads), len(borders) - 1
    numbers = (size**-0.5 * _LOG2E, size**-0.5, tokens, every * size)
    _, (queries, keys, warps, stages), other = _blocks(qkv)
    _backward_q[(triton.cdiv(longest, queries), heads, rows)](
        qkv, out, d, spread, delta, dqkv, borders, *numbers, out.stride(0), d.stride(0),
        **shape, QUERIES=queries, KEYS=keys, num_warps=warps, num_stages=stages,
    )  # fmt: skip
    queries, keys, warps, stages = other
    _backward_kv[(triton.cdiv(longest, keys), (every - heads) // 2, rows)](
        qkv, d, spread, delta, dqkv, borders, *numbers, d.stride(0),
        **shape, QUERIES=queries, KEYS=keys, num_warps=warps, num_stages=stages,
    )  # fmt: skip
    return dqkv


def _shape(qkv: torch.Tensor, heads: int) -> dict[str, int]:
    size = qkv.shape[2]
    return {
        "HEADS": heads,
        "SHARED": 2 * heads // (qkv.shape[1] - heads),
        "SIZE": size,
        "ROOM": triton.next_power_of_2(size),
    }


def _blocks(qkv: torch.Tensor) -> tuple[tuple[int, int, int, int], ...]:
    """Queries and keys at once, warps and stages: forward, gradient of q, gradient of k and v.

    The fastest of nine measured on an H100; small enough for the GPUs that have 99 KiB to share.
    """
    if qkv.shape[2] > 128:
        return (32, 32, 4, 2), (32, 32, 4, 2), (32, 32, 4, 2)
    return (64, 64, 4, 2), (64, 32, 4, 3), (32, 64, 4, 2)
