"""What a GPU that is short of memory leaves in main memory: AdamW's averages and the token table.

The numbers stay the same: the averages visit the GPU a few weights at a time and are changed there
by torch's own kernel; of the table, the GPU reads the rows that a pack needs over the bus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import torch
from torch import nn
from torch.optim import Optimizer

from core.engine.gradients import apart, neighbours

AVERAGES = ("exp_avg", "exp_avg_sq")
_AT_ONCE: Final = 2**21  # numbers that visit the GPU at once: long copies, and 16 MiB held


class HostAdamW(Optimizer):
    """torch's fused AdamW, its averages in main memory."""

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
    ) -> None:
        super().__init__(
            parameters, {"lr": lr, "betas": betas, "eps": 1e-8, "weight_decay": weight_decay}
        )
        self._parts: list[_Part] = []

    def begin(self) -> None:
        """Make the averages, once. Not before training: accelerate moves all that an optimizer
        holds when it is handed over to the GPU."""
        if self._parts:
            return
        for group in self.param_groups:
            for part in neighbours(group["params"], _AT_ONCE):
                device, count = part[0].device, sum(p.numel() for p in part)
                zeros = torch.zeros(count, dtype=part[0].dtype)
                kept = tuple(_near(zeros.clone(), device) for _ in AVERAGES)
                self._parts.append((group, part, kept))
                for parameter, *own in zip(part, *(apart(k, part) for k in kept), strict=True):
                    self.state[parameter] = {
                        "step": torch.zeros((), device=device),
                        **dict(zip(AVERAGES, own, strict=True)),
                    }

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Change every weight that has a gradient."""
        self.begin()
        for group, part, kept in self._parts:
            # In one stream: a copy waits for the change before it, and the next for the copy.
            near = [average.to(part[0].device, non_blocking=True) for average in kept]
            moved = zip(part, *(apart(n, part) for n in near), strict=True)
            given = [(p, p.grad, *own) for p, *own in moved if p.grad is not None]
            if not given:
                continue
            steps = [self.state[parameter]["step"] for parameter, *_ in given]
            torch._foreach_add_(steps, 1)
            beta1, beta2 = group["betas"]
            torch._fused_adamw_(
                *(list(column) for column in zip(*given, strict=True)),
                [],
                steps,
                lr=group["lr"],
                beta1=beta1,
                beta2=beta2,
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )
            for average, there in zip(kept, near, strict=True):
                average.copy_(there, non_blocking=True)


_Part = tuple[dict[str, Any], Sequence[nn.Parameter], tuple[torch.Tensor, ...]]
"""An optimizer's group, neighbours in it, and their averages, one after another."""


def leave_table(model: nn.Module) -> None:
    """Move the token table to main memory, where the GPU reads it; one that is also the vocabulary
    projection stays."""
    table, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    if table.is_cuda and table.data_ptr() != head.data_ptr():
        table.data = _seen_by_gpu(_near(table.data.cpu(), table.device))
        torch.cuda.empty_cache()


def _near(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """In memory that a GPU reads and writes directly."""
    return tensor.pin_memory() if device.type == "cuda" else tensor


class _Memory:
    """Pinned memory as other programs of the GPU describe theirs (CUDA array interface 3)."""

    def __init__(self, host: torch.Tensor) -> None:
        self.host = host  # alive as long as what reads it

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": (self.host.nbytes,),
            "typestr": "|u1",
            "data": (self.host.data_ptr(), False),
            "version": 3,
        }


def _seen_by_gpu(host: torch.Tensor) -> torch.Tensor:
    """A GPU's tensor whose numbers lie in pinned main memory."""
    return torch.as_tensor(_Memory(host), device="cuda").view(host.dtype).view(host.shape)
