"""Memory of the device that trains: how much was held, and how to begin a step anew with less."""

from __future__ import annotations

import gc
import resource
from collections.abc import Sequence
from pathlib import Path

import torch

from core.cost import CONTEXT_GIB
from core.errors import UserError
from core.hardware import detect
from core.schedule import Step


def memory_gib(device: str) -> float:
    """Most memory held so far: of the GPU, with what CUDA itself takes, or of this process."""
    if device == "cuda":
        return torch.cuda.max_memory_reserved() / 2**30 + CONTEXT_GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def without_holes() -> None:
    """Let torch grow its pieces of GPU memory: packs of many sizes leave no gaps behind.

    Before the first use of the GPU; not together with recorded steps, which have few sizes.
    """
    torch.cuda.memory._set_allocator_settings("expandable_segments:True")


def free_cached(device: str) -> None:
    """Give back what a failed pass left behind."""
    gc.collect()  # a failed pass's tensors may hang in a ring with its error
    if device == "cuda":
        torch.cuda.empty_cache()


def held(device: str) -> tuple[float, float]:
    """GiB that are held now, and that may be."""
    if device == "cpu":
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        now = pages * resource.getpagesize() / 2**30
        return now, now + detect().free_gib
    kept = torch.cuda.memory_reserved()
    share = torch.cuda.get_per_process_memory_fraction()
    most = share * torch.cuda.get_device_properties(0).total_memory
    most = min(most, kept + torch.cuda.mem_get_info()[0])
    return kept / 2**30 + CONTEXT_GIB, most / 2**30 + CONTEXT_GIB


def halved(
    parts: Sequence[Step], lengths: Sequence[int], budget: int, step: int, device: str
) -> int:
    """Half of the tokens that were computed at once when memory ran out at a step.

    Raises:
        UserError: each part is a single row already.
    """
    if max(map(len, parts)) == 1:
        kept, most = held(device)
        raise UserError(
            "Memory ran out at step {step}, though one conversation was computed at a time: "
            "{kept:.1f} GiB are held without it, and {most:.1f} GiB may be.",
            "Lower max_length or lora_r, or set runtime.activation_checkpointing to on; then "
            "press Resume.",
            step=step,
            kept=kept,
            most=most,
        )
    return min(budget, max(sum(lengths[m.row] for m in part) for part in parts)) // 2
