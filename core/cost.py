"""What a pass over a pack costs: bytes that are kept for its backward pass, and seconds.

Counted from what the engine's decoder really keeps, multiplies and passes over, so that it holds
for any shape (`core.engine.fused`); the constants were fitted on an H100 and on two processor
cores (docs/performance.md, `benchmarks/plan_accuracy.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.models import Shape
from core.rates import Rates

NF4_BYTES: Final = 0.516  # a weight with double quantisation
RECOMPUTE: Final = ("nothing", "mlp", "layers")
"""What backward passes compute anew, less memory each; see `engine.decoder.Recompute`."""
OFFLOAD: Final = ("nothing", "table", "all")
"""What a GPU leaves in main memory: the token table; and AdamW's averages, too."""

CONTEXT_GIB: Final = 0.82  # that CUDA takes of a GPU beside what torch holds
_PROCESS_GIB: Final = {"cpu": 0.62, "cuda": CONTEXT_GIB}  # interpreter and libraries
_WORKSPACE_GIB: Final = {"cpu": 0.0, "cuda": 0.13}  # of cuBLAS
_ALLOCATOR: Final = {"cpu": 1.0, "cuda": 1.01}  # what torch holds of what is used
_RECORDED: Final = 1.08  # the same with recorded packs, whose memory is apart
_LOGITS_AT_ONCE: Final = {"cpu": 128, "cuda": 4096}  # rows, as in engine.head
_PRODUCTS: Final = {"cpu": 1.0, "cuda": 0.87}  # of that rate, by a layer's products
_PASSES: Final = {"cpu": 5.0, "cuda": 1.2}  # of memory, by plain operations and by fused kernels
_FEW: Final = {"cpu": 30, "cuda": 0}  # tokens in which a product takes its first half of the rate
_NARROW: Final = {"cpu": 60, "cuda": 0}  # rank at which the adapter's products reach half of it
_ANSWERED: Final = 0.3  # of the rate of large products, by those of a few rows at once
_READS: Final = {"cpu": 3.5, "cuda": 1.0}  # of the weights, by a product of few rows
_UNPACKED_BYTES: Final = 8.0  # of a copy's time that unpacking a 4-bit weight takes
_STEP_SECONDS: Final = {"cpu": 0.004, "cuda": 0.002}  # of an optimizer step besides its numbers
_HOST_SECONDS: Final = 0.012  # that Python takes for a step while a GPU computes
_HOST_TOKEN_SECONDS: Final = 7e-7  # and for each of its tokens, to make packs of them
_TRANSFORMERS_BYTES: Final = 2.2  # times what our decoder keeps, and its time
_TRANSFORMERS_SECONDS: Final = 1.7


@dataclass(frozen=True)
class Pack:
    """A typical pack: its tokens, those of them that are learned, tokens of the row of a token."""

    tokens: float
    learned: float
    seen: float


@dataclass(frozen=True)
class Choice:
    """How a pass is computed: weights kept unpacked, what is computed anew, started at once; what
    lies in main memory."""

    cache: bool
    recompute: str
    graphs: bool = False
    offload: str = "nothing"


