"""How training's memory is split over processes: arithmetic, for the plan and its advice.

Bytes of one trained number on one of n processes, with p bytes of the model's number type:

| stage | kept whole | split, or offloaded to main memory |
|---|---|---|
| none | 16: weight, gradient, AdamW's two averages, 32 bits each | |
| 1, 2 | 8: weight, gradient as it adds up over a step's packs | 16/n |
| 3 | | (2p + 16)/n, of which 2p/n is never offloaded |

What is split are a 32-bit weight and gradient and AdamW's averages: DeepSpeed keeps its own. The
whole gradient that stage 1 is handed besides lives when a step's activations are gone: 4 bytes for
each of an adapter's numbers need less than they did.
Frozen weights are split by stage 3 only, and there what a pass gathers stays until another
`live` numbers were gathered, so a small model is as large as before while it computes.
ZeRO: arXiv 1910.02054. Recomputing activations is a lever of its own, of no stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

BUCKET: Final = 2**24
"""Numbers of a gradient bucket, unless one's own file says: 64 MiB, a few layers' adapters."""

_BUFFERS: Final = 2  # with overlap_comm; of `bucket` numbers of 4 bytes each
_LIVE: Final = 1e9  # DeepSpeed's stage3_max_live_parameters unless told


@dataclass(frozen=True)
class Split:
    """Who keeps what: a ZeRO stage on a number of processes; `bucket` and `live` count numbers."""

    stage: int = 0
    processes: int = 1
    offload_optimizer: bool = False
    offload_parameters: bool = False
    bucket: float = 0.0
    live: float = _LIVE

    def trained_gib(self, count: int, dtype: str, *, offloaded: bool = False) -> float:
        """Device memory of one process for `count` trained numbers, their gradients and AdamW.

        `offloaded`: AdamW's averages are in main memory, without DeepSpeed.
        """
        if self.stage == 0:
            return count * (8 if offloaded else 16) / 2**30
        n = self.processes
        kept = {1: 8.0, 2: 8.0, 3: 2 * _size(dtype) / n}[self.stage]
        states = 0 if self.offload_optimizer else 16 / n
        return (count * (kept + states) + _BUFFERS * 4 * self.bucket) / 2**30

    def frozen_gib(self, whole: float, dtype: str) -> float:
        """Device memory of one process for frozen weights of `whole` GiB, while it computes."""
        if self.stage < 3:
            return whole
        resident = 0.0 if self.offload_parameters else whole / self.processes
        gathered = min(whole - resident, self.live * _size(dtype) / 2**30)
        return resident + gathered

    def main_gib(self, count: int, frozen: float, dtype: str) -> float:
        """Main memory of one process for what is offloaded; `frozen` in GiB."""
        n = self.processes
        states = 16 * count / n / 2**30 if self.offload_optimizer else 0.0
        weights = (frozen + count * _size(dtype) / 2**30) / n if self.offload_parameters else 0.0
        return states + weights

    def gathered_bytes(self, count: int, frozen: float, dtype: str, packs: float) -> float:
        """What one process sends in a step of `packs` passes: gradients; in stage 3 weights too."""
        n = self.processes
        share = (n - 1) / n
        number = _size(dtype) if self.stage == 3 else 4
        weights = 2 * packs * frozen * 2**30 if self.stage == 3 else 0.0
        return share * (2 * count * number + weights)


def split_of(content: Mapping[str, Any] | None, processes: int) -> Split:
    """The split that a DeepSpeed content makes."""
    if content is None:
        return Split(processes=processes)
    zero = content["zero_optimization"]
    bucket = zero.get("reduce_bucket_size", "auto")
    return Split(
        stage=int(zero["stage"]),
        processes=processes,
        offload_optimizer=_offloaded(zero, "offload_optimizer"),
        offload_parameters=_offloaded(zero, "offload_param"),
        bucket=BUCKET if bucket == "auto" else bucket,
        live=zero.get("stage3_max_live_parameters", _LIVE),
    )


def _offloaded(zero: Mapping[str, Any], key: str) -> bool:
    return bool(zero.get(key, {}).get("device", "none") != "none")


def _size(dtype: str) -> int:
    return 4 if dtype == "float32" else 2
