"""Training in several processes beside one: losses, speed, memory, stop, resume, merge.

Run: PYTHONPATH=. python benchmarks/distributed.py --json FILE [--seconds 280] [--only WORD …]
Each cell is a real training on random weights of a known shape, written once. Cells that FILE has
are not run again, so a machine lent for minutes can be used several times. The loss of each step is
compared with that of one process, unsplit; tokens/s is the median step after warm-up. Cells of as
many processes follow one another in the same ones, which are started once; a cell that is stopped,
goes on and is merged is made of jobs of their own, as the page starts them.
On a machine without GPUs: --shapes tiny --cpu --rank 8.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import gc
import itertools
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import llamas

from core import dataset, launch, run, studio
from core.config import writer
from core.config.schema import Config
from core.hardware import detect
from core.models import Shape
from core.run import Run
from core.settings import Settings
from core.status import status
from core.tokens import ChatTokenizer
from core.work import encode
from tests.bpe import write_tokenizer

SHAPES: Final = {
    "1.8b": llamas.SHAPES["1.8B"],
    "7b": llamas.SHAPES["InternLM2-7B"],
    "135m": llamas.SHAPES["0.1B"],  # the built-in model
    "tiny": Shape(64, 2, 4, 2, 16, 128, 4_096, False, 2_048),
}
WAYS: Final = ("none", "deepspeed_zero1", "deepspeed_zero2", "deepspeed_zero3")
TOLERANCE: Final = 0.02  # nats between a step's loss here and in one process; 16-bit sums differ
_WARM: Final = 3  # steps that compile kernels and record graphs
_SHARED: Final = Path("/dev/shm")
_ROOMY: Final = _SHARED.is_dir() and shutil.disk_usage(_SHARED).free > 2**36  # two models, and NCCL
_FAST: Final = _SHARED if _ROOMY else Path(tempfile.gettempdir())


@dataclass(frozen=True)
class Cell:
    """One training; with `then`, stopped half-way, resumed so, and merged."""

    shape: str
    base: str  # nf4, nf4-packed (unpacked at every use) or bf16
    way: str
    processes: int
    then: tuple[str, int] | None = None

    @property
    def name(self) -> str:
        """As in the table, and for `--only`."""
        on = f", then {_short(self.then[0])} on {self.then[1]}" if self.then else ""
        return f"{self.shape} {self.base} {_short(self.way)} on {self.processes}{on}"

    @property
    def reference(self) -> str:
        """The cell whose losses this one's must equal; NF4 has the same numbers, packed or not."""
        return Cell(self.shape, self.base.removesuffix("-packed"), "none", 1).name


def _short(way: str) -> str:
    return way.removeprefix("deepspeed_")


def cells(shapes: Sequence[str], most: int) -> Iterator[Cell]:
    """What to run, the most telling first; `most`: processes to compare with one."""
    for number, shape in enumerate(shapes):
        for base in ("nf4", "bf16"):
            yield Cell(shape, base, "none", 1)
            for way in WAYS:
                yield Cell(shape, base, way, most)
            if number == 0 and base == "nf4":
                yield Cell(shape, base, "deepspeed_zero2", most, then=("none", 1))
                yield Cell(shape, base, "none", 1, then=("deepspeed_zero3", most))
    yield Cell(shapes[0], "bf16", "deepspeed_zero3", most, then=("deepspeed_zero1", most))
    yield Cell(shapes[0], "nf4", "deepspeed_zero2_offload", most)
    yield Cell(shapes[0], "nf4-packed", "none", most)
    yield Cell(shapes[0], "nf4-packed", "deepspeed_zero3", most)


def write_model(shape: str, folder: Path, rows: Path) -> None:
    """Config, random weights in 16 bits, and a byte-level BPE learned from the rows."""
    llamas.write_random(SHAPES[shape], folder)
    texts = (m.content for r in dataset.load(rows) for m in r.messages)
    write_tokenizer(folder, texts=texts, tokens=4_000)
    (folder / "whole").touch()


