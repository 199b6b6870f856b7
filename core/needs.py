"""Which machine a preset's training needs, and whether this one will do: told before a download."""

from __future__ import annotations

from typing import Final

from core.config.schema import Config
from core.errors import Text, text
from core.estimate import SHARE, least_gib
from core.hardware import Hardware
from core.models import Shape
from core.planner import least_memory_gib

_GPUS_GB: Final = (8, 12, 16, 24, 32, 48, 80, 141)


def fits(gib: float, hardware: Hardware) -> bool:
    """Whether so much memory may be used here: of the GPU, or of a machine without one."""
    return gib <= SHARE * _memory_gib(hardware)


def _memory_gib(hardware: Hardware) -> float:
    return max((g.memory_gib for g in hardware.gpus), default=hardware.memory_gib)


def needs(config: Config, shape: Shape, hardware: Hardware) -> Text:
    """One sentence. Memory is that of the GPU, or of a machine without one."""
    wanted, here = least_memory_gib(config, shape, hardware), _memory_gib(hardware)
    if fits(wanted, hardware):
        return text("Training takes {gib:.1f} GiB of memory or more: it fits here.", gib=wanted)
    on_gpu = least_gib(config, shape, "cuda", "bfloat16") / SHARE * 2**30 / 1e9
    card = next((size for size in _GPUS_GB if on_gpu <= size), None)
    return text(
        "Training takes {gib:.1f} GiB of memory or more, and this machine has {here:.0f}: it needs "
        "{machine}.",
        gib=wanted,
        here=here,
        machine=text("a GPU of {size} GB", size=card)
        if card
        else text("several GPUs of 80 GB and DeepSpeed ZeRO-3"),
    )
