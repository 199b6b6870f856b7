"""DeepSpeed's settings for each preset (XTuner's values), and what starting it takes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from transformers.integrations.deepspeed import HfDeepSpeedConfig, unset_hf_deepspeed_config

from core.config.schema import Config


def settings(config: Config, dtype: str) -> dict[str, Any] | None:
    """The JSON that DeepSpeed gets, None without it.

    ZeRO (arXiv 1910.02054): stage 1 splits optimizer states, 2 gradients too, 3 parameters too.
    """
    preset = config.runtime.deepspeed
    if preset == "none":
        return None
    name, _, offload = preset.removeprefix("deepspeed_zero").partition("_")
    stage = int(name)
    zero: dict[str, Any] = {"stage": stage, "overlap_comm": True}
    if offload:
        zero["offload_optimizer"] = {"device": "cpu", "pin_memory": True}
    if stage == 3:
        zero["stage3_gather_16bit_weights_on_model_save"] = True
        if offload:
            zero["offload_param"] = {"device": "cpu", "pin_memory": True}
    return {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": config.settings.max_norm,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "fp16": {"enabled": dtype == "float16", "initial_scale_power": 16},
        "bf16": {"enabled": dtype == "bfloat16"},
        "zero_optimization": zero,
    }


def drives(found: dict[str, Any], dtype: str) -> bool:
    """Whether the engine must run the model itself: stage 3, and 16-bit floats' loss scaling."""
    return found["zero_optimization"]["stage"] == 3 or dtype == "float16"


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
