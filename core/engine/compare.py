"""The same questions to several models, one model in memory at a time."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from core.compare import Comparison, Side
from core.config.schema import Config
from core.dataset import Message
from core.engine.base import load_base
from core.engine.generate import stream
from core.engine.lora import attach, load_adapter, set_strength
from core.tokens import ChatTokenizer

_BATCH = 16


def compare(
    comparison: Comparison,
    configs: Sequence[tuple[Config, Path]],
    spoken: Config,
    *,
    dtype: str,
    device: str,
    told: Callable[[Comparison], None],
    stop: Callable[[], bool],
) -> bool:
    """Have every side answer every question.

    Args:
        configs: each side's own config and base folder.
        spoken: the config whose template and SYSTEM text all sides are asked in.
        told: called with the answers so far after each batch.
        stop: asked after each batch.

    Returns:
        False when `stop` ended it early.
    """
    for number, (side, (config, folder)) in enumerate(zip(comparison.sides, configs, strict=True)):
        tokenizer = ChatTokenizer.load(folder, spoken.settings.prompt_template)
        model = _load(side, config, folder, dtype, device)
        system = spoken.settings.SYSTEM
        opening = [Message("system", system)] if system else []
        prompts = [tokenizer.prompt([*opening, Message("user", q)]) for q in comparison.questions]
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        for begin in range(0, len(order), _BATCH):
            part = order[begin : begin + _BATCH]
            ids: list[list[int]] = [[] for _ in part]
            for tokens in stream(
                model,
                [prompts[i] for i in part],
                stop_ids=tokenizer.stop_ids,
                max_new_tokens=comparison.max_new_tokens,
                temperature=comparison.temperature,
                seed=comparison.seed,
            ):
                for answer, token in zip(ids, tokens, strict=True):
                    if token is not None:
                        answer.append(token)
            answers = {i: tokenizer.decode(a) for i, a in zip(part, ids, strict=True)}
            comparison = comparison.answered(number, answers)
            told(comparison)
            if stop():
                return False
        del model
        gc.collect()
        if device == "cuda":
            torch.cuda.empty_cache()
    return True


def _load(side: Side, config: Config, folder: Path, dtype: str, device: str) -> nn.Module:
    if side.source == "merged":
        return load_base(side.of.merged, dtype=dtype, device=device).eval()
    base = load_base(
        folder,
        dtype=dtype,
        device=device,
        quantization=config.model.quantization,
        double_quantization=config.model.double_quantization,
    )
    if side.source == "base":
        return base.eval()
    model = attach(base, config)
    load_adapter(model, side.of.checkpoint(side.step).path)
    set_strength(model, side.strength)
    return model.eval()
