"""A base as stage 3 trains it, without the processes: transformers calls the studio's layers."""

from __future__ import annotations

from pathlib import Path

from transformers import PreTrainedModel

from core.engine import hosted
from core.engine.base import load_base
from core.engine.decoder import Recompute


def load(
    folder: Path, recompute: Recompute, quantization: str, *, dtype: str, device: str
) -> PreTrainedModel:
    """Load a model whose packs its hosted layers compute."""
    base = load_base(
        folder,
        dtype=dtype,
        device=device,
        quantization=quantization,
        unpacked=False,
        zero3=True,
    )
    if recompute == "layers":
        base.gradient_checkpointing_enable({"use_reentrant": False})
        base.enable_input_require_grads()
    hosted.host(base, recompute)
    return base
