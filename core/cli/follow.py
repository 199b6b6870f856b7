"""A job in the terminal: its events as lines while it lives, and Ctrl-C as a polite stop."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from typing import Final

from core import events, launch
from core.errors import Text
from core.run import Run
from core.status import Status, status

_TICK: Final = 0.2
INTERRUPTED: Final = 130


def follow(run: Run, job: str, say: Callable[[str], None]) -> int:
    """Print what a started job does until it ends; the exit code of the command line.

    Ctrl-C asks it to stop and save; a second one ends it.
    """
    offset = run.events_file.stat().st_size if run.events_file.exists() else 0
    requests = [
        i for i, e in enumerate(run.events()) if e["kind"] == "requested" and e["job"] == job
    ]
    for event in run.events()[requests[-1] if requests else 0 :]:
        _tell(event, job, say)
    interrupted = False
    while True:
        try:
            alive = run.chatting if job == "chat" else run.alive
            new, offset = events.since(run.events_file, offset)
            for event in new:
                _tell(event, job, say)
            if not alive:
                break
            time.sleep(_TICK)
        except KeyboardInterrupt:
            say("Ending it now …" if interrupted else "Stopping; it saves first …")
            launch.stop(run, job)
            interrupted = True
    return ending(run, job, interrupted)


def ending(run: Run, job: str, interrupted: bool = False) -> int:
    """0 for finished, 130 for stopped by Ctrl-C, else 1 with the problem on stderr."""
    last = status(run, job)
    if last.state == "failed":
        sys.stderr.write(f"{last.problem} {last.remedy}\n")
        return 1
    return INTERRUPTED if interrupted or last.state == "stopped" else 0


def _tell(event: events.Event, job: str, say: Callable[[str], None]) -> None:
    if event["job"] != job:
        return
    match event["kind"]:
        case "requested":
            say(f"Command: {shlex.join(event['command'])}")
        case "queued":
            say(f"Waiting for {', '.join(event['ahead'])}")
        case "progressed":
            say(f"{event['stage']}: {_amount(event['done'], event['total'])}")
        case "stepped":
            speed = event["tokens"] / max(event["seconds"], 1e-9)
            say(
                f"step {event['step']}  loss {event['loss']:.4f}  lr {event['learning_rate']:.2e}"
                f"  {event['seconds']:.2f} s  {speed:,.0f} tokens/s  {event['memory_gib']:.2f} GiB"
            )
        case "halved":
            say(
                f"Memory ran out at step {event['step']}: from here on {event['tokens']:,} instead"
                f" of {event['before']:,} tokens are computed at once, with the same result."
            )
        case "sampled":
            say(f"[step {event['step']}] {event['question']}\n    {event['answer']}")
        case "probed":
            say(
                f"[step {event['step']}] {event['recall']:.1%} of {event['asked']} held-out"
                " questions about itself are answered rightly."
            )
        case "saved":
            say(f"Saved the checkpoint of step {event['step']}.")
        case "scored":
            say(
                f"[step {event['step']}, strength {event['strength']:g}]"
                f" recall {_share(event, 'recall')}  leak {_share(event, 'leak')}"
                f"  KL {event['kl']:.4f} nats  agreement {event['agreement']:.1%}"
            )
        case "measured":
            say(
                f"{event['name']}: {event['measured']} {event['unit']}"
                f" (expected {event['expected']:.4g})"
            )
        case "finished":
            say("Finished.")
        case "stopped":
            say(
                "Stopped."
                if job in ("score", "compare")
                else "Stopped; --resume goes on from here."
            )


def _share(event: events.Event, name: str) -> str:
    low, high = event[f"{name}_interval"]
    return f"{event[name]:.1%} ({low:.1%} to {high:.1%})"


def _amount(done: float, total: float) -> str:
    """How far a stage is: bytes, of which there are many, as megabytes."""
    if total < 1_000_000:
        return f"{done}/{total}"
    return f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB"


def describe(now: Status) -> str:
    """A status in a few lines, for `status RUN`."""
    lines = [f"state: {now.state}"]
    if now.total_steps:
        lines.append(f"step: {now.step} of {now.total_steps}")
    if now.points:
        last = now.points[-1]
        lines.append(f"loss: {last.loss:.4f}")
        lines.append(f"speed: {last.tokens_per_second:,.0f} tokens/s")
        lines.append(f"memory: {last.memory_gib:.2f} GiB")
    if now.eta_seconds is not None:
        lines.append(f"remaining: {now.eta_seconds:.0f} s")
    if now.ahead:
        lines.append(f"waiting for: {', '.join(now.ahead)}")
    if now.problem is not None:
        lines.append(f"problem: {now.problem} {now.remedy or Text('')}")
    return "\n".join(lines)
