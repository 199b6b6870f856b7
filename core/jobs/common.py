"""What every job process does: hold the run's lock, tell errors as events, end with a code."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from core.errors import Text, UserError, memory_ran_out, text
from core.files import Lock
from core.run import Run

DONE, OURS, THEIRS = 0, 1, 2
"""Exit codes: done, our fault, the user's mistake."""


Fail = Callable[[Text, Text, str], None]
"""Tells that a job failed: problem, remedy, and the traceback where it is our fault."""


def lead(
    job: str,
    run: Run,
    work: Callable[[], str],
    *,
    speak: bool = True,
    fail: Fail | None = None,
) -> int:
    """Run a job's work and write how it ended.

    Args:
        work: does everything; returns the kind of its last event ("finished", "stopped").
        speak: whether this process writes a good ending (rank 0).
        fail: how it tells a bad one, where it is one of several processes.

    Returns:
        The exit code.
    """

    def alone(problem: Text, remedy: Text, detail: str) -> None:
        told = {"problem": problem.to_json(), "remedy": remedy.to_json(), "detail": detail}
        run.emit("failed", job, **told)

    fail = fail or alone
    try:
        kind = work()
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        fail(error.problem, error.remedy, "")
        return THEIRS
    except Exception as error:
        detail = traceback.format_exc()
        sys.stderr.write(detail)
        fail(*_told(job, error), detail[-4000:])
        return OURS
    if speak:
        run.emit(kind, job)
    return DONE


def _told(job: str, error: Exception) -> tuple[Text, Text]:
    """What an unforeseen error means for a person, and what to do."""
    again = text("The log has the details; start it again, or choose another model.")
    if memory_ran_out(error):
        gpu = type(error).__name__ == "OutOfMemoryError"
        problem = text("The GPU's memory ran out.") if gpu else text("Memory ran out.")
        lower = text("Lower max_length or lora_r, close other programs, then press Resume.")
        return problem, again if job == "prepare" else lower
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    problem = text("An unexpected error ended the job: {reason}", reason=reason)
    resume = text("The log has the details; Resume goes on from the last checkpoint.")
    return problem, resume if job == "train" else again


def enter(job: str, path: str) -> Run:
    """The run of a job, its lock held until this process ends.

    SIGTERM becomes a polite stop: the job saves and ends.
    """
    run = Run(Path(path))
    _held.append(Lock.join(run.chat_lock_file if job == "chat" else run.lock_file))
    signal.signal(signal.SIGTERM, lambda *_: run.stop_file(job).touch())
    return run


_held: list[Lock] = []
