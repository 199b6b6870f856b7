"""Where the time of one forward and backward pass goes, by torch's profiler.

Run: PYTHONPATH=. python benchmarks/pass_profile.py [--shape 1.8B] [--tokens 16384] [--length 1024]
    [--rank 64] [--packed] [--recompute nothing|mlp|layers] [--json FILE]
NF4 values, LoRA on all linear layers, rows as long as alpaca's (`shapes.py`). Prints the time of
each kind of work, of each matrix product with its rate, and of the slowest kernels; on a machine
without a GPU, that of torch's operations.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from llamas import SHAPES
from shapes import alpaca, model
from torch.profiler import ProfilerActivity, profile

from core.config.schema import Config
from core.engine import batch, lora
from core.engine.decoder import decoder_of
from core.engine.gradients import Gradients
from core.engine.loss import Objective
from core.engine.projection import still
from core.schedule import Member, packs

_PASSES = 3
KINDS = {
    "products": ("gemm", "nvjet", "cutlass", "xmma", "sm90", "splitK", "cublas", "mm"),
    "attention": ("_forward", "_backward_q", "_backward_kv", "flash"),
    "norms": ("_add_norm",),
    "gates": ("_gate",),
    "rotations": ("_rotate",),
    "losses": ("_cross_entropy", "_divergence"),
    "unpacking": ("_unpack", "dequant"),
    "copies and sums": ("copy", "elementwise", "reduce", "multi_tensor", "fill", "Memset", "CatA"),
}


def kind_of(kernel: str) -> str:
    """What a kernel of this name does; the first kind that knows it."""
    order = ("norms", "gates", "rotations", "losses", "unpacking", "attention", "products")
    for kind in (*order, "copies and sums"):
        if any(word in kernel for word in KINDS[kind]):
            return kind
    return "other"


def work_of(asked: argparse.Namespace, device: str) -> Callable[[], None]:
    """One forward and backward pass of one pack."""
    shape = SHAPES[asked.shape]
    config = Config.model_validate({"model": {"lora_r": asked.rank}})
    adapted = model(shape, config, device=device, dtype="bfloat16", cache=not asked.packed)
    decoder_of(adapted).recompute(asked.recompute)
    objective = Objective(adapted)
    gradients = Gradients(lora.trained(objective))
    objective.collect(gradients)
    work = alpaca(shape.vocabulary, longest=asked.length)
    everyone = tuple(Member(i, 1) for i in range(len(work.rows)))
    members = packs(everyone, work.lengths, asked.tokens, collapse=True)[0]
    pack = batch.build(members, work.encoded, {}, device, attention=objective.attention)
    print(f"{len(pack.ids):,} tokens of {len(members)} rows, {len(pack.targets):,} learned")

    def once() -> None:
        with still({}) if device == "cpu" else nullcontext():
            sum(objective(pack)).backward()

    return once


def wait(device: str) -> None:
    """Until the device has done all."""
    if device == "cuda":
        torch.cuda.synchronize()


def products(events: Sequence[Any], device: str) -> list[dict[str, Any]]:
    """Time, size and rate of each shape of matrix product."""
    found = []
    for event in events:
        if event.key not in ("aten::mm", "aten::addmm", "aten::addmm_", "aten::bmm"):
            continue
        first = 1 if "add" in event.key else 0
        shapes = event.input_shapes[first : first + 2]
        (m, k), n = shapes[0][-2:], shapes[1][-1]
        many = shapes[0][0] if len(shapes[0]) == 3 else 1
        each = _own(event, device) / event.count / 1e6
        found.append(
            {
                "product": f"{event.key.removeprefix('aten::'):6} {m} x {k} x {n}",
                "count": event.count // _PASSES,
                "ms": 1e3 * each * event.count / _PASSES,
                "tflops": 2 * many * m * k * n / max(each, 1e-9) / 1e12,
            }
        )
    return sorted(found, key=lambda row: -row["ms"])


def _own(event: Any, device: str) -> float:
    """Microseconds of an operation itself."""
    return event.self_device_time_total if device == "cuda" else event.self_cpu_time_total


def main() -> None:
    """Profile and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", default="1.8B", choices=SHAPES)
    parser.add_argument("--tokens", type=int, default=16_384)
    parser.add_argument("--length", type=int, default=1024)
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--packed", action="store_true")
    parser.add_argument("--recompute", default="nothing", choices=("nothing", "mlp", "layers"))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    once = work_of(asked, device)
    for _ in range(2):
        once()
    wait(device)
    began = time.perf_counter()
    for _ in range(_PASSES):
        once()
    wait(device)
    each = 1e3 * (time.perf_counter() - began) / _PASSES
    print(f"{each:.1f} ms a pass", flush=True)
    activities = [ProfilerActivity.CPU]
    if device == "cuda":
        activities.append(ProfilerActivity.CUDA)
    with profile(activities=activities, record_shapes=True) as seen:
        for _ in range(_PASSES):
            once()
        wait(device)
    kernels: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
    for event in seen.key_averages():
        on_gpu = str(event.device_type).endswith("CUDA")
        if on_gpu == (device == "cuda") and _own(event, device) > 0:
            kernels[event.key][0] += event.count / _PASSES
            kernels[event.key][1] += _own(event, device) / 1e3 / _PASSES
    kinds: dict[str, float] = defaultdict(float)
    for name, (_, ms) in kernels.items():
        kinds[kind_of(name)] += ms
    for kind, ms in sorted(kinds.items(), key=lambda item: -item[1]):
        print(f"{ms:8.2f} ms  {kind}")
    slowest = sorted(kernels.items(), key=lambda item: -item[1][1])[:28]
    for name, (count, ms) in slowest:
        print(f"{ms:8.2f} ms  {count:6.0f} ×  {name[:110]}")
    own = products(seen.key_averages(group_by_input_shape=True), device)
    for row in own[:24]:
        print(
            f"{row['ms']:8.2f} ms  {row['count']:4} ×  {row['tflops']:7.1f} T/s  {row['product']}"
        )
    if asked.json:
        told = {"ms": each, "kinds": kinds, "kernels": slowest, "products": own}
        asked.json.write_text(json.dumps(told, indent=1), "utf-8")


if __name__ == "__main__":
    main()
