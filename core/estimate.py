"""Expected memory, time and disk of a training.

What a pass costs is `core.cost`'s. Figures are given as ranges, and every run writes what it
measures beside them (`benchmarks/plan_accuracy.py` compares).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from core.config.schema import Config
from core.cost import NF4_BYTES, Choice, Cost, Pack
from core.errors import Text
from core.hardware import Hardware
from core.models import Shape
from core.rates import Rates
from core.split import Split
from core.work import Work

SHARE: Final = 0.95  # of the free memory that a plan may fill
RANGE: Final = 0.05  # above and below what is expected
_LOAD_SECONDS: Final = {"cpu": 8.0, "cuda": 9.0}
_LOAD_BYTES: Final = 1.5e9  # a second, of the model's file
_RECORD_SECONDS: Final = 0.12  # a CUDA graph, of packs or of an answer's next token
_RECORDED: Final = 8  # shapes of packs that most runs have
_QUANTISED_SECONDS: Final = {"cpu": 1.5e-8, "cuda": 2e-10}  # a weight's way to NF4 and back
_SAVE_BYTES: Final = 4e8  # a second, of a checkpoint
_ANSWERED_AT_ONCE: Final = {"cpu": 64, "cuda": 128}  # as in engine.generate
_ANCHORED_AT_ONCE: Final = 1024  # tokens, as in engine.replay
_SHORT_ROW: Final = 256
_GAPS_GIB: Final = 0.6  # at most, half of them after so many uneven steps
_GAP_STEPS: Final = 33
_MERGE_GIB: Final = 2.0  # CUDA's own, the adapter, and one matrix three times in 32 bits


@dataclass(frozen=True)
class Fit:
    """The memory decisions of a plan with their reasons; `memory_gib` is (low, high)."""

    micro_batch_tokens: int
    why_tokens: Text
    weight_cache: bool
    why_cache: Text
    recompute: str
    why_recompute: Text
    memory_gib: tuple[float, float]
    graphs: bool
    offload: str

    @property
    def choice(self) -> Choice:
        """How its packs are computed."""
        return Choice(self.weight_cache, self.recompute, self.graphs, self.offload)


@dataclass(frozen=True)
class Task:
    """What one process computes in a run: steps, tokens in all, tokens of its largest step, and
    how many steps are not of the commonest size."""

    steps: int
    tokens: float
    largest: float
    uneven: int = 0


def cost_of(
    config: Config,
    shape: Shape,
    device: str,
    dtype: str,
    rates: Rates | None = None,
    *,
    stage: int = 0,
) -> Cost:
    """Costs of a config's passes, on one process of a ZeRO stage."""
    return Cost(
        shape=shape,
        rank=config.model.lora_r,
        size=4 if dtype == "float32" else 2,
        nf4=config.model.quantization == "nf4",
        device=device,
        fast=shape.fast and config.own_decoder,
        split=stage == 3,
        rates=rates or Rates(1e12, 1e11, 1e-3, 1e-3, 1e-3),
        targets=config.model.lora_targets,
    )


def weights_gib(config: Config, shape: Shape, dtype: str, *, cache: bool) -> float:
    """Frozen weights in the device's memory, without what lies beside them."""
    size = 4 if dtype == "float32" else 2
    packed = config.model.quantization == "nf4"
    linear = NF4_BYTES if packed and not cache else size
    return (shape.linear_parameters * linear + shape.embedding_parameters * size) / 2**30


def grown_gib(cost: Cost, work: Work, uneven: int) -> float:
    """What a processor's training comes to hold besides: gaps that packs of many sizes leave, and
    the keys and values of answers that the base gives."""
    if cost.device != "cpu":
        return 0.0
    shape, rows = (
        cost.shape,
        min(max(map(len, work.asked.values()), default=0), _ANSWERED_AT_ONCE["cpu"]),
    )
    each = 2 * shape.kv_heads * shape.head_dim * shape.layers * cost.size
    kept = rows * work.mean.length * each
    return _GAPS_GIB * uneven / (uneven + _GAP_STEPS) + kept / 2**30


def merging_device(config: Config, shape: Shape, hardware: Hardware) -> str:
    """Where a merge is computed: on the GPU, where that has room for the model in 16 bits, and for
    another if the adapter goes into the original weights, and for what comes by."""
    rounded = config.model.quantization == "nf4"
    models = 2 if rounded and config.runtime.merge_base == "original" else 1
    needed = models * weights_gib(config, shape, "bfloat16", cache=True) + _MERGE_GIB
    room = hardware.gpus[0].free_gib if hardware.gpus else 0.0
    return "cuda" if needed < SHARE * room else "cpu"


