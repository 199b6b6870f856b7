"""DeepSpeed's settings as its engine gets them, and what starting it takes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transformers.integrations.deepspeed import HfDeepSpeedConfig, unset_hf_deepspeed_config

from core import zero
from core.config.schema import Config


def settings(config: Config, dtype: str, own: Path) -> dict[str, Any] | None:
    """The JSON that DeepSpeed gets, None without it; `own` is the run's own file, if it has one."""
    content = zero.content_of(config, zero.own(config, own))
    return zero.resolve(content, config, dtype) if content else None


def drives(found: dict[str, Any], dtype: str) -> bool:
    """Whether the engine must run the model itself: stage 3, and 16-bit floats' loss scaling."""
    return splits_base(found) or dtype == "float16"


def splits_base(found: dict[str, Any] | None) -> bool:
    """Whether each rank keeps only its part of the frozen base (stage 3)."""
    return found is not None and found["zero_optimization"]["stage"] == 3


def for_adapter(found: dict[str, Any]) -> dict[str, Any]:
    """The settings of an engine that gets the adapter alone, whose numbers are 32-bit."""
    return {**found, "bf16": {"enabled": False}, "fp16": {"enabled": False}}


def prepare(device: str) -> None:
    """Import DeepSpeed for a device, without the one C++ operation it would compile at start.

    That one is for inference on a processor. Compiled in two ranks at once it was the cause of
    starts that failed, and training uses none of it.
    """
    if device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    import deepspeed  # noqa: PLC0415 (slow, and looks for accelerators)

    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False


@contextlib.contextmanager
def born_split(found: dict[str, Any] | None) -> Iterator[None]:
    """Within, transformers gives each rank only its part of a model's weights (stage 3)."""
    kept = HfDeepSpeedConfig(found) if found else None
    try:
        yield
    finally:
        if kept is not None:
            unset_hf_deepspeed_config()
