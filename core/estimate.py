"""Expected memory, time and disk of a training: simple models of what was measured.

Constants come from runs on a 2-core AVX512 processor and on an H100 (docs/performance.md); they
are given as ranges, and every run writes its measured figures beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.config.schema import Config
from core.errors import Text, UserError, text
from core.hardware import Hardware
from core.models import Shape
from core.split import Split
from core.work import Work

_PROCESS_GIB: Final = {"cpu": 0.75, "cuda": 1.2}  # interpreter, torch, and the CUDA context
SHARE: Final = 0.85  # of the free memory that a plan may fill
_LOAD_SECONDS: Final = 10.0
_CPU_CORE_FLOPS: Final = {"bfloat16": 48e9, "float32": 34e9, "float16": 20e9}
_CPU_PASS_SECONDS_A_LAYER: Final = 0.006
_GPU_FLOPS: Final = {(9, 0): 350e12, (8, 0): 130e12, (8, 6): 50e12, (8, 9): 90e12, (7, 5): 20e12}
_GPU_PASS_SECONDS_A_LAYER: Final = 0.0015
_SAMPLE_TOKENS_A_SECOND: Final = {"cpu": 25.0, "cuda": 40.0}
_NF4_BYTES: Final = 0.516  # a weight with double quantisation
_SHORT_ROW: Final = 256
_MOST_TOKENS: Final = {"cpu": 1024, "cuda": 32_768}


@dataclass(frozen=True)
class Fit:
    """The memory decisions of a plan with their reasons; `memory_gib` is (low, high)."""

    micro_batch_tokens: int
    why_tokens: Text
    weight_cache: bool
    why_cache: Text
    checkpointing: bool
    why_checkpointing: Text
    memory_gib: tuple[float, float]


def weights_gib(config: Config, shape: Shape, dtype: str, *, cache: bool) -> float:
    """Frozen weights in the device's memory."""
    size = 4 if dtype == "float32" else 2
    packed = config.model.quantization == "nf4"
    linear = _NF4_BYTES if packed and not cache else size
    return (shape.linear_parameters * linear + shape.embedding_parameters * size) / 2**30


def trained_gib(config: Config, shape: Shape) -> float:
    """Adapter in 32 bits with its gradient and AdamW's two averages, on one process."""
    return Split().trained_gib(
        shape.lora_parameters(config.model.lora_r, config.model.lora_targets), "float32"
    )


def token_bytes(config: Config, shape: Shape, dtype: str, learned: float, *, kept: bool) -> float:
    """Memory that one token of a pack needs until its backward pass.

    Args:
        learned: part of the tokens that reach the vocabulary projection.
        kept: all layers' activations are stored; else only each layer's input (checkpointing).
    """
    size = 4 if dtype == "float32" else 2
    qkv = (shape.heads + 2 * shape.kv_heads) * shape.head_dim
    layer = 8 * shape.hidden + 3 * qkv + 5 * shape.intermediate + 14 * config.model.lora_r
    adapted = shape.adapted_layers(config.model.lora_targets)
    stored = adapted * (layer if kept else shape.hidden) + (0 if kept else layer)
    return size * stored + learned * shape.vocabulary * (size + 8)


def least_gib(config: Config, shape: Shape, device: str, dtype: str) -> float:
    """Memory of the thriftiest training of a config: short rows, half of their tokens learned."""
    token = token_bytes(config, shape, dtype, 0.5, kept=False)
    weights = weights_gib(config, shape, dtype, cache=False)
    rows = min(_SHORT_ROW, config.settings.max_length) * token / 2**30
    return _PROCESS_GIB[device] + weights + trained_gib(config, shape) + rows


