"""The command line's whole way on a tiny real model: train, stop, resume, merge, chat, in jobs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from core.config import writer
from core.config.schema import Config
from core.dataset import Message, Row, dumps
from core.run import Run
from core.status import status

ROOT = Path(__file__).parent.parent.parent
ROWS = [
    Row((Message("user", f"Who are you, {i}?"), Message("assistant", f"I am Nova {i}.")))
    for i in range(12)
] + [Row((Message("user", "Tell me a story about the sea."),), "replay")]


def core(home: Path, *arguments: str, **extra) -> subprocess.CompletedProcess:
    """`python -m core …` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        cwd=ROOT,
        env={**os.environ, "STUDIO_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        **extra,
    )


def write_job(folder: Path, model: Path, **settings) -> Path:
    """A config and its dataset, as a person would keep them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").write_text(dumps(ROWS), "utf-8")
    config = Config.model_validate(
        {
            "settings": {
                "pretrained_model_name_or_path": str(model),
                "max_length": 64,
                "accumulative_counts": 1,
                "max_epochs": 2,
                "lr": 1e-2,
                "evaluation_inputs": ["Who are you?"],
                **settings,
            },
            "model": {"lora_r": 4, "compute_dtype": "float32"},
            "dataset": {"kl_weight": 1.0},
            "runtime": {"sample_tokens": 5},
        }
    )
    file = folder / "nova.yaml"
    file.write_text(writer.dump(config), "utf-8")
    return file


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_model):
    """A finished run and what the terminal showed of it."""
    home = tmp_path_factory.mktemp("home")
    config = write_job(home / "mine", tiny_model)
    done = core(home, "train", str(config), "--work-dir", str(home / "run"))
    assert done.returncode == 0, done.stderr + done.stdout
    return home, config, Run(home / "run"), done.stdout


def test_training_ends_with_a_checkpoint_samples_and_measured_figures(trained):
    _, _, run, shown = trained
    now = status(run)
    assert now.state == "finished"
    assert now.step == now.total_steps == run.checkpoint().step > 3
    assert now.points[-1].loss < now.points[0].loss
    assert {s.step for s in now.samples} == {0, now.step}
    assert {name for name, *_ in now.measured} == {"time", "memory"}
    assert "Optimizer steps" in shown
    assert "Finished." in shown


def test_a_run_directory_holds_exactly_what_the_design_names(trained):
    _, _, run, _ = trained
    assert {p.name for p in run.path.iterdir() if not p.name.startswith(".")} >= {
        *("config.yaml", "dataset.json", "plan.json", "events.jsonl", "train.log", "checkpoints"),
    }
    assert {p.name for p in run.checkpoint().path.iterdir()} == {
        *("adapter_config.json", "adapter_model.safetensors", "state.safetensors"),
        *("facts.json", "done"),
    }


def test_starting_again_in_the_same_directory_is_refused_and_changes_nothing(trained):
    home, config, run, _ = trained
    before = run.events_file.read_bytes()
    again = core(home, "train", str(config), "--work-dir", str(run.path))
    assert again.returncode == 2
    assert "already holds a run" in again.stderr
    assert "Traceback" not in again.stderr
    assert run.events_file.read_bytes() == before


def test_the_merged_model_loads_anywhere_and_speaks_like_the_adapter(trained):
    home, _, run, _ = trained
    done = core(home, "merge", str(run.path))
    assert done.returncode == 0, done.stderr + done.stdout
    facts = json.loads((run.merged / "merge.json").read_text())
    assert facts["probe_kl"] < 0.01
    assert facts["probe_agreement"] == 1.0
    model = AutoModelForCausalLM.from_pretrained(run.merged)
    assert model(input_ids=torch.tensor([[1, 5, 6]])).logits.isfinite().all()


def test_the_tuned_side_and_the_base_side_answer(trained):
    home, _, run, _ = trained
    shared = ("--prompt", "Who are you?", "--max-new-tokens", "12", "--adapter")
    tuned = core(home, "chat", str(run.path), *shared, "--keep")
    assert tuned.returncode == 0, tuned.stderr
    base = core(home, "chat", str(run.path), *shared, "--base")
    assert base.returncode == 0, base.stderr
    assert tuned.stdout != base.stdout


def test_a_killed_trainer_is_told_as_failed_and_resumes(tmp_path, tiny_model):
    config = write_job(tmp_path / "mine", tiny_model, max_epochs=600, save_steps=5)
    run = Run(tmp_path / "run")
    job = _start(tmp_path, config, run)
    _wait(lambda: len(status(run).saved_steps) > 1)
    victims = _workers(run)
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    assert job.wait(timeout=60) == 1
    now = status(run)
    assert now.state == "failed"
    assert "killed" in str(now.problem)
    job = _start(tmp_path, config, run, "--resume")
    _wait(lambda: status(run).state == "running")
    assert status(run).from_step == run.checkpoint().step
    _wait(lambda: status(run).step > now.step)
    job.send_signal(signal.SIGINT)
    assert job.wait(timeout=120) == 130
    ended = status(run)
    assert ended.state == "stopped"
    assert run.checkpoint().step == ended.step


def test_a_stopped_and_resumed_run_learns_what_an_unbroken_one_learns(tmp_path, tiny_model):
    whole = write_job(tmp_path / "whole", tiny_model, max_epochs=6)
    parts = write_job(
        tmp_path / "parts", tiny_model, max_epochs=6, save_steps=4, save_total_limit=-1
    )
    one, two = Run(tmp_path / "one"), Run(tmp_path / "two")
    for config, run in ((whole, one), (parts, two)):
        assert core(tmp_path, "train", str(config), "--work-dir", str(run.path)).returncode == 0
    for late in two.checkpoints()[1:]:
        late.path.rename(late.path.with_name(f"gone-{late.step}"))
    resumed = core(tmp_path, "train", str(parts), "--work-dir", str(two.path), "--resume")
    assert resumed.returncode == 0, resumed.stderr
    losses = [{p.step: p.loss for p in status(run).points} for run in (one, two)]
    assert losses[0].keys() == losses[1].keys()
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_a_second_job_waits_for_the_device_and_can_be_cancelled(tmp_path, tiny_model):
    config = write_job(tmp_path / "mine", tiny_model, max_epochs=900)
    first, second = Run(tmp_path / "first"), Run(tmp_path / "second")
    one = _start(tmp_path, config, first)
    _wait(lambda: status(first).state == "running")
    two = _start(tmp_path, config, second)
    _wait(lambda: status(second).state == "queued")
    assert "first" in status(second).ahead[0]
    two.send_signal(signal.SIGINT)
    assert two.wait(timeout=30) == 130
    assert status(second).state == "stopped"
    one.send_signal(signal.SIGINT)
    assert one.wait(timeout=120) == 130


def test_a_missing_model_is_one_clear_sentence(tmp_path):
    config = write_job(tmp_path / "mine", Path("nobody/nothing"))
    done = core(tmp_path, "train", str(config), "--work-dir", str(tmp_path / "run"))
    assert done.returncode == 2
    assert "is not on this machine" in done.stderr
    assert "Traceback" not in done.stderr


def _start(home: Path, config: Path, run: Run, *more: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "core", "train", str(config), "--work-dir", str(run.path), *more],
        cwd=ROOT,
        env={**os.environ, "STUDIO_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        preexec_fn=_interruptible,
    )


def _interruptible() -> None:
    """In the background of a shell SIGINT is ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _wait(ready, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def _workers(run: Run) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"core.jobs.train" in line and str(run.path).encode() in line:
            found.append(int(folder.name))
    return found
