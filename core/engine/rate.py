"""The course of the learning rate over the steps of a training."""

from __future__ import annotations

import math
from collections.abc import Callable

from core.config.schema import Config


def rate(config: Config, total: int) -> Callable[[int], float]:
    """Learning rate of a step (0-based) as a part of lr: linear rise, then the config's course."""
    s, o = config.settings, config.optimizer
    warmup = int(s.warmup_ratio * total)
    floor = o.eta_min / s.lr

    def factor(step: int) -> float:
        if step < warmup:
            return o.warmup_start_factor + (1 - o.warmup_start_factor) * step / warmup
        done = min(1.0, (step - warmup) / max(1, total - warmup))
        if o.lr_schedule == "constant":
            return 1.0
        fall = 1 - done if o.lr_schedule == "linear" else 0.5 * (1 + math.cos(math.pi * done))
        return floor + (1 - floor) * fall

    return factor