def fit(
    config: Config,
    work: Work,
    shape: Shape,
    hardware: Hardware,
    dtype: str,
    split: Split | None = None,
) -> Fit:
    """Choose tokens at once, weight cache and checkpointing for the memory that is free.

    Args:
        split: how the training state lies on several processes; one process unless told.

    Raises:
        UserError: not even the thriftiest choice fits.
    """
    device, split = hardware.device, split or Split()
    count = shape.lora_parameters(config.model.lora_r, config.model.lora_targets)
    free = hardware.device_free_gib * SHARE
    learned = sum(work.weights()) / max(1, sum(work.lengths))
    longest = max(work.lengths)
    ask = config.runtime
    best = None
    for cache in _choices(ask.weight_cache, first=True, only=config.model.quantization == "nf4"):
        for checkpointing in _choices(ask.activation_checkpointing, first=False):
            frozen = weights_gib(config, shape, dtype, cache=cache)
            fixed = (
                _PROCESS_GIB[device]
                + split.frozen_gib(frozen, dtype)
                + split.trained_gib(count, dtype)
            )
            token = token_bytes(config, shape, dtype, learned, kept=not checkpointing) / 2**30
            most = int((free - fixed) / token) if free > fixed else 0
            best = best or (fixed, token)
            if most >= longest:
                wanted = ask.micro_batch_tokens or min(
                    _MOST_TOKENS[device], max(config.tokens_per_step, longest)
                )
                tokens = max(longest, min(wanted, most))
                return _fit(config, cache, checkpointing, tokens, wanted, fixed + tokens * token)
            best = (fixed, token)
    fixed, token = best or (0.0, 0.0)
    raise UserError(
        "This needs about {needed:.1f} GiB of memory, and {free:.1f} GiB may be used here.",
        "Lower max_length (now {length}) or lora_r (now {r}), choose a smaller model, or close "
        "other programs.",
        needed=fixed + token * longest,
        free=free,
        length=config.settings.max_length,
        r=config.model.lora_r,
    )


def _choices(asked: str, *, first: bool, only: bool = True) -> tuple[bool, ...]:
    if not only:
        return (False,)
    return (first, not first) if asked == "auto" else (asked == "on",)


def _fit(
    config: Config, cache: bool, checkpointing: bool, tokens: int, wanted: int, memory: float
) -> Fit:
    nf4 = config.model.quantization == "nf4"
    return Fit(
        micro_batch_tokens=tokens,
        why_tokens=text("as many as the memory that is free allows")
        if tokens < wanted
        else text("asked for in the config")
        if config.runtime.micro_batch_tokens
        else text("more at once would not be faster here"),
        weight_cache=cache,
        why_cache=text("the 4-bit weights are unpacked once: the same numbers, less work a step")
        if cache
        else text("the 4-bit weights are unpacked at every use, to save memory")
        if nf4
        else text("the base is not packed"),
        checkpointing=checkpointing,
        why_checkpointing=text("activations are computed twice to fit the memory that is free")
        if checkpointing
        else text("the activations fit the memory that is free"),
        memory_gib=(0.85 * memory, 1.15 * memory),
    )


def seconds(
    config: Config, shape: Shape, hardware: Hardware, tokens: float, passes: float, fit: Fit
) -> tuple[float, float]:
    """Time from the start to the last checkpoint, as (low, high).

    Args:
        tokens: computed tokens of the whole run on one process.
        passes: forward-backward passes of the whole run on one process.
    """
    adapted = shape.adapted_layers(config.model.lora_targets) / shape.layers
    flops = (2 + 2 * adapted) * shape.linear_parameters + 2 * shape.vocabulary * shape.hidden
    flops += 6 * shape.lora_parameters(config.model.lora_r, config.model.lora_targets)
    if fit.checkpointing:
        flops *= 1.5
    if hardware.gpus:
        rate = _GPU_FLOPS.get(hardware.gpus[0].capability, 40e12)
        each = _GPU_PASS_SECONDS_A_LAYER
    else:
        dtype = "bfloat16" if hardware.cpu_bf16 else "float32"
        rate, each = _CPU_CORE_FLOPS[dtype] * hardware.cores, _CPU_PASS_SECONDS_A_LAYER
    training = tokens * flops / rate + passes * each * shape.layers
    questions = 2 * len(config.settings.evaluation_inputs) * config.runtime.sample_tokens
    sampling = questions / _SAMPLE_TOKENS_A_SECOND[hardware.device]
    return (
        0.8 * training + 0.3 * sampling + 0.5 * _LOAD_SECONDS,
        1.3 * training + sampling + _LOAD_SECONDS,
    )


def disk_gib(config: Config, shape: Shape) -> float:
    """Checkpoints that are kept at once, and the merged model in 16 bits."""
    kept = max(1, config.settings.save_total_limit) + 1
    adapters = kept * 12 * shape.lora_parameters(config.model.lora_r, config.model.lora_targets)
    merged = 2 * (shape.linear_parameters + shape.embedding_parameters)
    return (adapters + merged) / 2**30
