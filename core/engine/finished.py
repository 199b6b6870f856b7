"""Figures of finished steps, read when the GPU has them and not before: nobody waits for it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

Moment = torch.cuda.Event | float


def now(device: str) -> Moment:
    """This moment: on a GPU, when it gets here in its work."""
    if device == "cpu":
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()  # type: ignore[no-untyped-call]
    return event


def seconds(begin: Moment, end: Moment) -> float:
    """Between two moments of one device; waits for the second."""
    if isinstance(begin, float) or isinstance(end, float):
        assert isinstance(begin, float) and isinstance(end, float)
        return end - begin
    end.synchronize()  # type: ignore[no-untyped-call]
    return begin.elapsed_time(end) / 1e3  # type: ignore[no-untyped-call,no-any-return]


@dataclass(frozen=True)
class Finished:
    """A step as it was computed. `figures` are the objective's three sums and the gradient's norm,
    perhaps still on their way from the GPU until `end`."""

    step: int
    tokens: int
    real_tokens: int
    learning_rate: float
    figures: torch.Tensor
    begin: Moment
    end: Moment

    def read(self) -> tuple[float, float, float, float]:
        """The figures, once they are there."""
        if not isinstance(self.end, float):
            self.end.synchronize()  # type: ignore[no-untyped-call]
        loss, held, kl, norm = self.figures.tolist()
        return loss, held, kl, norm


def fetched(sums: torch.Tensor, norm: torch.Tensor | float | None) -> torch.Tensor:
    """The sums and the norm in main memory, or on their way there."""
    last = torch.as_tensor(float("nan") if norm is None else norm, device=sums.device)
    figures = torch.cat([sums.float(), last.float().reshape(1)])
    if not sums.is_cuda:
        return figures
    return torch.empty(4, pin_memory=True).copy_(figures, non_blocking=True)
