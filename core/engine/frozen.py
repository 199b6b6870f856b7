"""A layer's frozen weight as numbers: kept so, or packed in NF4 by bitsandbytes."""

from __future__ import annotations

import torch
from bitsandbytes.functional import dequantize_4bit

if torch.cuda.is_available():
    from core.engine.unpack import unpack


def is_packed(weight: torch.Tensor) -> bool:
    """Whether it has to be unpacked at each use."""
    return hasattr(weight, "quant_state")


def numbers(weight: torch.Tensor) -> torch.Tensor:
    """(out, in), in the model's number type."""
    return dequantize_4bit(_bytes(weight), weight.quant_state) if is_packed(weight) else weight


def write(weight: torch.Tensor, place: torch.Tensor) -> None:
    """Its numbers, on a GPU, into `place` (out, in), whose rows may lie apart."""
    if is_packed(weight):
        unpack(_bytes(weight), weight.quant_state, place)
    else:
        place.copy_(weight)


def _bytes(packed: torch.Tensor) -> torch.Tensor:
    """Split over ranks, bytes lie in numbers of the model's type."""
    return packed.data.view(-1, 1).view(torch.uint8).view(-1, 1)
