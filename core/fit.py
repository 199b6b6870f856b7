"""The fastest way to compute a training that fits the memory that is free, with its reasons."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Final

from core.config.schema import Config
from core.cost import OFFLOAD, RECOMPUTE, Choice, Cost
from core.errors import Text, UserError, text
from core.estimate import RANGE, SHARE, Fit, Task, cost_of, grown_gib, pack_of, training_seconds
from core.hardware import Hardware
from core.models import Shape
from core.rates import Rates, typical
from core.split import Split
from core.work import Work

_MOST_TOKENS: Final = {"cpu": 1024, "cuda": 32_768}
_BUSY: Final = 9e11
"""Tokens times weights of a layer from which a GPU is busy longer than Python needs to start it:
such packs are not recorded, and need no padding."""
_PADDED: Final = 1.03  # of recorded packs

_WHY_RECOMPUTE: Final = {
    "nothing": text("the activations fit the memory that is free"),
    "mlp": text(
        "the widest activations, of gate and up, are computed twice: half of the memory, about a "
        "fifth slower, the same numbers"
    ),
    "layers": text("activations are computed twice to fit the memory that is free"),
}
SHOWN_RECOMPUTE: Final = {
    "nothing": text("off"),
    "mlp": text("gate and up only"),
    "layers": text("on"),
}
SHOWN_OFFLOAD: Final = {
    "nothing": text("nothing"),
    "table": text("the token table"),
    "all": text("AdamW's averages and the token table"),
}


def fit(
    config: Config,
    work: Work,
    shape: Shape,
    hardware: Hardware,
    dtype: str,
    task: Task,
    split: Split | None = None,
    rates: Rates | None = None,
) -> Fit:
    """Choose tokens at once, weight cache and what is computed anew: the fastest that fits.

    Args:
        split: how the training state lies on several processes; one process unless told.

    Raises:
        UserError: not even the thriftiest choice fits.
    """
    device, split = hardware.device, split or Split()
    rates = rates or typical(hardware, dtype)
    cost = cost_of(config, shape, device, dtype, rates, stage=split.stage)
    free = hardware.device_free_gib * SHARE
    longest = max(work.lengths)
    asked = config.runtime.micro_batch_tokens
    wanted = max(asked or min(_MOST_TOKENS[device], math.ceil(task.largest)), longest)
    able = device == "cuda" and dtype == "bfloat16" and cost.fast and not cost.split
    grown = grown_gib(cost, work, task.uneven)
    best: tuple[float, Fit] | None = None
    thrifty: float | None = None
    for cache, offload in product(
        _choices(config.runtime.weight_cache, cost.nf4), _offloads(cost, split, hardware)
    ):
        lean, roomy = (
            _fixed(cost, split, dtype, cache=cache, offload=offload, recorded=on) + grown
            for on in (False, True)
        )
        # Recordings hold more; without them more tokens fit, which may be the faster.
        for recompute, graphs in product(
            _recomputed(config.runtime.activation_checkpointing, cost.fast),
            (True, False) if able else (False,),
        ):

            def recorded(tokens: float, graphs: bool = graphs) -> bool:
                return graphs and tokens * shape.layer_parameters < _BUSY

            def needed(
                tokens: float,
                fixed: tuple[float, float] = (lean, roomy),
                recompute: str = recompute,
                recorded: Callable[[float], bool] = recorded,
            ) -> float:
                pack, on = pack_of(work, tokens, cost.grouped), recorded(tokens)
                if on:  # the first recording is of the largest pack there can be
                    pack = replace(pack, tokens=tokens * _PADDED, learned=tokens * _PADDED)
                return fixed[on] + cost.pack_gib(pack, recompute, recorded=on)

            least = needed(longest)
            thrifty = least if thrifty is None else min(thrifty, least)
            if least > free:
                continue
            tokens = _most(needed, free, longest, wanted)
            passes = task.steps * math.ceil(task.tokens / task.steps / tokens)
            choice = Choice(cache, recompute, recorded(tokens), offload)
            whole = training_seconds(cost, work, task, passes, choice)
            memory = needed(min(tokens, task.largest))
            made = Fit(
                micro_batch_tokens=tokens,
                why_tokens=_why_tokens(tokens, wanted, asked),
                weight_cache=cache,
                why_cache=_why_cache(cache, cost.nf4),
                recompute=recompute,
                why_recompute=_WHY_RECOMPUTE[recompute],
                memory_gib=(memory * (1 - RANGE), memory * (1 + RANGE)),
                graphs=recorded(tokens),
                offload=offload,
            )
            if best is None or whole < 0.98 * best[0]:
                best = (whole, made)
    if best is not None:
        return best[1]
    raise _too_large(config, cost, work, split, hardware, dtype, free, thrifty or 0.0)


def _offloads(cost: Cost, split: Split, hardware: Hardware) -> tuple[str, ...]:
    """What a GPU may leave in main memory, as far as that has room; the least first."""
    if cost.device == "cpu" or split.stage > 0:
        return OFFLOAD[:1]
    room = SHARE * hardware.free_gib / split.processes
    return tuple(
        o
        for o in OFFLOAD
        if cost.offloaded_gib(o) < room and not (o == "table" and cost.shape.tied)
    )


def _fixed(
    cost: Cost, split: Split, dtype: str, *, cache: bool, offload: str, recorded: bool = False
) -> float:
    """Memory whatever the pack."""
    weights = split.frozen_gib(cost.weights_gib(cache, offload=offload), dtype)
    trained = split.trained_gib(cost.trained, dtype, offloaded=offload == "all")
    return cost.fixed_gib(weights, trained, recorded=recorded)


def _most(needed: Callable[[float], float], free: float, least: int, wanted: int) -> int:
    """The most tokens up to `wanted` that fit; `least` do."""
    if needed(wanted) <= free:
        return wanted
    low, high = least, wanted
    while high - low > 16:
        middle = (low + high) // 2
        low, high = (middle, high) if needed(middle) <= free else (low, middle)
    return low


def _choices(asked: str, packed: bool) -> tuple[bool, ...]:
    if not packed:
        return (False,)
    return (True, False) if asked == "auto" else (asked == "on",)


def _recomputed(asked: str, fast: bool) -> tuple[str, ...]:
    found = RECOMPUTE if fast else (RECOMPUTE[0], RECOMPUTE[2])
    return {"auto": found, "on": found[1:], "off": found[:1]}[asked]


def _too_large(
    config: Config,
    cost: Cost,
    work: Work,
    split: Split,
    hardware: Hardware,
    dtype: str,
    free: float,
    needed: float,
) -> UserError:
    """What would make it fit: fewer tokens in a row, a smaller rank, or recomputing."""
    length, rank, switch = (
        config.settings.max_length,
        config.model.lora_r,
        config.runtime.activation_checkpointing,
    )

    def fits(tokens: int, rank: int) -> bool:
        other = replace(cost, rank=rank)
        offload = _offloads(other, split, hardware)[-1]
        fixed = _fixed(other, split, dtype, cache=False, offload=offload)
        return fixed + other.pack_gib(pack_of(work, tokens, cost.grouped), "layers") <= free

    longest = max(work.lengths)
    ways: list[Text] = []
    if switch == "off" and fits(longest, rank):
        ways.append(text("set runtime.activation_checkpointing to auto"))
    shorter = next((n for n in range(longest // 64 * 64, 63, -64) if fits(n, rank)), None)
    if shorter is not None and shorter < longest:
        ways.append(text("max_length {before} → {after}", before=length, after=shorter))
    lower = next((r for r in (32, 16, 8, 4) if r < rank and fits(longest, r)), None)
    if lower is not None:
        ways.append(text("lora_r {before} → {after}", before=rank, after=lower))
    problem = "This needs about {needed:.1f} GiB of memory, and {free:.1f} GiB may be used here."
    if not ways:
        return UserError(
            problem,
            "Lower max_length (now {length}) or lora_r (now {r}), choose a smaller model, or close "
            "other programs.",
            needed=needed,
            free=free,
            length=length,
            r=rank,
        )
    first, *more = ways
    for way in more:
        first = text("{one}, or {other}", one=first, other=way)
    return UserError(problem, "Change {ways}.", needed=needed, free=free, ways=first)


def _why_tokens(tokens: int, wanted: int, asked: int) -> Text:
    if tokens < wanted:
        return text("as many as the memory that is free allows")
    if asked:
        return text("asked for in the config")
    return text("more at once would not be faster here")


def _why_cache(cache: bool, nf4: bool) -> Text:
    if cache:
        return text("the 4-bit weights are unpacked once: the same numbers, less work a step")
    if nf4:
        return text("the 4-bit weights are unpacked at every use, to save memory")
    return text("the base is not packed")
