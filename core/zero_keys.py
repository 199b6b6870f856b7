"""The keys of a DeepSpeed file, what may stand at each, and which ones have no place here.

DeepSpeed ignores a misspelt key at the top of its file in silence, and some that it knows would
quietly change the training, or write and send elsewhere. So the studio keeps its own table. It was
read from deepspeed 0.19.8: runtime/constants.py and runtime/config.py (top level, removed keys),
runtime/zero/config.py (DeepSpeedZeroConfig with its aliases), runtime/zero/offload_config.py, and
runtime/precision_config.py; tests/test_zero.py compares it with the installed package.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from core.errors import Text, text


@dataclass(frozen=True)
class Rule:
    """What a key takes: true or false, a number from `low` on, or one of `choices`.

    `auto`: the word “auto” too, which the studio or transformers replaces by a number.
    """

    kind: Literal["switch", "whole", "number", "choice"]
    low: float = 0
    high: float = float("inf")
    choices: tuple[Any, ...] = ()
    auto: bool = False

    def holds(self, value: Any) -> bool:
        """Whether a value of a JSON file may stand here."""
        if self.auto and value == "auto":
            return True
        if self.kind == "choice":
            return type(value) in {type(c) for c in self.choices} and value in self.choices
        if self.kind == "switch" or isinstance(value, bool):
            return self.kind == "switch" and isinstance(value, bool)
        if not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        return self.kind == "number" or value == int(value)  # people write 5e8

    @property
    def expects(self) -> Text:
        """What to write, as an order."""
        if self.kind == "switch":
            return (
                text("Write true, false or “auto”.") if self.auto else text("Write true or false.")
            )
        if self.kind == "choice":
            return text("Write one of: {choices}.", choices=", ".join(map(str, self.choices)))
        what = {"low": f"{self.low:g}"}
        if self.auto:
            return text("Write “auto”, or a number from {low} on.", **what)
        return text("Write a number from {low} on.", **what)


_SWITCH: Final = Rule("switch")
_COUNT: Final = Rule("whole")
_AUTO_COUNT: Final = Rule("whole", auto=True)
_AT_LEAST_ONE: Final = Rule("whole", low=1, auto=True)
_NUMBER: Final = Rule("number")
_AUTO_NUMBER: Final = Rule("number", auto=True)
_AUTO_SWITCH: Final = Rule("switch", auto=True)

_OFFLOAD: Final = {
    "device": Rule("choice", choices=("none", "cpu")),
    "pin_memory": _SWITCH,
    "buffer_count": _COUNT,
}
_ZERO: Final = {
    "stage": Rule("choice", choices=(0, 1, 2, 3)),
    "contiguous_gradients": _SWITCH,
    "reduce_scatter": _SWITCH,
    "reduce_bucket_size": _AT_LEAST_ONE,
    "use_multi_rank_bucket_allreduce": _SWITCH,
    "allgather_partitions": _SWITCH,
    "allgather_bucket_size": _COUNT,
    "overlap_comm": _SWITCH,
    "load_from_fp32_weights": _SWITCH,
    "sub_group_size": _COUNT,
    "stage3_prefetch_bucket_size": _AUTO_COUNT,
    "stage3_param_persistence_threshold": _AUTO_COUNT,
    "stage3_model_persistence_threshold": _COUNT,
    "stage3_max_live_parameters": _COUNT,
    "stage3_max_reuse_distance": _COUNT,
    "stage3_gather_16bit_weights_on_model_save": _SWITCH,
    "stage3_module_granularity_threshold": _COUNT,
    "stage3_use_all_reduce_for_fetch_params": _SWITCH,
    "stage3_allgather_sequential": _SWITCH,
    "ignore_unused_parameters": _SWITCH,
    "round_robin_gradients": _SWITCH,
    "parameter_alignment": _SWITCH,
    "zero_hpz_partition_size": Rule("whole", low=1),
    "memory_efficient_linear": _SWITCH,
    "override_module_apply": _SWITCH,
    "log_trace_cache_warnings": _SWITCH,
    "enable_sanity_checks": _SWITCH,
    "compute_grad_norm": _SWITCH,
}
_FP16: Final = {
    "enabled": _AUTO_SWITCH,
    "loss_scale": _NUMBER,
    "initial_scale_power": _COUNT,
    "loss_scale_window": Rule("whole", low=1),
    "hysteresis": _COUNT,
    "consecutive_hysteresis": _SWITCH,
    "min_loss_scale": Rule("whole", low=1),
}
_TOP: Final = {
    "train_batch_size": _AT_LEAST_ONE,
    "train_micro_batch_size_per_gpu": _AT_LEAST_ONE,
    "gradient_accumulation_steps": _AT_LEAST_ONE,
    "gradient_clipping": _AUTO_NUMBER,
    "zero_allow_untested_optimizer": _SWITCH,
    "zero_force_ds_cpu_optimizer": _SWITCH,
    "communication_data_type": Rule("choice", choices=("fp32", "fp16", "bf16")),
    "prescale_gradients": _SWITCH,
    "gradient_predivide_factor": Rule("number", low=1),
    "disable_allgather": _SWITCH,
    "disable_python_gc": _SWITCH,
    "steps_per_print": Rule("whole", low=1),
    "wall_clock_breakdown": _SWITCH,
    "memory_breakdown": _SWITCH,
    "dump_state": _SWITCH,
}
_OPTIMIZER: Final = {
    "type": Rule("choice", choices=("AdamW", "Adam")),
    "params.lr": _AUTO_NUMBER,
    "params.eps": _AUTO_NUMBER,
    "params.weight_decay": _AUTO_NUMBER,
    "params.betas": Rule("choice", choices=("auto",)),
    "params.torch_adam": _SWITCH,
    "params.adam_w_mode": Rule("choice", choices=(True,)),
}
_SCHEDULER: Final = {
    "type": Rule("choice", choices=("WarmupLR", "WarmupDecayLR", "WarmupCosineLR")),
    **{
        f"params.{key}": Rule("choice", choices=("auto",))
        for key in ("warmup_min_lr", "warmup_max_lr", "warmup_num_steps", "total_num_steps")
    },
}


def _under(section: str, rules: dict[str, Rule]) -> dict[str, Rule]:
    return {f"{section}.{key}": rule for key, rule in rules.items()}


RULES: Final[dict[str, Rule]] = {
    **_TOP,
    **_under("zero_optimization", _ZERO),
    **_under("zero_optimization.offload_optimizer", {**_OFFLOAD, "ratio": Rule("number", high=1)}),
    **_under("zero_optimization.offload_param", {**_OFFLOAD, "max_in_cpu": _COUNT}),
    **_under("fp16", _FP16),
    **_under(
        "bf16",
        {"enabled": _AUTO_SWITCH, "immediate_grad_update": _SWITCH, "check_grad_overflow": _SWITCH},
    ),
    **_under("optimizer", _OPTIMIZER),
    **_under("scheduler", _SCHEDULER),
}
"""Every key that may stand in a file, by its path with dots, and what it takes."""

SECTIONS: Final = frozenset(
    path[:i] for path in RULES for i, letter in enumerate(path) if letter == "."
)
"""The paths that hold further keys."""

_ELSEWHERE: Final = text("The studio writes down every step itself, and only in the run.")
_CHANGES: Final = text("It would change what is trained; here every stage trains the same.")
_GONE: Final = text("DeepSpeed has removed it; it would be ignored, or refused at the start.")
_UNUSED: Final = text("The studio trains adapters, or has its own way for this; it has no use.")

_Z: Final = "zero_optimization."
REFUSED: Final[dict[str, Text]] = {
    **dict.fromkeys(
        (
            *("nebula", "compression_training", "amp", "quantize_training", "sparse_gradients"),
            *("eigenvalue", "sparse_attention", "elasticity", "graph_harvesting"),
            *("curriculum_learning", "progressive_layer_drop", f"{_Z}mics_shard_size"),
            *(f"{_Z}mics_hierarchical_params_gather", f"{_Z}zeropp_loco_param"),
            *(f"{_Z}elastic_checkpoint", f"{_Z}legacy_stage1"),
        ),
        _GONE,
    ),
    **dict.fromkeys(
        (
            *("tensorboard", "wandb", "csv_monitor", "comet", "comms_logger", "flops_profiler"),
            *("autotuning", "timers", "log_level"),
        ),
        _ELSEWHERE,
    ),
    **dict.fromkeys(
        (
            *("gradient_allreduce_op", "managed_gradient_accumulation", "weight_quantization"),
            *("torch_autocast", "data_types", "data_efficiency", "dataloader_drop_last"),
            *(f"{_Z}zero_quantized_weights", f"{_Z}zero_quantized_gradients", f"{_Z}zenflow"),
            *(f"{_Z}zero_quantized_nontrainable_weights", "fp16.fp16_master_weights_and_grads"),
            *("fp16.auto_cast", "bf16.bf16_master_weights_and_grads", "bf16.bf16_optimizer_states"),
        ),
        _CHANGES,
    ),
    **dict.fromkeys(
        (
            *("aio", "checkpoint", "compile", "hybrid_engine", "pipeline", "tensor_parallel"),
            *("expert_parallel", "sequence_parallel_size", "vocabulary_size", "datastates_ckpt"),
            *("use_data_before_expert_parallelism", "seq_parallel_communication_data_type"),
            *(f"{_Z}leaf_module", f"{_Z}pipeline_loading_checkpoint"),
            f"{_Z}save_muon_momentum_buffer_in_memory",
            *(
                f"{_Z}offload_optimizer.{key}"
                for key in ("pipeline_read", "pipeline_write", "fast_init", "super_offload")
            ),
            *(f"{_Z}offload_optimizer.cpuadam_cores_perc", "optimizer.legacy_fusion"),
            f"{_Z}offload_param.buffer_size",
        ),
        _UNUSED,
    ),
    **dict.fromkeys(
        (f"{_Z}offload_optimizer.nvme_path", f"{_Z}offload_param.nvme_path"),
        text("Offload to a disk is not offered here; main memory is: “device”: “cpu”."),
    ),
    "activation_checkpointing": text(
        "Recomputing activations is apart from ZeRO: set runtime.activation_checkpointing."
    ),
    "bfloat16": text("Its name is “bf16” now."),
    f"{_Z}cpu_offload": text("Its name is now “offload_optimizer”, with “device”: “cpu” in it."),
    f"{_Z}cpu_offload_param": text("Its name is now “offload_param”, with “device”: “cpu” in it."),
    f"{_Z}cpu_offload_use_pin_memory": text("Its name is “pin_memory” now, under an offload."),
    f"{_Z}stage3_gather_fp16_weights_on_model_save": text(
        "Its name is “stage3_gather_16bit_weights_on_model_save” now."
    ),
}
"""Keys that DeepSpeed knows or once knew and that are refused here, with what to know."""
