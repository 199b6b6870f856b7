"""The processes of one training: who this one is, and what rank 0 tells the others."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, TypeVar

import torch
import torch.distributed as dist

T = TypeVar("T")

# A process that is gone is found out in seconds by core.engine.pulse; this only bounds what that
# cannot see. It must be longer than rank 0 ever works alone (answers of the base model).
_TIMEOUT: Final = timedelta(minutes=60)


@dataclass(frozen=True)
class Ranks:
    """This process among those of the training; torchrun numbers them. `local` is on this host."""

    rank: int = 0
    world: int = 1
    local: int = 0

    @classmethod
    def from_environment(cls) -> Ranks:
        """As torchrun set it; one process without torchrun."""
        names = {"rank": "RANK", "world": "WORLD_SIZE", "local": "LOCAL_RANK"}
        return cls(**{k: int(os.environ[v]) for k, v in names.items() if v in os.environ})

    @property
    def first(self) -> bool:
        """Whether this one speaks and writes for all."""
        return self.rank == 0

    def join(self, device: str, *, alone: bool = False) -> None:
        """Meet the others. `alone`: be a group of one (DeepSpeed wants a group in any case)."""
        if device == "cuda":
            torch.cuda.set_device(self.local)
        if self.world > 1:
            # Without device_id NCCL connects when it is first used, and gloo needs none.
            dist.init_process_group("nccl" if device == "cuda" else "gloo", timeout=_TIMEOUT)
        elif alone:
            os.environ["LOCAL_RANK"] = "0"  # DeepSpeed asks for it, whatever the group says
            dist.init_process_group(
                "nccl" if device == "cuda" else "gloo", store=dist.HashStore(), rank=0, world_size=1
            )

    def tell(self, value: T | None) -> T:
        """Rank 0's value, on every rank."""
        if self.world == 1:
            return value  # type: ignore[return-value]
        box: list[Any] = [value]
        dist.broadcast_object_list(box, 0)
        return box[0]

    def tell_tensors(
        self, tensors: dict[str, torch.Tensor] | None, device: str
    ) -> dict[str, torch.Tensor]:
        """Rank 0's 32-bit tensors by name, on every rank; one at a time, back in main memory."""
        if self.world == 1:
            return tensors or {}
        shapes = self.tell({k: tuple(v.shape) for k, v in (tensors or {}).items()})
        found = {}
        for name, shape in shapes.items():
            box = torch.empty(shape, device=device) if tensors is None else tensors[name].to(device)
            dist.broadcast(box, 0)
            found[name] = box.cpu()
        return found

    def agree(self, facts: Any) -> list[Any]:
        """What each rank found, in their order."""
        found: list[Any] = [facts] * self.world
        if self.world > 1:
            dist.all_gather_object(found, facts)
        return found
