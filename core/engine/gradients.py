"""The adapter's gradients of a step in one buffer, so that ranks share them at once.

The packs of a step are computed without a word between ranks; then one all-reduce adds the whole
buffer up, or DeepSpeed (stages 1 and 2) is handed it and splits it. The frozen base is none of
its business: it is neither cast nor wrapped nor sent. Nor does it hold the model's parameters, but
others with the same numbers: what it hangs on them would be in the way of recorded steps.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import nn


class Gradients:
    """Gradients of all trained parameters, 32 bits, one after another; `views` in their shapes."""

    def __init__(self, trained: Sequence[nn.Parameter]) -> None:
        self.trained = list(trained)
        whole = sum(p.numel() for p in self.trained)
        self.flat = torch.zeros(whole, device=self.trained[0].device)
        self.views = apart(self.flat, self.trained)

    def attach(self) -> None:
        """Let backward passes and the optimizer find them at the parameters."""
        for parameter, view in zip(self.trained, self.views, strict=True):
            parameter.grad = parameter.collected = view

    def clear(self) -> None:
        """Begin a step."""
        self.flat.zero_()

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

    Its numbers lie in a few long parameters, `numbers`; those of the model become views of them.
    So the end of a step is a handful of operations, not hundreds, and the model's backward pass
    meets none of DeepSpeed's hooks. The forward pass here computes nothing; the backward pass
    hands the finished gradients over, so that the engine reduces, splits and clips them as if it
    had watched them come into being.
    """

    def __init__(self, gradients: Gradients, config: Any, most: int) -> None:
        """`most`: numbers of a parameter, unless one of the model's has more."""
        super().__init__()
        self.config = config  # DeepSpeed reads sizes from it
        self.parts = [*neighbours(gradients.trained, most)]
        self.numbers = nn.ParameterList(
            nn.Parameter(torch.cat([p.detach().flatten() for p in part])) for part in self.parts
        )
        self._found = gradients.flat.split([n.numel() for n in self.numbers])

    def lay(self) -> None:
        """Make the model's parameters views of these, once nobody moves them any more."""
        for numbers, part in zip(self.numbers, self.parts, strict=True):
            for parameter, view in zip(part, apart(numbers.data, part), strict=True):
                parameter.data = view

    def forward(self) -> torch.Tensor:
        """A zero whose gradient by `numbers` is the step's."""
        return _HandOver.apply(self._found, *self.numbers)


def apart(numbers: torch.Tensor, part: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Views of numbers that lie one after another, shaped like the tensors of a part."""
    views = numbers.flatten().split([p.numel() for p in part])
    return [view.view_as(p) for view, p in zip(views, part, strict=True)]


def neighbours(trained: Sequence[nn.Parameter], most: int) -> Iterator[list[nn.Parameter]]:
    """Neighbours together, as long as they have at most so many numbers."""
    part: list[nn.Parameter] = []
    for parameter in trained:
        if part and sum(p.numel() for p in [*part, parameter]) > most:
            yield part
            part = []
        part.append(parameter)
    yield part


class _HandOver(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, found: Sequence[torch.Tensor], *numbers: torch.Tensor) -> torch.Tensor:
        ctx.found = found
        return numbers[0].new_zeros(())

    @staticmethod
    def backward(ctx: Any, _: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        return None, *ctx.found