def made_rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Records of made-up words, about as long as alpaca's: median 12 and 60, long tails."""
    rng = random.Random(seed)
    parts = ["ka", "mi", "no", "ra", "te", "shu", "lo", "en", "vi", "dor", "an", "pel"]
    words = ["".join(rng.choices(parts, k=rng.randint(1, 4))) for _ in range(3_000)]

    def sentence(median: int, spread: float) -> str:
        return " ".join(rng.choices(words, k=max(2, int(rng.lognormvariate(0, spread) * median))))

    return [
        {
            "messages": [
                {"role": "user", "content": sentence(12, 0.5)},
                {"role": "assistant", "content": sentence(60, 0.8)},
            ]
        }
        for _ in range(count)
    ]


def config_of(
    cell: Cell, model: Path, rank: int, at_once: int = 0, gpus: Sequence[int] = ()
) -> Config:
    """The cell's config: steps of 32,768 tokens in passes of half as many, so that two share."""
    tiny = cell.shape == "tiny"
    length, counts, most = (1_024, 32, 16_384)
    if cell.shape in ("tiny", "135m"):
        length, counts, most = (256, 8, 1_024)
    at_once = at_once or most
    return Config.model_validate(
        {
            "settings": {
                "pretrained_model_name_or_path": str(model),
                "max_length": length,
                "accumulative_counts": counts,
                "max_epochs": 1,
                "lr": 5e-3 if tiny else 2e-4,
                "evaluation_inputs": [],
                "save_total_limit": 1,
            },
            "model": {
                "quantization": "none" if cell.base == "bf16" else "nf4",
                "compute_dtype": "bfloat16",
                "lora_r": rank,
            },
            "runtime": {
                "deepspeed": cell.way,
                "processes": cell.processes,
                "gpus": tuple(gpus),
                "micro_batch_tokens": at_once,
                "weight_cache": "off" if cell.base == "nf4-packed" else "auto",
            },
        }
    )


def enough(rows: Path, model: Path, config: Config, steps: int) -> list[dataset.Row]:
    """The first rows, as many as fill so many steps."""
    read = dataset.load(rows)
    lengths = encode(read, ChatTokenizer.load(model), config).lengths
    total = list(accumulate(lengths))
    # The rows all differ, so they are encoded in their order; packing leaves little room unused.
    return read[: bisect(total, 0.97 * steps * config.tokens_per_step)]


def wait(job: Run, what: str, limit: float, until_step: int = 0) -> None:
    """Wait for a job's end, or for a step; ended by force after `limit` seconds."""
    began = time.monotonic()
    while job.alive:
        if until_step and status(job, what).step >= until_step:
            return
        if time.monotonic() - began > limit:
            studio.stop(job, what)
            studio.stop(job, what)
            limit += 60
        time.sleep(0.1)


def prepared(cell: Cell, settings: Settings, model: Path, rows: Path, asked: Any) -> Run:
    """A run of the cell, ready to be planned."""
    job = run.create(settings.runs, "cell")
    config = config_of(cell, model, asked.rank, asked.at_once, asked.gpus)
    studio.save_config(job, writer.dump(config))
    chosen = rows.with_name(f"{rows.stem}-{cell.shape}.json")
    if not chosen.exists():
        studio.save_dataset(job, enough(rows, model, config, asked.steps))
        shutil.copy(job.dataset_file, chosen)
    shutil.copy(chosen, job.dataset_file)
    return job


