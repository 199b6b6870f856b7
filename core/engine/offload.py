"""What a GPU that is short of memory leaves in main memory: AdamW's averages and the token table.

The numbers stay the same: the averages visit the GPU one weight after another and are changed
there by torch's own kernel; of the table, the GPU reads the rows that a pack needs over the bus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

AVERAGES = ("exp_avg", "exp_avg_sq")


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
        for group in self.param_groups:
            for parameter in group["params"]:
                zeros = torch.zeros_like(parameter, device="cpu")
                self.state[parameter] = {
                    "step": torch.zeros((), device=parameter.device),
                    **{key: _near(zeros.clone(), parameter.device) for key in AVERAGES},
                }

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Change every weight that has a gradient."""
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                state["step"] += 1
                # In one stream: a copy waits for the change before it, and the next for the copy.
                near = [state[k].to(parameter.device, non_blocking=True) for k in AVERAGES]
                torch._fused_adamw_(
                    [parameter],
                    [parameter.grad],
                    *([average] for average in near),
                    [],
                    [state["step"]],
                    lr=group["lr"],
                    beta1=beta1,
                    beta2=beta2,
                    weight_decay=group["weight_decay"],
                    eps=group["eps"],
                    amsgrad=False,
                    maximize=False,
                )
                for key, average in zip(AVERAGES, near, strict=True):
                    state[key].copy_(average, non_blocking=True)


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
