"""What the plan expects of memory and of a step's time, beside what is then measured.

Run: PYTHONPATH=. python benchmarks/plan_accuracy.py [--device cpu|cuda] [--json FILE] [CASE …]
Each case is planned and trained in a process of its own, by the trainer that jobs use, on models
with random weights (`shapes.py`); the machine's rates are measured before. `limit` is the memory
that the plan is told is free, and that the process may then use. A step's time is the median of
those after the first ones, which compile and record.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

_WARM: Final = 4


@dataclass(frozen=True)
class Case:
    """One training: model, rank, longest row, tokens of a step, GiB that are free, recomputing."""

    shape: str
    rank: int
    length: int
    step: int
    limit: float = 0.0
    checkpointing: str = "auto"
    quantization: str = "nf4"
    steps: int = 12


CASES: Final = {
    "cuda": {
        "0.1B": Case("0.1B", 64, 1024, 16_384),
        "0.5B short": Case("0.5B", 16, 256, 8192),
        "1.8B": Case("1.8B", 64, 1024, 16_384),
        "1.8B small steps": Case("1.8B", 64, 512, 4096),
        "1.8B tight": Case("1.8B", 64, 1024, 16_384, limit=6.8),
        "3B checkpointing": Case("3B", 32, 1024, 16_384, checkpointing="on"),
        "7B tight": Case("7B", 16, 1024, 8192, limit=8.0, steps=9),
        "7B": Case("InternLM2-7B", 16, 768, 8192, steps=9),
    },
    "cpu": {
        "0.02B": Case("0.02B", 16, 256, 1024),
        "0.02B r64": Case("0.02B", 64, 1024, 1024),
        "0.05B": Case("0.05B", 16, 512, 1024),
        "0.05B checkpointing": Case("0.05B", 16, 512, 1024, checkpointing="on"),
        "0.1B": Case("0.1B", 16, 128, 512, steps=8),
        "0.1B r64": Case("0.1B", 64, 512, 1024, steps=8),
    },
}


def measured(case: Case, device: str, home: Path) -> dict[str, Any]:
    """Plan a case, train it, and tell both; in a process of its own."""
    import torch
    from llamas import SHAPES
    from shapes import Clock, alpaca, model

    from core import rates
    from core.config.schema import Config
    from core.cost import CONTEXT_GIB
    from core.engine import lora
    from core.engine.decoder import decoder_of
    from core.engine.gradients import Gradients
    from core.engine.graphs import recorder_of
    from core.engine.loss import Objective
    from core.engine.memory import memory_gib, without_holes
    from core.engine.offload import leave_table
    from core.engine.steps import Steps
    from core.engine.trainer import PersonaTrainer
    from core.hardware import detect
    from core.planner import plan
    from core.settings import Settings
    from core.work import steps_of

    config = Config.model_validate(
        {
            "settings": {
                "max_length": case.length,
                "batch_size": 1,
                "accumulative_counts": max(1, case.step // case.length),
                "max_epochs": 1,
                "dataloader_num_workers": 0,
            },
            "model": {"lora_r": case.rank, "quantization": case.quantization},
            "runtime": {"activation_checkpointing": case.checkpointing, "processes": 1},
        }
    )
    hardware, shape = detect(), SHAPES[case.shape]
    if hardware.gpus:
        gpu = hardware.gpus[0]
        hardware = replace(hardware, gpus=(replace(gpu, free_gib=case.limit or gpu.free_gib),))
    mean = alpaca(shape.vocabulary, longest=case.length).mean.length
    rows = math.ceil(case.steps * case.step / mean)  # no more than are trained
    work = alpaca(shape.vocabulary, longest=case.length, count=rows)
    made = plan(config, work, shape, hardware, known=rates.known(Settings("", 0, home)))
    dtype, cache = str(made["dtype"]), bool(made["weight_cache"])
    if device == "cuda" and not made["cuda_graphs"]:
        without_holes()
    adapted = model(shape, config, device=device, dtype=dtype, cache=cache)
    note(device, "a model made")
    if made.offload != "nothing":
        leave_table(adapted)
    decoder_of(adapted).recompute(str(made["recompute"]))
    objective = Objective(adapted)
    gradients = Gradients(lora.trained(objective))
    schedule = steps_of(config, work)[: case.steps]
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()  # making the model's random weights took more
        torch.cuda.set_per_process_memory_fraction(
            min(1.0, (hardware.device_free_gib - CONTEXT_GIB) / hardware.gpus[0].memory_gib)
        )
    note(device, "what does not depend on the pack")
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = PersonaTrainer(
            objective,
            config,
            Steps(
                schedule,
                work.encoded,
                set(),
                start=0,
                budget=int(made["micro_batch_tokens"]),
                collapse=True,
                rank=0,
                world=1,
            ),
            {},
            folder=folder,
            dtype=dtype,
            device=device,
            deepspeed=None,
            gradients=gradients,
            recorder=recorder_of(objective, gradients, made) if device == "cuda" else None,
            callbacks=[clock],
            offloaded=made.offload == "all",
        )
        clock.trainer = trainer
        trainer.due = lambda step, total: step == total
        halved: list[int] = []

        def after_halving(step: int, before: int, tokens: int) -> None:
            halved.append(tokens)
            note(device, f"to compute {tokens} tokens at once")
            largest()

        trainer.after_halving = after_halving
        try:
            trainer.train()
        except Exception:
            largest()
            raise
    note(device, "the last step done")
    step = statistics.median(clock.seconds[_WARM:])
    tokens = sum(work.lengths[m.row] for s in schedule[_WARM:] for m in s)
    return {
        "plan": {name: made[name] for name in ("micro_batch_tokens", "weight_cache", "recompute")}
        | {"offload": made.offload},
        "halved": halved,
        "steps": [round(seconds, 4) for seconds in clock.seconds],
        "tokens_a_second": tokens / sum(clock.seconds[_WARM:]),
        "step_seconds": [made.step_seconds, step],
        "memory_gib": [sum(made.memory_gib) / 2, memory_gib(device)],
    }


def note(device: str, when: str) -> None:
    """Tell on stderr what is held on the GPU now, and was at most."""
    import torch

    if device == "cuda":
        found = (
            torch.cuda.memory_allocated(),
            torch.cuda.memory_reserved(),
            torch.cuda.max_memory_allocated(),
            torch.cuda.max_memory_reserved(),
        )
        now, held, most, most_held = (f"{n / 2**30:.2f}" for n in found)
        told = f"{now} GiB ({held} held), at most {most} ({most_held})"
        print(f"memory: {told}: {when}", file=sys.stderr, flush=True)


def largest(count: int = 16) -> None:
    """Tell on stderr which tensors of which sizes live on the GPU, and what pools hold."""
    import torch

    if not torch.cuda.is_available():
        return
    sizes: Counter[int] = Counter()
    pools: Counter[str] = Counter()
    for segment in torch.cuda.memory_snapshot():
        pools[str(segment.get("segment_pool_id"))] += segment["total_size"]
        live = (b["size"] for b in segment["blocks"] if b["state"] == "active_allocated")
        sizes.update(live)
    most = sorted(sizes, key=lambda size: -size * sizes[size])[:count]
    tensors = ", ".join(f"{sizes[s]} × {s / 2**20:.1f}" for s in most)
    print(f"memory: tensors in MiB: {tensors}", file=sys.stderr)
    held = ", ".join(f"{name} {size / 2**30:.2f}" for name, size in pools.items())
    print(f"memory: pools in GiB: {held}", file=sys.stderr, flush=True)


def pace(device: str, home: Path) -> None:
    """Measure the machine, as a first training does."""
    from core import rates
    from core.engine.pace import measure
    from core.hardware import detect
    from core.settings import Settings

    hardware = detect()
    bf16 = hardware.gpus or hardware.cpu_bf16
    dtype = "bfloat16" if bf16 else "float32"
    rates.keep(Settings("", 0, home), rates.key(hardware, dtype), measure(device, dtype))


def run(arguments: list[str]) -> dict[str, Any] | None:
    """What a process of its own prints last; None, and why, where it failed."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "GOMP_SPINCOUNT": "10000", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"},
    )
    told = done.stderr.strip().splitlines() or ["no word"]
    for line in told:
        if line.startswith("memory: ") or "Tried to allocate" in line:
            print("  " + line[:600], flush=True)
    if done.returncode:
        print("  failed:", told[-1][:400], flush=True)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def table(
    cases: dict[str, Case], device: str, home: Path, written: Path | None = None
) -> dict[str, Any]:
    """Run and print the cases; what was measured, by name, after each case in a file, too."""
    found: dict[str, Any] = {}
    for name, case in cases.items():
        told = run(["--device", device, "--home", str(home), "--case", json.dumps(case.__dict__)])
        if told is None:
            continue
        found[name] = told
        (gib, gib_), (step, step_) = told["memory_gib"], told["step_seconds"]
        chosen = told["plan"]
        print(
            f"{name:22} {chosen['micro_batch_tokens']:6,} tokens at once, "
            f"{'unpacked' if chosen['weight_cache'] else '4 bits':8} anew: "
            f"{chosen['recompute']:8} {gib:6.2f} -> {gib_:6.2f} GiB {gib / gib_ - 1:+4.0%}   "
            f"{step:7.3f} -> {step_:7.3f} s a step {step / step_ - 1:+4.0%}   "
            f"{told['tokens_a_second']:8,.0f} tokens/s"
            + (f"  halved to {told['halved']}" if told["halved"] else "")
            + (f"  in main memory: {chosen['offload']}" if chosen["offload"] != "nothing" else ""),
            flush=True,
        )
        if written:
            written.write_text(json.dumps(found, indent=2), "utf-8")
    return found


def main() -> None:
    """Print expected -> measured, and the worst error."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", choices=("cpu", "cuda"))
    parser.add_argument("--home", type=Path)
    parser.add_argument("--case")
    parser.add_argument("--pace", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("only", nargs="*")
    asked = parser.parse_args()
    if asked.case:
        case = Case(**json.loads(asked.case))
        print(json.dumps(measured(case, asked.device, asked.home)))
        return
    if asked.pace:
        pace(asked.device, asked.home)
        print("{}")
        return
    from core.hardware import detect

    hardware = detect()
    device = asked.device or hardware.device
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        run(["--device", device, "--home", folder, "--pace"])
        print((home / "machine.json").read_text("utf-8").replace("\n", ""))
        cases = {n: c for n, c in CASES[device].items() if not asked.only or n in asked.only}
        found = table(cases, device, home, asked.json)
    for what, unit in (("memory_gib", "memory"), ("step_seconds", "time")):
        errors = {n: abs(f[what][0] / f[what][1] - 1) for n, f in found.items()}
        worst = max(errors, key=lambda n: errors[n])
        print(f"worst error of {unit}: {errors[worst]:.0%} ({worst})")


if __name__ == "__main__":
    main()
