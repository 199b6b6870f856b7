"""DeepSpeed's settings for each preset (XTuner's values), and nothing else of it."""

from __future__ import annotations

from typing import Any

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
