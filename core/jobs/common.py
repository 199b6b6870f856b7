"""What every job process does: hold the run's lock, tell errors as events, end with a code."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from core.errors import UserError, memory_ran_out, text
from core.files import Lock
from core.run import Run

DONE, OURS, THEIRS = 0, 1, 2
"""Exit codes: done, our fault, the user's mistake."""


def lead(job: str, run: Run, work: Callable[[], str], *, speak: bool = True) -> int:
    """Run a job's work and write how it ended.

    Args:
        work: does everything; returns the kind of its last event ("finished", "stopped").
        speak: whether this process writes the ending (rank 0).

    Returns:
        The exit code.
    """
    try:
        kind = work()
    except UserError as error:
        if speak:
            run.emit("failed", job, problem=error.problem.to_json(), remedy=error.remedy.to_json())
        sys.stderr.write(f"{error}\n")
        return THEIRS
    except Exception as error:
        if memory_ran_out(error):
            gpu = type(error).__name__ == "OutOfMemoryError"
            problem = "The GPU's memory ran out." if gpu else "Memory ran out."
            return _failed(job, run, problem, speak)
        return _failed(job, run, "An unexpected error ended the job: {reason}", speak, error)
    if speak:
        run.emit(kind, job)
    return DONE


def _failed(job: str, run: Run, problem: str, speak: bool, error: Exception | None = None) -> int:
    detail = traceback.format_exc()
    sys.stderr.write(detail)
    if speak:
        reason = f"{type(error).__name__}: {error}".splitlines()[0] if error else ""
        remedy = (
            text("The log has the details; Resume goes on from the last checkpoint.")
            if error and job == "train"
            else text("The log has the details; start it again, or choose another model.")
            if error or job == "prepare"
            else text("Lower max_length or lora_r, close other programs, then press Resume.")
        )
        values = {"reason": reason} if error else {}
        run.emit(
            "failed",
            job,
            problem=text(problem, **values).to_json(),
            remedy=remedy.to_json(),
            detail=detail[-4000:],
        )
    return OURS


def enter(job: str, path: str) -> Run:
    """The run of a job, its lock held until this process ends.

    SIGTERM becomes a polite stop: the job saves and ends.
    """
    run = Run(Path(path))
    _held.append(Lock.join(run.chat_lock_file if job == "chat" else run.lock_file))
    signal.signal(signal.SIGTERM, lambda *_: run.stop_file(job).touch())
    return run


_held: list[Lock] = []
