"""What DeepSpeed is told: XTuner's five presets, a person's own JSON file, or nothing.

ZeRO (arXiv 1910.02054) splits over the processes what training holds besides activations: stage 1
the optimizer states, 2 the gradients too, 3 the parameters too. `content_of` is a config's choice,
`faults` compares it with the config, `resolve` makes what DeepSpeed's engine gets.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Final

from core.config.schema import DEEPSPEED_PRESETS, Config
from core.errors import text
from core.split import BUCKET
from core.zero_file import Content, Fault, read, refuse

_COMMON: Final[Content] = {  # XTuner 0.1.15 to 0.1.23, xtuner/configs/deepspeed/*.json
    "gradient_accumulation_steps": "auto",
    "train_micro_batch_size_per_gpu": "auto",
    "gradient_clipping": "auto",
    "zero_allow_untested_optimizer": True,
    "zero_force_ds_cpu_optimizer": False,
    "fp16": {"enabled": "auto", "initial_scale_power": 16},
    "bf16": {"enabled": "auto"},
}
_TO_CPU: Final[Content] = {"device": "cpu", "pin_memory": True}
_SCHEDULES: Final = {"WarmupLR": "constant", "WarmupDecayLR": "linear", "WarmupCosineLR": "cosine"}


def preset(name: str) -> dict[str, Any]:
    """One of the five presets as XTuner's file has it."""
    stage, _, offload = name.removeprefix("deepspeed_zero").partition("_")
    zero: dict[str, Any] = {"stage": int(stage), "overlap_comm": True}
    if offload:
        zero["offload_optimizer"] = dict(_TO_CPU)
    if stage == "3":
        zero["stage3_gather_16bit_weights_on_model_save"] = True
        if offload:
            zero["offload_param"] = dict(_TO_CPU)
    return {**copy.deepcopy(dict(_COMMON)), "zero_optimization": zero}


def is_own(choice: str) -> bool:
    """Whether a config's choice is a file of one's own, not a preset's name."""
    return choice not in DEEPSPEED_PRESETS


def own(config: Config, file: Path) -> Content | None:
    """The content of one's own file, None where the config asks for none (in a run, `file` is
    `Run.deepspeed_file`).

    Raises:
        UserError: the file is missing or has mistakes.
    """
    return read(file) if is_own(config.runtime.deepspeed) else None


def content_of(config: Config, own: Content | None) -> Content | None:
    """What a config asks for, None without DeepSpeed; `own` is the content of one's own file."""
    choice = config.runtime.deepspeed
    if choice == "none":
        return None
    return own if is_own(choice) else preset(choice)


def stage(content: Content | None) -> int:
    """The ZeRO stage of a content, 0 without DeepSpeed."""
    return int(content["zero_optimization"].get("stage", 0)) if content else 0


def builds(content: Content | None) -> bool:
    """Whether DeepSpeed must compile its own AdamW for main memory before it can start.

    With “zero_force_ds_cpu_optimizer” false, as in XTuner's presets, torch's is taken; DeepSpeed's
    default is true.
    """
    zero = content["zero_optimization"] if content else {}
    offloaded = zero.get("offload_optimizer", {}).get("device", "none") != "none"
    return bool(offloaded and content and content.get("zero_force_ds_cpu_optimizer", True))


def check(content: Content | None, config: Config, processes: int, dtype: str, name: str) -> None:
    """Refuse a content that contradicts the config.

    Raises:
        UserError: every contradiction.
    """
    refuse(faults(content, config, processes, dtype) if content else [], name)


def faults(content: Content, config: Config, processes: int, dtype: str) -> list[Fault]:
    """Where a content says otherwise than the config; the config decides, “auto” agrees.

    Args:
        dtype: the number type of the plan: bfloat16, float16 or float32.
    """
    s = config.settings
    asked: dict[str, tuple[str, float]] = {
        "train_micro_batch_size_per_gpu": ("settings.batch_size", s.batch_size),
        "gradient_accumulation_steps": (
            "settings.accumulative_counts / processes",
            s.accumulative_counts / processes,
        ),
        "gradient_clipping": ("settings.max_norm", s.max_norm),
        "optimizer.params.lr": ("settings.lr", s.lr),
        "optimizer.params.weight_decay": ("settings.weight_decay", s.weight_decay),
        "optimizer.params.eps": ("1e-8", 1e-8),
        "train_batch_size": (
            "settings.batch_size × settings.accumulative_counts",
            s.batch_size * s.accumulative_counts,
        ),
    }
    found = []
    for key, (place, value) in asked.items():
        said = _at(content, key)
        if said not in (None, "auto") and said != value:
            problem = text(
                "{said} here, but {place} is {value}.", said=said, place=place, value=f"{value:g}"
            )
            remedy = text("Write “auto”, or change the config: it decides.")
            found.append(Fault(key, problem, remedy))
    for key, name in (("bf16", "bfloat16"), ("fp16", "float16")):
        said = _at(content, f"{key}.enabled")
        if said not in (None, "auto") and said != (dtype == name):
            problem = text("{said} here, but this run computes in {dtype}.", said=said, dtype=dtype)
            remedy = text("Write “auto”, or set model.compute_dtype: {name}.", name=name)
            found.append(Fault(f"{key}.enabled", problem, remedy))
    schedule = _SCHEDULES.get(str(_at(content, "scheduler.type")))
    if schedule and schedule != config.optimizer.lr_schedule:
        problem = text(
            "It is the schedule “{said}”, but optimizer.lr_schedule is “{value}”.",
            said=schedule,
            value=config.optimizer.lr_schedule,
        )
        found.append(Fault("scheduler.type", problem, text("Take “scheduler” out.")))
    return found


def resolve(content: Content, config: Config, dtype: str) -> dict[str, Any]:
    """What DeepSpeed's engine gets: every “auto” that the config or the plan knows, filled in.

    The trainer hands over one pack at a time and adds packs up itself, and makes optimizer and
    schedule, so those keys are set or left out; where “auto” stands for a size, DeepSpeed takes its
    own. Two keys are set where a file leaves them open. reduce_bucket_size: DeepSpeed reserves two
    buffers of so many numbers on each device, 5e8 unless told, which is 2 to 4 GiB and more than an
    adapter's whole training state. timers: its own wait for the device twice a step.
    """
    told = {
        key: copy.deepcopy(value)
        for key, value in content.items()
        if key not in ("train_batch_size", "optimizer", "scheduler")
    }
    told |= {
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "gradient_clipping": config.settings.max_norm,
        "zero_allow_untested_optimizer": True,
        "fp16": {**told.get("fp16", {}), "enabled": dtype == "float16"},
        "bf16": {**told.get("bf16", {}), "enabled": dtype == "bfloat16"},
    }
    sizes = {k: v for k, v in told["zero_optimization"].items() if v != "auto"}
    told["zero_optimization"] = {"reduce_bucket_size": BUCKET, **sizes}
    told.setdefault("timers", {"throughput": {"enabled": False}})
    return told


def dumps(content: Content) -> str:
    """A content as the text of a file."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _at(content: Content, path: str) -> Any:
    value: Any = content
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value
