"""Models of known shapes with random weights, and rows as long as real ones, for the benchmarks.

`alpaca_lengths.json` holds tokens and learned tokens of each row of alpaca_en_demo and
alpaca_zh_demo (LLaMA-Factory's, 1,000 records each) under SmolLM2's tokenizer, cut at 1,024; speed
depends on lengths, not on which tokens they are, so the tokens are random.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from bitsandbytes.nn import Linear4bit, Params4bit
from llamas import settings
from transformers import LlamaConfig, LlamaForCausalLM, TrainerCallback

from core.config.schema import Config
from core.dataset import Message, Row
from core.engine import lora
from core.engine.base import DTYPES, linears, round_trip
from core.engine.trainer import PersonaTrainer
from core.models import Shape
from core.tokens import Encoded
from core.work import Work

LENGTHS: Final = Path(__file__).with_name("alpaca_lengths.json")


class Clock(TrainerCallback):
    """Seconds of each step as the trainer tells them, without waiting for the GPU itself."""

    def __init__(self) -> None:
        self.trainer: PersonaTrainer | None = None
        self.seconds: list[float] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """A step has been told."""
        if self.trainer is not None and "grad_norm" in (logs or {}):
            self.seconds.append(self.trainer.told["seconds"])


def llama(shape: Shape) -> LlamaConfig:
    """A shape as transformers' Llama."""
    return LlamaConfig(**settings(shape), attn_implementation="sdpa")


def model(shape: Shape, config: Config, *, device: str, dtype: str, cache: bool) -> torch.nn.Module:
    """A base with an adapter as a training has them: `cache` keeps NF4's values unpacked."""
    torch.manual_seed(0)
    with torch.device(device):
        base = LlamaForCausalLM._from_config(llama(shape), dtype=DTYPES[dtype])
    base.requires_grad_(False)
    if config.model.quantization == "nf4" and cache:
        round_trip(base)
    elif config.model.quantization == "nf4":
        _pack(base, device, dtype)
    return lora.attach(base, config).to(device)


def _pack(base: torch.nn.Module, device: str, dtype: str) -> None:
    for name, linear in linears(base).items():
        packed = Linear4bit(
            linear.in_features,
            linear.out_features,
            bias=False,
            compute_dtype=DTYPES[dtype],
            quant_type="nf4",
            device="meta",
        )
        data = linear.weight.data
        linear.weight = None
        packed.weight = Params4bit(
            data, requires_grad=False, quant_type="nf4", compress_statistics=True
        ).to(device)
        parent, _, leaf = name.rpartition(".")
        setattr(base.get_submodule(parent), leaf, packed)
    base.is_loaded_in_4bit = True


def alpaca(vocabulary: int, *, longest: int = 1024, count: int | None = None) -> Work:
    """Rows as long as alpaca's, cut at `longest`, each once."""
    rows = json.loads(LENGTHS.read_text("utf-8"))[:count]
    return made([(min(n, longest), max(1, m - max(0, n - longest))) for n, m in rows], vocabulary)


def made(rows: Sequence[tuple[int, int]], vocabulary: int, copies: int = 1) -> Work:
    """Rows of random tokens: (tokens, learned tokens at the end) each."""
    draw = random.Random(0)
    texts = [Row((Message("user", str(i)), Message("assistant", "a"))) for i in range(len(rows))]
    encoded = [
        Encoded(tuple(draw.choices(range(vocabulary), k=n)), (False,) * (n - m) + (True,) * m)
        for n, m in rows
    ]
    return Work(tuple(texts), (copies,) * len(rows), tuple(encoded), 0)


def product_rate(device: str = "cuda") -> float:
    """Floating-point operations a second of one large bfloat16 matrix product: the limit."""
    a, b = (torch.randn(8192, 8192, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * 8192**3 / seconds(lambda: a @ b)


def seconds(work: Callable[[], object], times: int = 20) -> float:
    """Of one call on the GPU."""
    for _ in range(3):
        work()
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    for _ in range(times):
        work()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / 1e3 / times


def flops_a_token(shape: Shape, rank: int, learned: float, seen: float) -> float:
    """Least arithmetic of a trained token without recomputing: frozen weights forward and backward
    to the inputs, adapter, attention, and the vocabulary for the learned part."""
    frozen = 4 * shape.linear_parameters
    adapter = 6 * shape.lora_parameters(rank)
    attention = 6 * shape.layers * shape.heads * shape.head_dim * seen
    return frozen + adapter + attention + 4 * learned * shape.vocabulary * shape.hidden
