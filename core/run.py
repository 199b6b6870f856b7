"""A run directory: all about one assistant in the making, enough by itself to carry it on."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core import events
from core.errors import UserError
from core.files import Lock, inside, safe_name

_STEP: Final = "step-{:06d}"


@dataclass(frozen=True)
class Checkpoint:
    """A saved adapter of a run and the state to train on from it."""

    path: Path

    @property
    def step(self) -> int:
        """Optimizer steps done."""
        return int(self.path.name.removeprefix("step-"))

    @property
    def complete(self) -> bool:
        """Whether its last file, the `done` marker, is there."""
        return (self.path / "done").exists()


@dataclass(frozen=True)
class Run:
    """One run by its directory. Cheap: every property reads the disk."""

    path: Path

    @property
    def persona_file(self) -> Path:
        """Who the assistant is."""
        return self.path / "persona.yaml"

    @property
    def dataset_file(self) -> Path:
        """Its conversations, as OpenAI messages."""
        return self.path / "dataset.json"

    @property
    def config_file(self) -> Path:
        """What the person asked for, in five parts."""
        return self.path / "config.yaml"

    @property
    def plan_file(self) -> Path:
        """What this machine does about it."""
        return self.path / "plan.json"

    @property
    def deepspeed_file(self) -> Path:
        """The person's own DeepSpeed file, where the config names one."""
        return self.path / "deepspeed.json"

    @property
    def events_file(self) -> Path:
        """What happened, appended."""
        return self.path / "events.jsonl"

    @property
    def lock_file(self) -> Path:
        """Held by every process of a job that changes the run."""
        return self.path / "job.lock"

    @property
    def chat_lock_file(self) -> Path:
        """Held by the chat job."""
        return self.path / "chat.lock"

    @property
    def merged(self) -> Path:
        """The merged model."""
        return self.path / "merged"

    @property
    def merged_internlm2(self) -> Path:
        """The same in InternLM2's own layout, where that was asked for."""
        return self.path / "merged-internlm2"

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.path.name

    @property
    def alive(self) -> bool:
        """Whether a job that changes this run is living."""
        return Lock.held(self.lock_file)

    @property
    def chatting(self) -> bool:
        """Whether a chat job of this run is living."""
        return Lock.held(self.chat_lock_file)

    def stop_file(self, job: str) -> Path:
        """The file that asks a job of this run to end."""
        return self.path / f"{job}.stop"

    def log_of(self, job: str) -> Path:
        """What a job's processes print."""
        return self.path / f"{job}.log"

    def events(self) -> list[events.Event]:
        """Everything that happened, oldest first."""
        return events.read(self.events_file)

    def emit(self, kind: str, job: str, **fields: Any) -> None:
        """Append one event."""
        events.append(self.events_file, kind, job, **fields)

    def checkpoint_path(self, step: int) -> Path:
        """Where the checkpoint of a step lies or will lie."""
        return self.path / "checkpoints" / _STEP.format(step)

    def checkpoints(self) -> list[Checkpoint]:
        """Complete checkpoints, by step."""
        found = (Checkpoint(p) for p in (self.path / "checkpoints").glob("step-*"))
        return sorted((c for c in found if c.complete), key=lambda c: c.step)

    def checkpoint(self, step: int | None = None) -> Checkpoint:
        """The checkpoint of a step, or the newest.

        Raises:
            UserError: there is none.
        """
        all_ = self.checkpoints()
        for c in reversed(all_):
            if step is None or c.step == step:
                return c
        if all_:
            raise UserError(
                "The run {run} has no checkpoint of step {step}.",
                "Choose one of these steps: {steps}.",
                run=self.name,
                step=step,
                steps=", ".join(str(c.step) for c in all_),
            )
        raise UserError("The run {run} has no checkpoint yet.", "Train it first.", run=self.name)

    @property
    def is_merged(self) -> bool:
        """Whether a complete merged model is there."""
        return (self.merged / "done").exists()

    def plan(self) -> dict[str, Any] | None:
        """The written plan as plain data, None before there is one."""
        return json.loads(self.plan_file.read_text("utf-8")) if self.plan_file.exists() else None

    def size_bytes(self) -> int:
        """Disk taken by the whole directory."""
        return sum(p.stat().st_size for p in self.path.rglob("*") if p.is_file())


def create(runs: Path, title: str) -> Run:
    """A new directory named after `title` and the minute; never one that exists.

    Raises:
        UserError: the folder cannot be written.
    """
    stem = f"{safe_name(title)}-{time.strftime('%m%d-%H%M')}"
    for number in range(1, 1000):
        path = runs / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return Run(path)
    raise UserError("There are too many runs named {stem}.", "Delete some.", stem=stem)


def rename(run: Run, title: str) -> Run:
    """Give a run's directory another name.

    Raises:
        UserError: one of its jobs is living, or there is a run of that name.
    """
    path = run.path.with_name(safe_name(title))
    if run.alive or run.chatting:
        raise UserError("The run {run} is working.", "Stop it first.", run=run.name)
    if path.exists():
        raise UserError(
            "There is a run named {name} already.", "Choose another name.", name=path.name
        )
    run.path.rename(path)
    return Run(path)


def find(runs: Path, name: str) -> Run:
    """The run of that name.

    Raises:
        UserError: there is none, or the name is not one.
    """
    path = inside(runs, name)
    if not path.is_dir():
        raise UserError("There is no run named {name}.", "Pick one from the list.", name=name)
    return Run(path)


def all_runs(runs: Path) -> list[Run]:
    """Every run of the workspace, newest first."""
    if not runs.is_dir():
        return []
    found = [p for p in runs.iterdir() if p.is_dir() and not p.name.startswith(".")]
    return [Run(p) for p in sorted(found, key=lambda p: p.stat().st_mtime, reverse=True)]


def delete(run: Run) -> None:
    """Remove a run with all it holds.

    Raises:
        UserError: one of its jobs is living.
    """
    if run.alive or run.chatting:
        raise UserError("The run {run} is working.", "Stop it first.", run=run.name)
    grave = run.path.with_name(f".deleted-{run.name}-{time.time_ns()}")
    run.path.rename(grave)
    shutil.rmtree(grave)