def least_gib(config: Config, shape: Shape, device: str, dtype: str) -> float:
    """Memory of the thriftiest training of a config: short rows, half of their tokens learned."""
    cost = cost_of(config, shape, device, dtype)
    tokens, recorded = min(_SHORT_ROW, config.settings.max_length), device == "cuda"
    trained = Split().trained_gib(cost.trained, "float32")
    fixed = cost.fixed_gib(cost.weights_gib(cache=False), trained, recorded=recorded)
    pack = Pack(tokens, tokens / 2, tokens / 2)
    return fixed + cost.pack_gib(pack, "layers", recorded=recorded)


def seconds(
    config: Config,
    work: Work,
    cost: Cost,
    task: Task,
    training: float,
    recorded: int,
    asked: Mapping[int, int],
) -> tuple[float, float]:
    """Time from the start to the last checkpoint, as (low, high).

    Args:
        training: `training_seconds` of the run.
        recorded: packs that are recorded as CUDA graphs, 0 without.
        asked: prompts that the base has not answered yet, by the most tokens of its answer.
    """
    s, device = config.settings, cost.device
    begin = _LOAD_SECONDS[device] + cost.weights_gib(cache=True) * 2**30 / _LOAD_BYTES
    begin += _RECORD_SECONDS * min(_RECORDED, recorded)
    if cost.nf4:
        begin += cost.shape.linear_parameters * _QUANTISED_SECONDS[device]
    rounds = 1 + _times(task.steps, s.evaluation_freq)
    inputs = len(s.evaluation_inputs)
    answering = rounds * _answered(cost, work, inputs, config.runtime.sample_tokens)
    answering += sum(_answered(cost, work, count, most) for most, count in asked.items())
    answering += _held(cost, work) if config.dataset.kl_weight else 0.0
    saving = _times(task.steps, s.save_steps) * cost.trained * 16 / _SAVE_BYTES
    whole = begin + answering + saving + training
    return whole * (1 - 2 * RANGE), whole * (1 + 2 * RANGE)


def _times(steps: int, every: int) -> int:
    """How often something happens that happens at every so many steps, and at the end."""
    return math.ceil(steps / every) if every > 0 else 1


def _answered(cost: Cost, work: Work, prompts: int, tokens: int) -> float:
    """Seconds in which the model answers, each time with so many tokens."""
    most = _ANSWERED_AT_ONCE[cost.device]
    at_once = min(prompts, most)
    if not prompts:
        return 0.0
    read = at_once * work.mean.length * (1 - work.mean.learned)
    each = _forward(cost, work, read) + tokens * cost.answer_seconds(at_once)
    each += _RECORD_SECONDS if cost.device == "cuda" else 0.0
    return math.ceil(prompts / most) * each


def _held(cost: Cost, work: Work) -> float:
    """Seconds before the first step in which the base's last states of replay are computed."""
    held = sum(len(e.ids) for e, row in zip(work.encoded, work.rows, strict=True) if row.held)
    packs = math.ceil(held / _ANCHORED_AT_ONCE)
    return packs * _forward(cost, work, held / packs) if packs else 0.0


def _forward(cost: Cost, work: Work, tokens: float) -> float:
    pack = replace(pack_of(work, tokens, cost.grouped), learned=0)
    return cost.pack_seconds(pack, Choice(cache=True, recompute="nothing")) / 3


def training_seconds(cost: Cost, work: Work, task: Task, passes: float, choice: Choice) -> float:
    """Time of all steps, without loading and sample answers; `passes`: packs of the whole run."""
    each = cost.pack_seconds(pack_of(work, task.tokens / passes, cost.grouped), choice)
    step = passes / task.steps * each + cost.step_seconds(choice.offload)
    return task.steps * max(step, cost.host_seconds(task.tokens / task.steps))


def pack_of(work: Work, tokens: float, grouped: bool) -> Pack:
    """A pack of so many tokens of the dataset's kind, as they are computed: `grouped`, the opening
    that all rows share only once."""
    mean = work.mean
    rows = tokens / mean.length
    shared = mean.opening * max(0.0, rows - 1) if grouped else 0.0
    return Pack(tokens=tokens - shared, learned=tokens * mean.learned, seen=mean.seen)


def disk_gib(config: Config, shape: Shape) -> float:
    """Checkpoints that are kept at once, and the merged model in 16 bits."""
    kept = max(1, config.settings.save_total_limit) + 1
    adapters = kept * 12 * shape.lora_parameters(config.model.lora_r, config.model.lora_targets)
    merged = 2 * (shape.linear_parameters + shape.embedding_parameters)
    return (adapters + merged) / 2**30