@dataclass(frozen=True)
class Cost:
    """Costs on one process.

    size: bytes of a number. fast: by the engine's own decoder, which adds a pack's gradients to
    those of the step at once; transformers' layers make them beside those first. targets: the
    config's `lora_targets`; below the first adapted layer nothing is kept, and no backward pass
    comes. split: DeepSpeed splits the weights (stage 3), which are laid in one buffer for each
    product, and takes the gradients.
    """

    shape: Shape
    rank: int
    size: int
    nf4: bool
    device: str
    fast: bool
    rates: Rates
    targets: str = "all-linear"
    split: bool = False

    @property
    def trained(self) -> int:
        """Numbers of the adapter."""
        return self.shape.lora_parameters(self.rank, self.targets)

    @property
    def adapted(self) -> int:
        """Layers with an adapter."""
        return self.shape.adapted_layers(self.targets)

    @property
    def grouped(self) -> bool:
        """Whether what all rows of a pack begin with is computed once."""
        return self.device == "cpu" and self.fast

    def offloaded_gib(self, offload: str) -> float:
        """What lies in main memory: a token table of its own, AdamW's averages."""
        table = 0 if self.shape.tied else self.size * self.shape.vocabulary * self.shape.hidden
        return {"nothing": 0, "table": table, "all": table + 8 * self.trained}[offload] / 2**30

    def weights_gib(self, cache: bool, *, offload: str = "nothing") -> float:
        """Frozen weights, with the room for the adapter in them or the buffer they unpack into."""
        shape, s = self.shape, self.size
        linear = shape.linear_parameters * (NF4_BYTES if self.nf4 and not cache else s)
        tables = 1 if offload != "nothing" or shape.tied else 2
        whole = linear + tables * shape.vocabulary * shape.hidden * s
        if self.device == "cuda" and self.fast:
            if self.split or (self.nf4 and not cache):
                whole += s * max(outs * (ins + ranks) for ins, outs, ranks in self._products())
            else:
                whole += (
                    s
                    * shape.layers
                    * sum(max(ins, outs) * ranks for ins, outs, ranks in self._products())
                )
        return whole / 2**30

    def fixed_gib(self, weights: float, trained: float, *, recorded: bool = False) -> float:
        """What is held whatever the pack; weights and trained numbers with their states in GiB."""
        used = weights + trained + _WORKSPACE_GIB[self.device]
        return _PROCESS_GIB[self.device] + self._held(recorded) * used

    def _held(self, recorded: bool) -> float:
        return _RECORDED if recorded else _ALLOCATOR[self.device]

    def pack_gib(self, pack: Pack, recompute: str, *, recorded: bool = False) -> float:
        """The most that one pack adds, forward and backward."""
        h, inner = self.shape.hidden, self.shape.intermediate
        whole = self._layer_numbers(pack, "nothing")
        kept = self._layer_numbers(pack, recompute)
        size, layers, r = self.size, self.adapted, self.rank
        if not self.fast:
            kept *= 1.0 if recompute == "layers" else _TRANSFORMERS_BYTES
            whole *= _TRANSFORMERS_BYTES
        casts = self.trained * self.size / (layers if recompute == "layers" else 1)
        chunk = min(pack.learned, _LOGITS_AT_ONCE[self.device]) * self.shape.vocabulary
        rows = pack.learned if self.fast or self.device == "cuda" else pack.tokens
        chunk *= size if self.device == "cuda" else 2 * size + 8
        ends = size * (2 * h * pack.tokens + 2 * h * rows)
        head = size * layers * kept * pack.tokens + ends + chunk
        moving = 4 * h + 6 * r + (inner if self.device == "cuda" else 4 * inner)
        if recompute == "mlp":
            moving += 2 * inner
        top = layers * kept + moving + (whole if recompute == "layers" else 0)
        first = size * top * pack.tokens + ends
        last = size * (whole + moving) * pack.tokens + (
            0 if self.fast and not self.split else 4 * self.trained
        )
        saved = 12 * self.trained if self.device == "cpu" else 0  # a checkpoint's numbers
        return self._held(recorded) * (casts + max(head, first, last, saved)) / 2**30

    def pack_seconds(self, pack: Pack, choice: Choice) -> float:
        """One pass, forward and backward."""
        shape, rates = self.shape, self.rates
        frozen = 2 * shape.layer_parameters
        adapters = 6.0 * self.trained / self.adapted
        if self.device == "cuda":  # zeros beside the blocks of B are multiplied, too
            adapters = sum(6 * ranks * (ins + outs) for ins, outs, ranks in self._products())
        inner = 2 * shape.hidden * 2 * shape.intermediate
        attention = 12 * shape.heads * shape.head_dim * pack.seen / 2
        back = self.adapted / shape.layers  # of the layers, that the backward pass visits
        both = (1 + 2 * back) / 3  # of forward and backward pass, whose second part is double
        flops = (1 + back) * frozen + back * adapters * (1 + _NARROW[self.device] / self.rank)
        moved = both * self._moved()
        if choice.recompute == "mlp":
            flops += back * inner
            moved += back * 4 * shape.hidden
        elif choice.recompute == "layers":
            flops += back * (frozen + adapters / 3)
            moved *= 1.4
        rate = rates.flops * pack.tokens / (pack.tokens + _FEW[self.device])
        head = 4 * shape.vocabulary * shape.hidden * pack.learned
        work = (shape.layers * flops * pack.tokens + head) / (_PRODUCTS[self.device] * rate)
        work += both * shape.layers * attention * pack.tokens / self._attended(pack)
        touched = shape.layers * moved * pack.tokens * self.size
        touched += (4 if self.device == "cuda" else 8) * shape.vocabulary * pack.learned * 2
        touched += 4 * self.trained  # the adapter in the number type, and its gradients added
        work += _PASSES[self.device] * touched / rates.bytes
        if self.nf4 and not choice.cache:
            again = 1 + back * {"nothing": 1.0, "mlp": 1.5, "layers": 2.0}[choice.recompute]
            work += again * shape.linear_parameters * _UNPACKED_BYTES / rates.bytes
        if choice.offload != "nothing" and not shape.tied:
            work += self.size * shape.hidden * pack.tokens / rates.link
        if not self.fast:
            work *= _TRANSFORMERS_SECONDS
        again = {"nothing": 1.0, "mlp": 1.1, "layers": 1.5}[choice.recompute]
        again *= 1.35 if self.nf4 and not choice.cache else 1.0
        started = both * shape.layers
        if choice.graphs or self.device == "cpu":
            return work + rates.layer_seconds * started
        # The GPU computes while the processor starts what comes next: the slower of both counts.
        return max(work, again * rates.launch_seconds * started)

    def host_seconds(self, tokens: float) -> float:
        """What the processor takes for a step of so many tokens, a GPU computing the while: the
        slower of both counts."""
        return 0.0 if self.device == "cpu" else _HOST_SECONDS + tokens * _HOST_TOKEN_SECONDS

    def answer_seconds(self, rows: float) -> float:
        """The next token of so many answers at once."""
        shape, rates = self.shape, self.rates
        weights = shape.linear_parameters + shape.vocabulary * shape.hidden
        work = 2 * weights * rows / (_ANSWERED * rates.flops)
        reads = _READS[self.device] if rows > 1 else 1.0
        return work + reads * weights * self.size / rates.bytes + rates.token_seconds * shape.layers

    def _attended(self, pack: Pack) -> float:
        """Operations a second in attention; on a processor the more, the longer the rows."""
        part = 0.29 if self.device == "cuda" else min(0.2, 0.04 + pack.seen / 5000)
        return part * self.rates.flops

    def step_seconds(self, offload: str = "nothing") -> float:
        """The optimizer's part of a step: norm, AdamW, clearing; averages fetched and put back."""
        fetched = self.trained * 16 / self.rates.link if offload == "all" else 0.0
        return _STEP_SECONDS[self.device] + self.trained * 52 / self.rates.bytes + fetched

    def _products(self) -> tuple[tuple[int, int, int], ...]:
        """Inputs, outputs and adapter ranks of a layer's products, as `engine.projection` joins."""
        shape, r = self.shape, self.rank
        q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        return (
            (shape.hidden, q + 2 * kv, 3 * r),
            (q, shape.hidden, r),
            (shape.hidden, 2 * shape.intermediate, 2 * r),
            (shape.intermediate, shape.hidden, r),
        )

    def _layer_numbers(self, pack: Pack, recompute: str) -> float:
        """Numbers that a layer keeps of a token."""
        shape, r = self.shape, self.rank
        h, q, kv = shape.hidden, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        if recompute == "layers":
            return h
        logs = shape.heads * 4 / self.size
        attention = (q + 2 * kv) + (q + r) + logs
        if self.device == "cpu":
            scores = shape.heads * min(pack.seen, 192)
            attention = (q + 2 * kv + scores) * 4 / self.size + q
        wide = 2 * shape.intermediate if recompute == "nothing" else 0
        return 2 * h + attention + 8 * r + 8 / self.size + wide

    def _moved(self) -> float:
        """Numbers that a layer's smaller operations read and write for a token, both ways."""
        shape = self.shape
        h, q, kv = shape.hidden, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        inner = shape.intermediate
        norms, gate, rotate = 16 * h, 9 * inner, 4 * (q + kv)
        attention = 4 * (q + 2 * kv) + 4 * q
        skinny = 4 * (2 * h + q) + inner + (q + 2 * kv + 2 * inner + 2 * h)
        return norms + gate + rotate + attention + skinny
