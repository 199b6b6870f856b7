"""The same operations as `plain`, as Triton kernels for NVIDIA GPUs.

Each reads and writes every number once, where torch's own operations would pass over it several
times; arithmetic is in 32 bits throughout. `tests/gpu/test_kernels.py` compares them with `plain`.
(The idea of fused training kernels: Liger, arXiv 2410.10989.)
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

_WIDTH = 1024  # numbers of a row that one program of an elementwise kernel takes
_CHUNK = 8192  # logits of a row that a program of a loss kernel holds at once


@triton.jit
def _add_norm(
    x, h, w, s, n, r, size, h_width, n_width, epsilon, HAS_H: tl.constexpr, BLOCK: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    i = tl.arange(0, BLOCK)
    inside = i < size
    a = tl.load(x + row * size + i, mask=inside, other=0.0)
    if HAS_H:
        b = tl.load(h + row * h_width + i, mask=inside, other=0.0)
        a = (a.to(tl.float32) + b.to(tl.float32)).to(a.dtype)
        tl.store(s + row * size + i, a, mask=inside)
    a = a.to(tl.float32)
    scale = tl.rsqrt(tl.sum(a * a) / size + epsilon)
    tl.store(r + row, scale)
    unit = (a * scale).to(n.dtype.element_ty)
    tl.store(n + row * n_width + i, unit * tl.load(w + i, mask=inside, other=0.0), mask=inside)


@triton.jit
def _add_norm_backward(
    dn, ds, s, w, r, d, size, dn_width, ds_width, d_width, HAS_DS: tl.constexpr, BLOCK: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64)
    i = tl.arange(0, BLOCK)
    inside = i < size
    scale = tl.load(r + row)
    unit = tl.load(s + row * size + i, mask=inside, other=0.0).to(tl.float32) * scale
    g = tl.load(dn + row * dn_width + i, mask=inside, other=0.0).to(tl.float32)
    g *= tl.load(w + i, mask=inside, other=0.0).to(tl.float32)
    out = (g - unit * (tl.sum(g * unit) / size)) * scale
    if HAS_DS:
        out += tl.load(ds + row * ds_width + i, mask=inside, other=0.0).to(tl.float32)
    tl.store(d + row * d_width + i, out.to(d.dtype.element_ty), mask=inside)


@triton.jit
def _gate(both, out, size, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = i < size
    g = tl.load(both + row * 2 * size + i, mask=inside).to(tl.float32)
    u = tl.load(both + row * 2 * size + size + i, mask=inside)
    silu = (g * tl.sigmoid(g)).to(u.dtype)
    tl.store(out + row * size + i, silu * u, mask=inside)


@triton.jit
def _gate_backward(d, both, size, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = i < size
    where = both + row * 2 * size + i
    g = tl.load(where, mask=inside).to(tl.float32)
    u = tl.load(where + size, mask=inside).to(tl.float32)
    dy = tl.load(d + row * size + i, mask=inside).to(tl.float32)
    sigmoid = tl.sigmoid(g)
    silu = g * sigmoid
    kind = both.dtype.element_ty
    tl.store(where, (dy * u * sigmoid * (1 + g * (1 - sigmoid))).to(kind), mask=inside)
    tl.store(where + size, (dy * silu).to(kind), mask=inside)
    tl.store(d + row * size + i, silu.to(kind) * u.to(kind), mask=inside)


@triton.jit
def _rotate(x, out, cos, sin, sign, width, heads, HALF: tl.constexpr, HEADS: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1) * HEADS + tl.arange(0, HEADS)[:, None]
    i = tl.arange(0, HALF)[None, :]
    inside = (head < heads) & (i < HALF)
    place = row * width + head * (2 * HALF) + i
    angle = row * (2 * HALF) + i
    a = tl.load(x + place, mask=inside).to(tl.float32)
    b = tl.load(x + place + HALF, mask=inside).to(tl.float32)
    c = tl.load(cos + angle).to(tl.float32)
    s = tl.load(sin + angle).to(tl.float32) * sign
    kind = out.dtype.element_ty
    tl.store(out + place, (a * c - b * s).to(kind), mask=inside)
    tl.store(out + place + HALF, (b * c + a * s).to(kind), mask=inside)


@triton.jit
def _cross_entropy(logits, targets, weights, losses, vocabulary, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    start = logits + row * vocabulary
    i = tl.arange(0, BLOCK)
    most, total = _spread(start, i, vocabulary, BLOCK)
    target, weight = tl.load(targets + row), tl.load(weights + row)
    chosen = tl.load(start + target).to(tl.float32)
    tl.store(losses + row, (most + tl.log(total) - chosen) * weight)
    tl.debug_barrier()  # all have read the chosen logit before it is overwritten
    for begin in range(0, vocabulary, BLOCK):
        inside = begin + i < vocabulary
        z = tl.load(start + begin + i, mask=inside, other=0.0).to(tl.float32)
        p = tl.exp(z - most) / total - tl.where(begin + i == target, 1.0, 0.0)
        tl.store(start + begin + i, (p * weight).to(logits.dtype.element_ty), mask=inside)


@triton.jit
def _divergence(logits, wanted, weights, reverse, losses, vocabulary, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    own, other = logits + row * vocabulary, wanted + row * vocabulary
    i = tl.arange(0, BLOCK)
    most, total = _spread(own, i, vocabulary, BLOCK)
    most_w, total_w = _spread(other, i, vocabulary, BLOCK)
    spread = most_w + tl.log(total_w) - most - tl.log(total)
    weight = tl.load(weights + row)
    there = tl.zeros((BLOCK,), tl.float32)
    back = tl.zeros((BLOCK,), tl.float32)
    for begin in range(0, vocabulary, BLOCK):
        inside = begin + i < vocabulary
        z = tl.load(own + begin + i, mask=inside, other=most).to(tl.float32)
        t = tl.load(other + begin + i, mask=inside, other=most_w).to(tl.float32)
        apart = z - t + spread
        there -= tl.where(inside, tl.exp(t - most_w) * apart, 0.0)
        back += tl.where(inside, tl.exp(z - most) * apart, 0.0)
    away = tl.sum(back) / total
    tl.store(losses + 2 * row, tl.sum(there) / total_w * weight)
    tl.store(losses + 2 * row + 1, away * weight)
    for begin in range(0, vocabulary, BLOCK):
        inside = begin + i < vocabulary
        z = tl.load(own + begin + i, mask=inside, other=most).to(tl.float32)
        t = tl.load(other + begin + i, mask=inside, other=most_w).to(tl.float32)
        p, q = tl.exp(t - most_w) / total_w, tl.exp(z - most) / total
        d = (1 - reverse) * (q - p) + reverse * q * (z - t + spread - away)
        tl.store(own + begin + i, (d * weight).to(logits.dtype.element_ty), mask=inside)


@triton.jit
def _spread(start, i, vocabulary, BLOCK: tl.constexpr):
    """The largest of a row, and the sum of the exponentials of all less the largest."""
    most = tl.full((BLOCK,), float("-inf"), tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    for begin in range(0, vocabulary, BLOCK):
        z = tl.load(start + begin + i, mask=begin + i < vocabulary, other=float("-inf"))
        z = z.to(tl.float32)
        new = tl.maximum(most, z)
        old = tl.where(new == float("-inf"), 0.0, tl.exp(most - new))
        total = total * old + tl.where(new == float("-inf"), 0.0, tl.exp(z - new))
        most = new
    top = tl.max(most)
    return top, tl.sum(total * tl.exp(most - top))


def add_norm(
    x: torch.Tensor, h: torch.Tensor | None, weight: torch.Tensor, epsilon: float, room: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """See `plain.add_norm`; rows of h may lie apart, as those of the norm do with `room`."""
    size = x.shape[-1]
    x = x.contiguous()
    total = x if h is None else torch.empty_like(x)
    normed = x.new_empty(*x.shape[:-1], size + room)[..., :size]
    scale = torch.empty(*x.shape[:-1], 1, dtype=torch.float32, device=x.device)
    block = triton.next_power_of_2(size)
    _add_norm[(x.numel() // size,)](
        x,
        x if h is None else h,
        weight,
        total,
        normed,
        scale,
        size,
        size if h is None else h.stride(0),
        size + room,
        epsilon,
        HAS_H=h is not None,
        BLOCK=block,
        num_warps=_warps(block),
    )
    return total, normed, scale


def add_norm_backward(
    dn: torch.Tensor,
    ds: torch.Tensor | None,
    total: torch.Tensor,
    weight: torch.Tensor,
    scale: torch.Tensor,
    room: int = 0,
) -> torch.Tensor:
    """See `plain.add_norm_backward`; rows of dn and ds may lie apart, as the result's do."""
    size = total.shape[-1]
    dn, ds = _rows(dn), None if ds is None else _rows(ds)
    d = total.new_empty(*total.shape[:-1], size + room)[..., :size]
    block = triton.next_power_of_2(size)
    _add_norm_backward[(total.numel() // size,)](
        dn,
        dn if ds is None else ds,
        total,
        weight,
        scale,
        d,
        size,
        dn.stride(-2),
        dn.stride(-2) if ds is None else ds.stride(-2),
        size + room,
        HAS_DS=ds is not None,
        BLOCK=block,
        num_warps=_warps(block),
    )
    return d


def _rows(x: torch.Tensor) -> torch.Tensor:
    """x as rows one distance apart: (N, H) as it lies, more dimensions side by side."""
    return x if x.dim() == 2 and x.stride(1) == 1 else x.contiguous()


def gate(both: torch.Tensor) -> torch.Tensor:
    """See `plain.gate`."""
    rows, size = both.shape[0], both.shape[1] // 2
    out = both.new_empty(rows, size)
    _gate[(rows, triton.cdiv(size, _WIDTH))](both, out, size, BLOCK=_WIDTH)
    return out


def gate_backward(d: torch.Tensor, both: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """See `plain.gate_backward`."""
    rows, size = d.shape
    _gate_backward[(rows, triton.cdiv(size, _WIDTH))](d, both, size, BLOCK=_WIDTH)
    return both, d


def rotate(
    x: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    heads: int,
    *,
    back: bool = False,
) -> torch.Tensor:
    """See `plain.rotate`."""
    half = cos.shape[-1] // 2
    at_once = max(1, 1024 // half)
    _rotate[(len(x), triton.cdiv(heads, at_once))](
        x,
        x,
        cos,
        sin,
        -1.0 if back else 1.0,
        x.shape[1],
        heads,
        HALF=half,
        HEADS=at_once,
    )
    return x


def cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `plain.cross_entropy`."""
    losses = torch.empty(len(logits), dtype=torch.float32, device=logits.device)
    _cross_entropy[(len(logits),)](
        logits, targets, weights, losses, logits.shape[1], BLOCK=_CHUNK, num_warps=16
    )
    return losses.sum(), logits


def divergence(
    logits: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor, reverse: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """See `plain.divergence`."""
    losses = torch.empty(len(logits), 2, dtype=torch.float32, device=logits.device)
    _divergence[(len(logits),)](
        logits, wanted, weights, reverse, losses, logits.shape[1], BLOCK=_CHUNK, num_warps=16
    )
    return losses.sum(0), logits


def _warps(block: int) -> int:
    return 4 if block <= 2048 else 8 if block <= 4096 else 16
