"""Do starts ever fail? Many trainings in a row, NF4 + ZeRO-2 in two processes, two steps each.

Run: PYTHONPATH=. python benchmarks/starts.py --json FILE [--starts 20] [--kinds cold warm compiled]
“cold” begins each time with an empty cache of compiled operations, “warm” with that of the one
before; “compiled” is cold, too, and asks for DeepSpeed's own AdamW, which takes a compiler and a
minute. Prints how many of how many trained, and the log of each that did not. What FILE has is not
run again: with --seconds, the starts may be made in several parts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from distributed import Cell, config_of, made_rows, wait, write_model

from core import dataset, run, studio
from core.config import writer
from core.settings import Settings
from core.status import status

OWN: Final = b'{"zero_optimization": {"stage": 2, "offload_optimizer": {"device": "cpu"}}}'
_ROWS: Final = 24  # two steps of the tiny model


def start(home: Path, model: Path, rows: list[dataset.Row], kind: str) -> tuple[str, float]:
    """One training; its state at the end, and the seconds until its first step."""
    settings = Settings("", 0, home)
    job = run.create(settings.runs, kind)
    cell = Cell("tiny", "nf4", "deepspeed_zero2", 2)
    studio.save_config(job, writer.dump(config_of(cell, model, rank=8)))
    studio.save_dataset(job, rows)
    if kind == "compiled":
        studio.set_split(job, "own.json", 2, OWN)
    began = time.time()
    studio.train(job, settings)
    wait(job, "train", 300)
    steps = [e["at"] for e in job.events() if e["kind"] == "stepped"]
    state = status(job).state
    if state == "finished":
        shutil.rmtree(job.path)
        return state, steps[0] - began
    print(job.log_of("train").read_text("utf-8", "replace")[-4_000:], flush=True)
    return state, 0.0


def main() -> None:
    """Count the starts that trained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=["cold", "warm"])
    parser.add_argument("--json", type=Path, required=True, help="results; read, and added to")
    parser.add_argument("--seconds", type=float, default=3_600, help="begin no start after these")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "starts")
    asked = parser.parse_args()
    began, home = time.monotonic(), asked.home
    home.mkdir(parents=True, exist_ok=True)
    known = json.loads(asked.json.read_text("utf-8")) if asked.json.exists() else {}
    (home / "rows.json").write_text(json.dumps(made_rows(_ROWS)), "utf-8")
    rows, model = dataset.load(home / "rows.json"), home / "models" / "tiny"
    if not (model / "whole").exists():
        write_model("tiny", model, home / "rows.json")
    for kind in asked.kinds:
        cache, found = home / f"ops-{kind}", known.setdefault(kind, [])
        os.environ["TORCH_EXTENSIONS_DIR"] = str(cache)
        while len(found) < asked.starts and time.monotonic() - began < asked.seconds:
            if kind != "warm":
                shutil.rmtree(cache, ignore_errors=True)
            found.append(start(home, model, rows, kind))
            asked.json.write_text(json.dumps(known), "utf-8")
            print(f"{kind}: {found[-1][0]} after {found[-1][1]:.0f} s", flush=True)
        good = [seconds for state, seconds in found if state == "finished"]
        print(
            f"{kind} cache: {len(good)} of {len(found)} trained; "
            f"first step after {statistics.median(good or [0]):.1f} s (median); "
            f"built: {[p.name for p in cache.rglob('*.so')] or 'nothing'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