def whole(cell: Cell, settings: Settings, model: Path, rows: Path, asked: Any) -> dict[str, Any]:
    """A cell with `then`, as jobs: stopped half-way, gone on with, merged; its result."""
    assert cell.then
    began = time.monotonic()
    job = prepared(cell, settings, model, rows, asked)
    plan = studio.train(job, settings)
    wait(job, "train", asked.cell_seconds, until_step=asked.steps // 2)
    if job.alive:
        studio.stop(job)
        wait(job, "train", asked.cell_seconds)
        if status(job).state == "stopped":
            studio.set_split(job, cell.then[0], cell.then[1])
            studio.train(job, settings, resume=True)
            wait(job, "train", asked.cell_seconds)
    found: dict[str, Any] = {"merged": False, "merge_kl": None}
    if status(job).state == "finished":
        studio.merge(job, settings)
        wait(job, "merge", asked.cell_seconds)
        kl = [e["measured"] for e in job.events() if e["kind"] == "measured" and "KL" in e["name"]]
        found = {"merged": job.is_merged, "merge_kl": kl[0] if kl else None}
    return {**result(cell, job, plan, asked), **found, "seconds": time.monotonic() - began}


def result(cell: Cell, job: Run, plan: Any, asked: Any) -> dict[str, Any]:
    """What a run's events tell: losses, speed, memory, seconds of each phase, or its problem."""
    events = [e for e in job.events() if e["job"] == "train"]
    steps = [e for e in events if e["kind"] == "stepped"]
    speeds = [e["tokens"] / e["seconds"] for e in steps[_WARM:] if not cell.then]
    found: dict[str, Any] = {
        "losses": [e["loss"] for e in steps],
        "steps": [e["step"] for e in steps],
        "tokens_per_second": round(statistics.median(speeds)) if speeds else 0,
        "rank": asked.rank,
        "step_seconds": [e["seconds"] for e in steps],
        "memory_gib": _memory(events),
        "expected_gib": [round(g, 2) for g in plan.memory_gib],
        "expected_state_gib": round(next(o for o in plan.options if o.name == cell.way).gib, 2),
        "tokens_at_once": plan["micro_batch_tokens"],
        "recorded": any(i.name == "cuda_graphs" and i.value for i in plan.items),
        "phases": phases(events),
    }
    now = status(job)
    if now.state != "finished":
        found["problem"] = f"{now.state}: {now.problem or ''} {found['phases']}"
        if (log := job.log_of("train")).exists():
            print(log.read_text("utf-8", "replace")[-3_000:], flush=True)
    return found


def _memory(events: Sequence[Any]) -> list[float]:
    """GiB of each rank of each start, less what cells before it left in the same processes."""
    before = next((e["inherited"] for e in events if "inherited" in e), [])
    found = (g for e in events for g in e.get("ranks", []))
    less = itertools.chain(before, itertools.repeat(0.0))
    return [round(g - held, 2) for g, held in zip(found, less, strict=False)]


def phases(events: Sequence[Any]) -> dict[str, float]:
    """Seconds: start (until the model loads), load, first step, the others, end; of one start."""
    marks = [("start", events[0]["at"])] if events else []
    for e in events:
        if e["kind"] == "progressed" and e["stage"] == "loading the model":
            marks.append(("first" if e["done"] else "load", e["at"]))
        elif e["kind"] == "stepped":
            marks.append(
                ("end", e["at"]) if marks[-1][0] in ("steps", "end") else ("steps", e["at"])
            )
        elif e["kind"] in ("finished", "failed", "stopped"):
            marks.append(("", e["at"]))
    found: dict[str, float] = {}
    for (name, at), (then, until) in itertools.pairwise(marks):
        name = "steps" if then == "end" else name
        if name:
            found[name] = round(found.get(name, 0) + until - at, 1)
    return found


def series(
    wanted: Sequence[Cell], settings: Settings, model: Path, rows: Path, asked: Any
) -> Iterator[tuple[Cell, dict[str, Any]]]:
    """Cells of as many processes, one after another in the same processes; their results.

    Where one fails or does not end, those after it get new processes.
    """
    left = list(wanted)
    while left:
        jobs = [prepared(c, settings, model, rows, asked) for c in left]
        # Planned while nothing is on the GPUs, whose free memory a plan looks at.
        plans = [studio.make_plan(job, settings) for job in jobs]
        command = [*launch.on_gpus(plans[0].gpus), sys.executable]
        if left[0].processes > 1:
            command += ["-m", "torch.distributed.run", "--standalone"]
            command += [f"--nproc-per-node={left[0].processes}"]
        command += [__file__, "--json", "-", "--inside", *(str(j.path) for j in jobs)]
        command += ["--cell-seconds", str(asked.cell_seconds), "--home", str(settings.home)]
        log = asked.json.with_suffix(f".{left[0].shape}-{left[0].processes}.log")
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
        env |= {"TOKENIZERS_PARALLELISM": "false", "GOMP_SPINCOUNT": "10000"}
        began = time.time()
        with log.open("ab") as file:
            child = subprocess.Popen(command, env=env, stdout=file, stderr=file)
        for cell, job, plan in zip(list(left), jobs, plans, strict=True):
            ends = ("finished", "failed")
            while child.poll() is None and not any(e["kind"] in ends for e in job.events()):
                time.sleep(0.1)
            found = result(cell, job, plan, asked)
            if job is jobs[0] and (events := job.events()):
                print(f"processes began in {events[0]['at'] - began:.0f} s", flush=True)
            end = "" if found["losses"] else log.read_text("utf-8", "replace")[-2_000:]
            print(end, end="", flush=True)
            left.remove(cell)
            yield cell, {**found, "seconds": sum(found["phases"].values())}
            if "problem" in found:
                break
        child.wait()
        for job in jobs:
            shutil.rmtree(job.path, ignore_errors=True)


def inside(paths: Sequence[str], settings: Settings, limit: float) -> None:
    """In one of the processes of a series: train each run; where one hangs, say where, and end."""
    import torch
    import torch.distributed as dist
    from accelerate.state import AcceleratorState, GradientState

    from core.engine.pulse import Pulse
    from core.engine.ranks import Ranks
    from core.engine.train import train

    class Met(Ranks):
        """Ranks that stay together from one run to the next."""

        def join(self, device: str, *, alone: bool = False) -> None:
            if not dist.is_initialized():
                super().join(device, alone=alone)

    ranks, inherited = Met.from_environment(), [0.0]
    for path in paths:
        job = Run(Path(path))
        faulthandler.dump_traceback_later(limit, exit=True)
        if ranks.first:
            job.emit("requested", "train", command=[], inherited=inherited)
        pulse = Pulse(job, "train", ranks)
        try:
            train(job, settings, resume=False, ranks=ranks, pulse=pulse)
        except BaseException as error:
            job.emit("failed", "train", problem=repr(error)[:300], remedy="", detail="")
            raise
        pulse.leave()
        if ranks.first:
            job.emit("finished", "train")
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        os.environ.pop("ACCELERATE_USE_DEEPSPEED", None)
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
            inherited = ranks.agree(torch.cuda.memory_reserved() / 2**30)
            torch.cuda.reset_peak_memory_stats()
    faulthandler.cancel_dump_traceback_later()
    with contextlib.suppress(RuntimeError, ValueError):
        dist.destroy_process_group()


def judged(cell: Cell, found: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """The result beside one process's: largest difference of a loss, speed-up, verdict."""
    reference = table.get(cell.reference, found)
    ours, theirs = found["losses"], reference["losses"]
    if not ours or "problem" in found:
        return found
    gap = max(abs(a - b) for a, b in zip(ours, theirs, strict=False))
    every = found["steps"] == list(range(1, len(theirs) + 1))
    ratio = found["tokens_per_second"] / max(1, reference["tokens_per_second"])
    return {
        **found,
        "gap": round(gap, 4),
        "equal": gap <= TOLERANCE and every,
        "times": round(ratio, 2),
    }


def line(cell: Cell, found: dict[str, Any]) -> str:
    """One row of the table."""
    if "problem" in found:
        return f"| {cell.name} | {found['problem']} |"
    low, high = found["expected_gib"]
    losses = found["losses"]
    cells = [
        cell.name,
        f"{losses[0]:.3f} → {losses[-1]:.3f}",
        f"{found['gap']:.4f} {'equal' if found['equal'] else 'DIFFERENT'}",
        f"{found['tokens_per_second']:,}" if found["tokens_per_second"] else "",
        f"{found['times']:.2f} ×" if found["tokens_per_second"] else "",
        " ".join(f"{g:.1f}" for g in found["memory_gib"]),
        f"{low:.1f}-{high:.1f}",
        f"KL {found['merge_kl']:.1e}" if found.get("merged") else "",
        " ".join(f"{k} {v:.0f}" for k, v in found.get("phases", {}).items()),
    ]
    return f"| {' | '.join(cells)} |"


HEAD: Final = (
    "| cell | loss, first → last | largest gap | tokens/s | against 1 | GiB of each | expected "
    "| merged | seconds |\n|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Run what is missing within the budget, print the table, keep everything in the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True, help="results; read, and added to")
    parser.add_argument("--shapes", nargs="+", choices=[*SHAPES], default=["1.8b", "7b"])
    parser.add_argument("--processes", type=int, default=2, help="to compare with one")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rank", type=int, default=64, help="of the adapter")
    parser.add_argument("--at-once", type=int, default=0, help="tokens of a pass")
    parser.add_argument(
        "--gpus", type=int, nargs="+", default=[], help="by number; any unless given"
    )
    parser.add_argument("--seconds", type=float, default=3_600, help="begin no cell after these")
    parser.add_argument("--cell-seconds", type=float, default=240, help="a cell is ended after")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        help="cells whose name has one of these, in this order; $ ends it",
    )
    parser.add_argument("--home", type=Path, default=_FAST / "distributed")
    parser.add_argument("--cpu", action="store_true", help="allow a machine without GPUs")
    parser.add_argument("--list", action="store_true", help="only print the cells' names")
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--inside", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    settings, rows = Settings("", 0, asked.home), asked.home / f"rows-{asked.steps}.json"
    if asked.inside:
        return inside(asked.inside, settings, asked.cell_seconds)
    if asked.write:
        return write_model(asked.write[0], Path(asked.write[1]), rows)

    def place(cell: Cell) -> int:
        return next((i for i, w in enumerate(asked.only) if w in f"{cell.name}$"), -1)

    plan = [*cells(asked.shapes, asked.processes)]
    if asked.only:
        plan = sorted((c for c in plan if place(c) >= 0), key=place)
    if asked.list:
        return print("\n".join(c.name for c in plan))
    began, hardware = time.monotonic(), detect()
    if not hardware.gpus and not asked.cpu:
        sys.exit("No GPU is seen here (nvidia-smi). Add --cpu to go on without.")
    table = json.loads(asked.json.read_text("utf-8")) if asked.json.exists() else {}
    asked.home.mkdir(parents=True, exist_ok=True)
    if not rows.exists():
        rows.write_text(json.dumps(made_rows(400 * asked.steps)), "utf-8")
    print(f"{[g.name for g in hardware.gpus] or hardware.cores}\n{HEAD}", flush=True)

    def keep(cell: Cell, found: dict[str, Any]) -> None:
        table[cell.name] = known = judged(cell, found, table)
        table["machine"] = {"gpus": [g.name for g in hardware.gpus], "cores": hardware.cores}
        asked.json.write_text(json.dumps(table, indent=1), "utf-8")
        print(line(cell, known), flush=True)

    for cell in plan:
        if "problem" not in table.get(cell.name, {"problem": ""}):
            print(line(cell, table[cell.name]), flush=True)
    missing = [c for c in plan if "problem" in table.get(c.name, {"problem": ""})]
    for (shape, _, _), group in itertools.groupby(missing, _together):
        if time.monotonic() - began > asked.seconds:
            break
        wanted, model = list(group), asked.home / "models" / shape
        if not (model / "whole").exists():
            own = [sys.executable, __file__, "--json", str(asked.json)]
            own += ["--home", str(asked.home), "--steps", str(asked.steps)]
            own += ["--write", shape, str(model)]
            subprocess.run(own, check=True)
        if wanted[0].then:
            for cell in wanted:
                keep(cell, whole(cell, settings, model, rows, asked))
        else:
            for cell, found in series(wanted, settings, model, rows, asked):
                keep(cell, found)


def _together(cell: Cell) -> tuple[str, int, bool]:
    """What cells must have in common to follow one another in the same processes."""
    return cell.shape, cell.processes, cell.then is not None


if __name__ == "__main__":
    main()
