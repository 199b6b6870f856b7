"""The tutorial's whole job on this machine: 10,001 rows × 2 epochs, 1,024 × 16 tokens a step.

Run: PYTHONPATH=. python benchmarks/tutorial_job.py [--shape 1.8B] [--limit SECONDS] [--json FILE]
Without a shape the built-in model learns it; with one, a model of that shape with random weights
(`llamas.py`), made before the clock starts. Prints seconds of the training itself, from the `train`
command to its end, and to a merged model on disk. The machine was measured before (`core.rates`).
What is not done within the limit is ended, and told as far as it came.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from llamas import SHAPES, write_random
from plan_accuracy import run as apart

from core import studio
from core.cli.demo import make_ready
from core.cli.follow import follow
from core.config import catalog, writer
from core.config.schema import BUILTIN_MODEL
from core.hardware import detect
from core.models import folder, ready
from core.persona.generate import tutorial_rows
from core.run import Run
from core.settings import Settings
from core.status import status
from tests.bpe import write_tokenizer

_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


def made(shape: str, home: Path, settings: Settings) -> Path:
    """A model folder of a shape with random weights, and a real tokenizer."""
    target = home / f"random-{shape}"
    began = time.time()
    # In a process of its own, which leaves no memory of a GPU taken.
    here = [sys.executable, __file__, "--shape", shape, "--make", str(target)]
    subprocess.run(here, check=True)
    source = folder(settings, BUILTIN_MODEL)
    if ready(settings, BUILTIN_MODEL):
        for name in _TOKENIZER:
            if (source / name).exists():
                shutil.copy(source / name, target / name)
    else:  # converting it takes long; a small tokenizer does, with more tokens
        write_tokenizer(target)
    print(f"random weights made     {time.time() - began:.1f} s", flush=True)
    return target


def parts(run: Run, job: str) -> list[tuple[str, float]]:
    """What a job did between its events, one after another."""
    events = [e for e in run.events() if e["job"] == job]
    found: dict[str, float] = {}
    for before, after in pairwise(events):
        name = after.get("stage") or after["kind"]
        name = "until a step's end" if name == "stepped" else f"until {name}"
        found[name] = found.get(name, 0.0) + after["at"] - before["at"]
    return list(found.items())


def finish(run: Run, job: str) -> None:
    """Follow a job to its end, or to the end of the time."""
    try:
        code = follow(run, job, lambda line: None)
    except TimeoutError:
        studio.stop(run, job)
        studio.stop(run, job)
        tell(run, job)
        raise SystemExit(f"{job} was not done in time") from None
    if code != 0:
        raise SystemExit("the job failed; see " + run.log_of(job).read_text("utf-8")[-3000:])


def tell(run: Run, job: str) -> None:
    """Print the parts of a job."""
    for part, seconds in parts(run, job):
        print(f"  {seconds:6.1f} s  {part}", flush=True)


def late(*_: object) -> None:
    """The time is up."""
    raise TimeoutError


def main() -> None:
    """Train and merge it once, and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=int, default=0, help="seconds for training and merge")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.make:
        write_random(SHAPES[asked.shape], asked.make)
        return
    settings = Settings.from_environment()
    memory = Path("/dev/shm")
    home = Path(tempfile.mkdtemp(dir=memory if asked.shape and memory.is_dir() else None))
    model = str(made(asked.shape, home, settings)) if asked.shape else BUILTIN_MODEL
    if not asked.shape:
        make_ready(settings, BUILTIN_MODEL, print)
    apart(["--device", detect().device, "--home", str(settings.home), "--pace"])
    run = studio.new_run(Settings(settings.host, settings.port, home), "tutorial")
    studio.save_dataset(run, tutorial_rows("不要姜葱蒜大佬", 10_000))
    preset = catalog.preset("smollm2_135m_qlora_persona_tutorial_e2")
    text = writer.edit(writer.dump(preset), {("settings", "pretrained_model_name_or_path"): model})
    studio.save_config(run, text)
    signal.signal(signal.SIGALRM, late)
    signal.alarm(asked.limit)
    began = time.time()
    plan = studio.train(run, settings)
    finish(run, "train")
    trained = time.time() - began
    low, high = plan.seconds
    print(f"the train command       {trained:.1f} s (expected {low:.0f} to {high:.0f})")
    tell(run, "train")
    points = status(run).points
    studio.merge(run, settings)
    finish(run, "merge")
    whole = time.time() - began
    tell(run, "merge")
    steps = [e["at"] for e in run.events() if e["kind"] == "stepped"]
    training = sum(p.seconds for p in points)
    tokens = sum(p.rows_tokens_per_second * p.seconds for p in points)
    computed = sum(p.tokens_per_second * p.seconds for p in points)
    print(f"updates                 {plan.total_steps}")
    print(f"tokens learned          {tokens:,.0f}")
    print(f"tokens computed         {computed:,.0f}  ({tokens / computed:.0f} times fewer)")
    print(f"loss                    {points[0].loss:.3f} -> {points[-1].loss:.4f}")
    print(f"training                {training:.1f} s ({plan.step_seconds:.3f} s a step expected)")
    print(f"first step after        {steps[0] - began:.1f} s")
    print(f"to a merged model       {whole:.1f} s")
    print(f"peak memory             {points[-1].memory_gib:.2f} GiB ({plan.memory_gib} expected)")
    if asked.json:
        facts = {"training": training, "train": trained, "merged": whole}
        asked.json.write_text(json.dumps(facts), "utf-8")
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
