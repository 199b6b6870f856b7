"""What a run is doing, derived afresh from its events and its lock; nothing is stored.

Page load, timer tick and `python -m core status` all call `status`, so a refresh is a tick.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from core.errors import Text, text
from core.events import Event
from core.run import Run

State = Literal[
    "draft", "queued", "starting", "running", "stopping", "stopped", "failed", "finished"
]

_RATE_WINDOW: Final = 20  # steps over which speed and ETA are averaged


@dataclass(frozen=True)
class Sample:
    """An evaluation question answered at a step (0 = before training)."""

    step: int
    question: str
    answer: str


@dataclass(frozen=True)
class Point:
    """One optimizer step as measured, over all processes.

    `tokens_per_second` counts what was computed; `rows_tokens_per_second` what was learned, equal
    rows counted as often as they stand in the step.
    """

    step: int
    loss: float
    learning_rate: float
    tokens_per_second: float
    rows_tokens_per_second: float
    seconds: float
    memory_gib: float
    kl: float | None = None


@dataclass(frozen=True)
class Halving:
    """Memory ran out at a step; since then `tokens` instead of `before` are computed at once."""

    step: int
    before: int
    tokens: int


@dataclass(frozen=True)
class Probed:
    """Held-out questions about the persona asked at a step, and the share answered rightly."""

    step: int
    recall: float
    asked: int


@dataclass(frozen=True)
class Status:
    """One job of a run at one moment. Times in seconds."""

    state: State = "draft"
    stage: str = ""
    stage_done: float = 0
    stage_total: float = 0
    place: int = 0
    ahead: tuple[str, ...] = ()
    from_step: int = 0
    total_steps: int = 0
    points: tuple[Point, ...] = ()
    samples: tuple[Sample, ...] = ()
    saved_steps: tuple[int, ...] = ()
    probed: tuple[Probed, ...] = ()
    halvings: tuple[Halving, ...] = ()
    measured: tuple[tuple[str, float, float, str], ...] = ()
    started_at: float | None = None
    ended_at: float | None = None
    eta_seconds: float | None = None
    problem: Text | None = None
    remedy: Text | None = None
    detail: str = ""

    @property
    def step(self) -> int:
        """Optimizer steps done, those before a resume included."""
        return self.points[-1].step if self.points else self.from_step

    @property
    def active(self) -> bool:
        """Whether a job is waiting or working."""
        return self.state in ("queued", "starting", "running", "stopping")

    @property
    def elapsed_seconds(self) -> float:
        """Time since the job got the device, or that it took."""
        if self.started_at is None:
            return 0.0
        return (self.ended_at or time.time()) - self.started_at


def status(run: Run, job: str = "train") -> Status:
    """The state of one kind of job of a run."""
    folded = fold([e for e in run.events() if e["job"] == job])
    alive = run.chatting if job == "chat" else run.alive
    if folded.active and not alive:
        # Its processes are gone and no event says why: killed, out of memory, or power lost.
        return replace(
            folded,
            state="failed",
            eta_seconds=None,
            problem=text("The job ended without a word: it was killed, or memory ran out."),
            remedy=text("Press Resume to go on from the last checkpoint; the log may say more.")
            if job == "train"
            else text("Start it again; the log may say more."),
        )
    return folded


def fold(events: Sequence[Event]) -> Status:
    """The status that a job's events describe, oldest first."""
    now = Status()
    for event in events:
        now = _apply(now, event)
    return replace(now, eta_seconds=_eta(now))


def _apply(now: Status, e: Event) -> Status:
    match e["kind"]:
        case "requested":
            # A new start keeps what the run already learned on the plots.
            return Status(
                state="starting",
                points=now.points,
                samples=now.samples,
                saved_steps=now.saved_steps,
                probed=now.probed,
                total_steps=now.total_steps,
            )
        case "queued":
            return replace(now, state="queued", place=e["place"], ahead=tuple(e["ahead"]))
        case "started":
            points = tuple(p for p in now.points if p.step <= e.get("from_step", 0))
            return replace(
                now,
                state="running",
                from_step=e.get("from_step", 0),
                total_steps=e.get("total_steps", 0),
                points=points,
                started_at=e["at"],
                place=0,
                ahead=(),
            )
        case "progressed":
            return replace(now, stage=e["stage"], stage_done=e["done"], stage_total=e["total"])
        case "stepped":
            return replace(now, stage="training", points=(*now.points, _point(e)))
        case "sampled":
            sample = Sample(e["step"], e["question"], e["answer"])
            return replace(now, samples=(*now.samples, sample))
        case "probed":
            return replace(now, probed=(*now.probed, Probed(e["step"], e["recall"], e["asked"])))
        case "halved":
            halving = Halving(e["step"], e["before"], e["tokens"])
            return replace(now, halvings=(*now.halvings, halving))
        case "saved":
            return replace(now, saved_steps=(*now.saved_steps, e["step"]))
        case "measured":
            row = (e["name"], e["expected"], e["measured"], e["unit"])
            return replace(now, measured=(*now.measured, row))
        case "stop_requested":
            return replace(now, state="stopping") if now.active else now
        case "stopped" | "finished":
            return replace(now, state=e["kind"], ended_at=e["at"], stage="")
        case "failed" if now.state != "failed":  # the first of several processes knows why
            return replace(
                now,
                state="failed",
                ended_at=e["at"],
                problem=Text.from_json(e["problem"]),
                remedy=Text.from_json(e["remedy"]),
                detail=e.get("detail", ""),
            )
    return now


def _point(e: dict[str, Any]) -> Point:
    seconds = max(e["seconds"], 1e-9)
    return Point(
        step=e["step"],
        loss=e["loss"],
        learning_rate=e["learning_rate"],
        tokens_per_second=e["tokens"] / seconds,
        rows_tokens_per_second=e["real_tokens"] / seconds,
        seconds=seconds,
        memory_gib=e["memory_gib"],
        kl=e.get("kl"),
    )


def _eta(now: Status) -> float | None:
    if now.state != "running" or not now.total_steps or len(now.points) < 2:
        return None
    recent = now.points[-_RATE_WINDOW:]
    return sum(p.seconds for p in recent) / len(recent) * (now.total_steps - now.step)
