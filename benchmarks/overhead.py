"""What ZeRO 1 and 2 cost beside plain data parallel: the end of a step alone, without a model.

Run: PYTHONPATH=. python -m torch.distributed.run --standalone --nproc-per-node 2 \
    benchmarks/overhead.py [--counts 5000000 20000000]
For each number of trained weights: seconds from finished gradients to changed weights on every
rank, the best of several, in turns. GPUs where there are any, else the processor. What the adviser
(core/zero_advice.py) counts with is the difference, a trained number.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from core import zero
from core.config.schema import Config
from core.engine import deepspeed as ds
from core.engine.gradients import Gradients, Trained
from core.engine.ranks import Ranks

WAYS = ("none", "deepspeed_zero1", "deepspeed_zero2")


class Sizes:
    """What DeepSpeed reads of a model's config."""

    hidden_size = 1024


def ending(way: str, count: int, device: str) -> Callable[[], None]:
    """The end of a step with a way, for so many trained numbers in matrices like an adapter's."""
    side = 1_000
    weights = [
        nn.Parameter(torch.randn(64, side, device=device)) for _ in range(count // side // 64)
    ]
    gradients = Gradients(weights)
    if way == "none":
        gradients.attach()
        optimizer = torch.optim.AdamW(weights, lr=1e-5, fused=True)

        def plain() -> None:
            gradients.share()
            gradients.clip(1.0)
            optimizer.step()

        return plain
    found = ds.for_adapter(zero.resolve(zero.preset(way), Config(), "bfloat16"))
    ds.prepare(device, found, lambda done: None)
    import deepspeed

    model = Trained(gradients, Sizes(), found["zero_optimization"]["reduce_bucket_size"])
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)
    engine: Any = deepspeed.initialize(model=model, optimizer=optimizer, config=found)[0]

    def split() -> None:
        gradients.flat.mul_(dist.get_world_size())
        engine.backward(engine())
        engine.step()

    return split


def seconds(work: Callable[[], None], device: str) -> float:
    """How long one call takes, until all ranks have done it."""
    dist.barrier()
    began = time.perf_counter()
    work()
    if device == "cuda":
        torch.cuda.synchronize()
    dist.barrier()
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[5_000_000, 20_000_000])
    parser.add_argument("--times", type=int, default=12)
    asked = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    ds.prepare(device, zero.preset("deepspeed_zero1"), lambda done: None)
    ranks = Ranks.from_environment()
    ranks.join(device)
    for count in asked.counts:
        works = {way: ending(way, count, device) for way in WAYS}
        for work in works.values():
            work()
        best = dict.fromkeys(WAYS, 1e9)
        for _ in range(asked.times):
            for way, work in works.items():
                best[way] = min(best[way], seconds(work, device))
        if ranks.first:
            for way, found in best.items():
                more = (found - best["none"]) / count
                print(
                    f"{device} × {ranks.world}  {count:12,} numbers  {way:16} {found:7.4f} s  "
                    f"{1e9 * more:+6.2f} ns a number",
                    flush=True,
                )


if __name__ == "__main__":
    main()
