"""The adapter's gradients of a step in one buffer, so that ranks share them at once.

The packs of a step are computed without a word between ranks; then one all-reduce adds the whole
buffer up, or DeepSpeed (stages 1 and 2) is handed it and splits it. The frozen base is none of
its business: it is neither cast nor wrapped nor sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import nn


class Gradients:
    """Gradients of all trained parameters, 32 bits, one after another; `views` in their shapes."""

    def __init__(self, trained: Sequence[nn.Parameter]) -> None:
        self.trained = list(trained)
        self._attached = False
        sizes = [p.numel() for p in self.trained]
        self.flat = torch.zeros(sum(sizes), device=self.trained[0].device)
        self.views = [
            part.view_as(p) for part, p in zip(self.flat.split(sizes), self.trained, strict=True)
        ]

    def attach(self) -> None:
        """Let backward passes and the optimizer find them at the parameters."""
        for parameter, view in zip(self.trained, self.views, strict=True):
            parameter.grad = parameter.collected = view
        self._attached = True

    def clear(self) -> None:
        """Begin a step."""
        self.flat.zero_()

    def add(self, loss: torch.Tensor) -> None:
        """Add the gradients of a pack's loss; unless attached, behind the back of whoever watches
        the parameters, and with all of them in memory once more."""
        if self._attached:
            loss.backward()
            return
        torch._foreach_add_(self.views, list(torch.autograd.grad(loss, self.trained)))

    def clip(self, most: float) -> torch.Tensor:
        """Scale all of them down where their norm is above `most`; the norm before."""
        norm = torch.linalg.vector_norm(self.flat)
        factor = (most / (norm + 1e-6)).clamp(max=1.0)
        if norm.is_cuda or factor < 1:  # a GPU is not waited for
            self.flat.mul_(factor)
        return norm

    def share(self) -> None:
        """Add up what all ranks found."""
        dist.all_reduce(self.flat)


def collect(
    parameters: Sequence[torch.Tensor], found: Sequence[torch.Tensor | None]
) -> list[torch.Tensor | None]:
    """Add gradients where their parameters collect them, at once, so that they need no memory of
    their own until a pass ends; what a backward pass returns for them then is None."""
    views = [getattr(p, "collected", None) for p in parameters]
    if not views or any(view is None for view in views):
        return list(found)
    torch._foreach_add_(views, list(found))
    return [None] * len(views)


class Trained(nn.Module):
    """The adapter alone, as DeepSpeed's stages 1 and 2 get it: all they split is what is trained.

    Its forward pass computes nothing; the backward pass hands the finished gradients over, so
    that the engine reduces, splits and clips them as if it had watched them come into being.
    """

    def __init__(self, gradients: Gradients, config: Any) -> None:
        super().__init__()
        self.adapter = nn.ParameterList(gradients.trained)
        self.config = config  # DeepSpeed reads sizes from it
        self._gradients = gradients

    def forward(self) -> torch.Tensor:
        """A zero whose gradient by the parameters is the step's."""
        return _HandOver.apply(self._gradients.views, *self.adapter)


class _HandOver(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, found: list[torch.Tensor], *trained: torch.Tensor) -> torch.Tensor:
        ctx.found = found
        return trained[0].new_zeros(())

    @staticmethod
    def backward(ctx: Any, _: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return None, *ctx.found
