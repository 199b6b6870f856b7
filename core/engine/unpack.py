"""NF4 weights as numbers again, by one Triton kernel for NVIDIA GPUs.

bitsandbytes takes three kernels a matrix and cannot write beside other numbers. The values are the
same bit for bit (`tests/gpu/test_kernels.py`). Format: QLoRA, arXiv 2305.14314.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from bitsandbytes.functional import QuantState

_AT_ONCE = 2048  # numbers of a row that one program writes


@triton.jit
def _unpack(
    packed, code, scales, out, columns, width, second_code, second_scales, offset,
    BLOCK: tl.constexpr, SECOND: tl.constexpr, NESTED: tl.constexpr, HALF: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    first = tl.program_id(1) * HALF + tl.arange(0, HALF)
    inside = first < columns // 2
    place = row * (columns // 2) + first
    byte = tl.load(packed + place, mask=inside, other=0).to(tl.int32)
    own = 2 * place // BLOCK  # known when compiled: a 64-bit division for each byte costs most
    scale = tl.load(scales + own, mask=inside, other=0)
    if NESTED:
        outer = tl.load(second_scales + own // SECOND, mask=inside, other=0.0)
        scale = tl.load(second_code + scale.to(tl.int32)) * outer + tl.load(offset)
    high = tl.load(code + (byte >> 4)) * scale
    low = tl.load(code + (byte & 15)) * scale
    both = tl.interleave(high, low).to(out.dtype.element_ty)
    column = tl.program_id(1) * (2 * HALF) + tl.arange(0, 2 * HALF)
    tl.store(out + row * width + column, both, mask=column < columns)


def unpack(packed: torch.Tensor, state: QuantState, out: torch.Tensor) -> None:
    """Write a packed matrix's values into `out` (out, in), whose rows may lie apart; in is even."""
    rows, columns = out.shape
    second = state.state2 if state.nested else state
    grid = (rows, triton.cdiv(columns, _AT_ONCE))
    _unpack[grid](
        packed, state.code, state.absmax, out, columns, out.stride(0),
        second.code, second.absmax, state.offset if state.nested else state.absmax,
        BLOCK=state.blocksize, SECOND=second.blocksize, NESTED=state.nested, HALF=_AT_ONCE // 2,
        enable_fp_fusion=False,  # as bitsandbytes rounds: after the product and after the sum
    )  # fmt: skip
