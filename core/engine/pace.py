"""How fast this machine computes, measured in a few seconds for the plans of later trainings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from core.config.schema import Config
from core.engine import batch, lora
from core.engine.base import DTYPES
from core.engine.generate import answers
from core.engine.gradients import Gradients
from core.engine.graphs import Recorder
from core.engine.loss import Objective
from core.rates import Rates
from core.schedule import Member
from core.tokens import Encoded

_LAYERS: Final = 4
_TIMES: Final = 12
_TOKENS: Final = 16  # of an answer
_PRODUCT: Final = {"cpu": (256, 1024, 2048), "cuda": (8192, 8192, 8192)}
_COPIED: Final = {"cpu": 2**25, "cuda": 2**28}  # numbers
_LINKED: Final = 2**22  # numbers, as many bytes as the averages that visit a GPU at once


def measure(device: str, dtype: str) -> Rates:
    """Rates of the device, with nothing else on it; needs about 1 GiB of a GPU, or 0.3 GiB."""
    number = DTYPES[dtype]
    m, n, k = _PRODUCT[device]
    a, b = (torch.randn(*size, device=device).to(number) for size in ((m, k), (k, n)))
    product = _best(lambda: a @ b, device)
    numbers = torch.zeros(_COPIED[device], dtype=number, device=device)
    target = torch.empty_like(numbers)
    copied = _best(lambda: target.copy_(numbers), device)
    launch, layer, token = _layer(device, number)
    return Rates(
        flops=2 * m * n * k / product,
        bytes=2 * numbers.nbytes / copied,
        launch_seconds=launch,
        layer_seconds=layer,
        token_seconds=token,
        link=_link(numbers),
    )


def _link(near: torch.Tensor) -> float:
    """Bytes a second from main memory to the device and back."""
    part = near[:_LINKED]
    far = torch.empty_like(part, device="cpu", pin_memory=near.is_cuda)
    there = _best(lambda: part.copy_(far, non_blocking=True), near.device.type)
    back = _best(lambda: far.copy_(part, non_blocking=True), near.device.type)
    return 2 * part.nbytes / (there + back)


def _layer(device: str, number: torch.dtype) -> tuple[float, float, float]:
    """Seconds of a layer so small that nothing counts but its operations: one by one, at once,
    and for the next token of an answer."""
    shape = LlamaConfig(
        vocab_size=512,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=_LAYERS,
        num_attention_heads=2,
        num_key_value_heads=1,
        attn_implementation="sdpa",
    )
    config = Config.model_validate({"model": {"lora_r": 8, "quantization": "none"}})
    base = LlamaForCausalLM._from_config(shape, dtype=number).to(device).requires_grad_(False)
    objective = Objective(lora.attach(base, config))
    row = Encoded(tuple(range(64)), (False,) * 32 + (True,) * 32)
    pack = batch.build((Member(0, 1),), [row], {}, device, attention=objective.attention)
    objective.collect(Gradients(lora.trained(objective)))

    def compute() -> None:
        sum(objective(pack)).backward()

    def answered(tokens: int) -> float:
        asked = [row.ids[:8]] * 2
        return _best(
            lambda: answers(objective.model, asked, stop_ids=[], max_new_tokens=tokens), device
        )

    alone = _best(compute, device) / _LAYERS
    token = (answered(2 * _TOKENS) - answered(_TOKENS)) / _LAYERS / _TOKENS
    if objective.attention != "flash":
        return alone, alone, token
    recorder = Recorder(objective, 64)
    recorder(pack)  # the first pass is not recorded
    return alone, _best(lambda: recorder(pack), device) / _LAYERS, token


def _best(work: Callable[[], object], device: str) -> float:
    """Seconds of the fastest of several calls, after one to warm up."""
    found = []
    for _ in range(1 + _TIMES):
        began = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - began)
    return min(found[1:])
