"""Training speed and memory on one GPU: ours, TRL at its best, and the limit, in one go.

Run: PYTHONPATH=. python benchmarks/throughput.py [--json FILE] [--steps N] [--only WORD …]
The work is InternLM2-1.8B's shape with random weights, NF4 with double quantisation, LoRA r = 64
on all linear layers, dropout 0, rows as long as 2,000 alpaca records (`shapes.py`). Each case runs
in a process of its own; memory is the most that was allocated, and in brackets what torch held.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from llamas import SHAPES, write_random
from shapes import LENGTHS, Clock, alpaca, flops_a_token, model, product_rate

from core.config.schema import Config
from core.engine import lora
from core.engine.decoder import decoder_of
from core.engine.gradients import Gradients
from core.engine.graphs import Recorder
from core.engine.loss import Objective
from core.engine.memory import without_holes
from core.engine.offload import leave_table
from core.engine.steps import Steps
from core.engine.trainer import PersonaTrainer
from core.schedule import schedule

SHAPE = SHAPES["1.8B"]
CONFIG = Config.model_validate(
    {
        "settings": {"max_length": 1024, "lr": 1e-4, "dataloader_num_workers": 0},
        "model": {"lora_r": 64, "lora_alpha": 16},
    }
)
# name, tokens a step, tokens at once, weights unpacked once, what is computed anew; the token table
# is in main memory where weights stay packed
OURS = {
    "ours, 16k a step": (16_384, 16_384, True, "nothing"),
    "ours, 4k a step": (4_096, 4_096, True, "nothing"),
    "ours, tight, 2k at once": (16_384, 2_048, False, "nothing"),
    "ours, tight, gate and up anew": (16_384, 4_096, False, "mlp"),
    "ours, tight, 1.8k at once": (16_384, 1_792, False, "nothing"),
    "ours, 32k a step": (32_768, 32_768, True, "nothing"),
    "ours, tight, layers anew": (16_384, 8_192, False, "layers"),
}
PEERS = {
    "TRL, packing": "off",
    "TRL, packing, checkpointing": "on",
    "transformers + peft, padded": "plain",
}
_WARM = 131_072  # tokens of the first steps, which compile kernels and record graphs


def ours(name: str, steps: int) -> dict[str, float]:
    """Speed of real optimizer steps through our trainer, its logging included."""
    budget, at_once, cache, recompute = OURS[name]
    work = alpaca(SHAPE.vocabulary)
    lengths = work.lengths
    warm = _WARM // budget
    plan = schedule(lengths, work.copies, budget=budget, epochs=9, seed=0)[: steps + warm]
    recorded = at_once < 14_000  # as the plan chooses
    if not recorded:
        without_holes()
    adapted = model(SHAPE, CONFIG, device="cuda", dtype="bfloat16", cache=cache)
    decoder_of(adapted).recompute(recompute)
    if not cache:
        leave_table(adapted)
    objective = Objective(adapted)
    gradients = Gradients(lora.trained(objective))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = PersonaTrainer(
            objective,
            CONFIG,
            Steps(
                plan,
                work.encoded,
                set(),
                start=0,
                budget=at_once,
                collapse=True,
                rank=0,
                world=1,
            ),
            {},
            folder=folder,
            dtype="bfloat16",
            device="cuda",
            deepspeed=None,
            gradients=gradients,
            recorder=Recorder(objective, at_once) if recorded else None,
            callbacks=[clock],
        )
        clock.trainer = trainer
        ends: list[float] = []

        def after(step: int, total: int) -> None:
            torch.cuda.synchronize()
            ends.append(time.perf_counter())

        # Else the GPU is not waited for, as in a job between checkpoints.
        trainer.due = lambda step, total: step in (1, warm, total)
        trainer.after_log = after
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()  # making the model's random weights took more
        began = time.perf_counter()
        trainer.train()
    done = sum(lengths[m.row] for step in plan[warm:] for m in step)
    return {
        "speed": done / (ends[-1] - ends[-2]),
        "step_seconds": statistics.median(clock.seconds[warm:]),
        "first_step_seconds": ends[0] - began,
        "gib": torch.cuda.max_memory_allocated() / 2**30,
        "reserved": torch.cuda.max_memory_reserved() / 2**30,
    }


def case(arguments: list[str]) -> dict[str, Any] | None:
    """The JSON that a process of its own prints last; None, and why, where it failed."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stderr.strip().splitlines()[-8:] or ["no word"]
        print("  skipped:", "\n    ".join(part[:200] for part in told), flush=True)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--case")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="*", help="names of the cases to run, or words in them")
    asked = parser.parse_args()
    if asked.case:
        print(json.dumps(ours(asked.case, asked.steps)))
        return
    here = Path(__file__)
    rate = product_rate()
    work = alpaca(SHAPE.vocabulary)
    whole = sum(work.lengths)
    least = flops_a_token(
        SHAPE, 64, sum(work.weights()) / whole, sum(n * n for n in work.lengths) / whole
    )
    limit = rate / least
    device = torch.cuda.get_device_name()
    print(f"{device}, torch {torch.__version__}: {rate / 1e12:.0f} TFLOP/s in a large product;")
    print(f"{least / 1e9:.2f} GFLOP a token: at most {limit:,.0f} tokens/s", flush=True)
    table: dict[str, dict[str, Any]] = {}
    facts = {"device": device, "torch": torch.__version__, "flops": rate, "limit": limit}

    def wanted(name: str) -> bool:
        words = set(asked.only or [""]) - {*PEERS, *OURS}
        return name in (asked.only or ()) or any(word in name for word in words)

    def record(name: str, arguments: list[str]) -> None:
        if found := case(arguments):
            table[name] = found
            _print(name, found, table, limit)
        if asked.json:  # after each case: what was measured stays, whatever comes
            asked.json.write_text(json.dumps({**facts, "table": table}, indent=2), "utf-8")

    for other in ("unsloth", "llamafactory"):
        if importlib.util.find_spec(other) is None:
            print(f"{other} skipped: not installed")
    missing = [m for m in ("trl", "datasets") if importlib.util.find_spec(m) is None]
    if missing:
        print(f"TRL skipped: {', '.join(missing)} not installed")
    else:
        with tempfile.TemporaryDirectory(dir=_roomy()) as home:
            folder = Path(home) / "base"
            for name in filter(wanted, PEERS):
                if not folder.exists():
                    write_random(SHAPE, folder)
                    torch.cuda.empty_cache()
                peer = [str(here.with_name("peers.py")), str(folder), str(LENGTHS), "16384"]
                record(name, [*peer, PEERS[name], str(max(10, asked.steps // 2))])
    for name in filter(wanted, OURS):
        record(name, [str(here), "--case", name, "--steps", str(asked.steps)])


def _roomy() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _print(
    name: str, found: dict[str, Any], table: dict[str, dict[str, Any]], limit: float
) -> None:
    peers = [(peer, table[peer]["speed"]) for peer in PEERS if peer in table]
    ratios = "".join(f"  {found['speed'] / speed:4.2f} × {peer}" for peer, speed in peers)
    extra = f"  {found['attention']}, Liger {found['liger']}" if "liger" in found else ""
    print(
        f"{name:30} {found['speed']:7,.0f} tokens/s  {found['gib']:5.1f} "
        f"({found['reserved']:5.1f}) GiB  {found['speed'] / limit:4.0%} of the limit"
        f"{ratios}{extra}",
        flush=True,
    )


if __name__ == "__main__":
    main()
