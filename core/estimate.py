"""Expected memory, time and disk of a training.

What a pass costs is `core.cost`'s. Figures are given as ranges, and every run writes what it
measures beside them (`benchmarks/plan_accuracy.py` compares).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.config.schema import Config
from core.cost import NF4_BYTES, Choice, Cost, Pack
from core.errors import Text
from core.models import Shape
from core.rates import Rates
from core.split import Split
from core.work import Work

SHARE: Final = 0.95  # of the free memory that a plan may fill
RANGE: Final = 0.05  # above and below what is expected
_LOAD_SECONDS: Final = {"cpu": 6.0, "cuda": 9.0}
_LOAD_BYTES: Final = 1.5e9  # a second, of the model's file
_RECORD_SECONDS: Final = 0.35  # a CUDA graph
_RECORDED: Final = 8  # shapes of packs that most runs have
_SAMPLE_TOKENS_A_SECOND: Final = {"cpu": 15.0, "cuda": 60.0}
_SHORT_ROW: Final = 256


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

    @property
    def choice(self) -> Choice:
        """How its packs are computed."""
        return Choice(self.weight_cache, self.recompute, self.graphs)


@dataclass(frozen=True)
class Task:
    """What one process computes in a run: steps, tokens in all, and tokens of its largest step."""

    steps: int
    tokens: float
    largest: float


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
    fast = shape.fast and config.own_decoder
    return Cost(
        shape=shape,
        rank=config.model.lora_r,
        size=4 if dtype == "float32" else 2,
        nf4=config.model.quantization == "nf4",
        device=device,
        fast=fast,
        apart=stage in (1, 2) or not fast,
        rates=rates or Rates(1e12, 1e11, 1e-3, 1e-3),
        targets=config.model.lora_targets,
    )


def weights_gib(config: Config, shape: Shape, dtype: str, *, cache: bool) -> float:
    """Frozen weights in the device's memory, without what lies beside them."""
    size = 4 if dtype == "float32" else 2
    packed = config.model.quantization == "nf4"
    linear = NF4_BYTES if packed and not cache else size
    return (shape.linear_parameters * linear + shape.embedding_parameters * size) / 2**30


def least_gib(config: Config, shape: Shape, device: str, dtype: str) -> float:
    """Memory of the thriftiest training of a config: short rows, half of their tokens learned."""
    cost = cost_of(config, shape, device, dtype)
    tokens = min(_SHORT_ROW, config.settings.max_length)
    fixed = cost.fixed_gib(
        cost.weights_gib(cache=False), Split().trained_gib(cost.trained, "float32")
    )
    return fixed + cost.pack_gib(Pack(tokens, tokens / 2, tokens / 2), "layers")


def seconds(
    config: Config,
    shape: Shape,
    device: str,
    dtype: str,
    task: Task,
    training: float,
    recorded: int,
) -> tuple[float, float]:
    """Time from the start to the last checkpoint, as (low, high).

    Args:
        training: `training_seconds` of the run.
        recorded: packs that are recorded as CUDA graphs, 0 without.
    """
    s = config.settings
    file = weights_gib(config, shape, dtype, cache=True) * 2**30
    begin = _LOAD_SECONDS[device] + file / _LOAD_BYTES
    begin += _RECORD_SECONDS * min(_RECORDED, recorded)
    rounds = 2 + (task.steps // s.evaluation_freq if s.evaluation_freq > 0 else 0)
    asked = config.runtime.sample_tokens if s.evaluation_inputs else 0
    whole = begin + rounds * asked / _SAMPLE_TOKENS_A_SECOND[device] + training
    return whole * (1 - 2 * RANGE), whole * (1 + 2 * RANGE)


def training_seconds(cost: Cost, work: Work, task: Task, passes: float, choice: Choice) -> float:
    """Time of all steps, without loading and sample answers; `passes`: packs of the whole run."""
    each = cost.pack_seconds(pack_of(work, task.tokens / passes), choice)
    return passes * each + task.steps * cost.step_seconds()


def pack_of(work: Work, tokens: float) -> Pack:
    """A pack of so many tokens of the dataset's kind."""
    whole = max(1, sum(work.lengths))
    return Pack(
        tokens=tokens,
        learned=tokens * sum(work.weights()) / whole,
        seen=sum(n * n for n in work.lengths) / whole,
    )


def disk_gib(config: Config, shape: Shape) -> float:
    """Checkpoints that are kept at once, and the merged model in 16 bits."""
    kept = max(1, config.settings.save_total_limit) + 1
    adapters = kept * 12 * shape.lora_parameters(config.model.lora_r, config.model.lora_targets)
    merged = 2 * (shape.linear_parameters + shape.embedding_parameters)
    return (adapters + merged) / 2**30
