"""Program: wait for the device, then run a job's processes and tell how they died.

`python -m core.jobs.supervise JOB RUN COMMAND…`. It never loads torch, so a waiting job costs next
to nothing, and it outlives a crash of the job, so that every end has an event and nothing is left.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from core import status
from core.errors import text
from core.jobs.common import enter
from core.queue import Ticket
from core.run import Run
from core.settings import Settings

_GRACE: Final = 120.0  # seconds from a stop request to SIGTERM
_LAST_GRACE: Final = 15.0  # and from there to SIGKILL
_TICK: Final = 0.25
_PR_SET_CHILD_SUBREAPER: Final = 36  # prctl(2)


def main(arguments: list[str]) -> int:
    """Return the job's own exit code; 0 when it was cancelled while waiting."""
    job, path, *command = arguments
    run = enter(job, path)
    # torchrun's processes are in sessions of their own; when it is gone, we inherit them.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    # A download may take hours and needs no device; trainings go on beside it.
    queue = Settings.from_environment().queue
    ticket = None if job == "prepare" else Ticket.draw(queue, run.name, job)
    try:
        if ticket and not _wait(run, job, ticket):
            run.emit("stopped", job)
            return 0
        child = subprocess.Popen(
            command,
            start_new_session=True,
            pass_fds=(ticket.descriptor,) if ticket else (),
        )
        code = _attend(run.stop_file(job), child)
        # The job's last word may be an ending; if it had none, give it one.
        if status.fold([e for e in run.events() if e["job"] == job]).active:
            _tell(run, job, code, several="torch.distributed.run" in command)
        return code if code >= 0 else 1
    finally:
        if ticket:
            ticket.give_back()


def _wait(run: Run, job: str, ticket: Ticket) -> bool:
    told = None
    while ahead := ticket.ahead():
        if run.stop_file(job).exists():
            return False
        names = [f"{w.run} ({w.job})" for w in ahead]
        if names != told:
            run.emit("queued", job, place=len(names), ahead=names)
            told = names
        time.sleep(_TICK)
    return not run.stop_file(job).exists()


def _attend(stop: Path, child: subprocess.Popen[bytes]) -> int:
    asked: float | None = None
    while (code := child.poll()) is None:
        if stop.exists():
            asked = asked or time.monotonic()
            waited = time.monotonic() - asked
            # A second request (the file then says "now") shortens the patience.
            grace = 0.0 if stop.read_text() == "now" else _GRACE
            if waited > grace + _LAST_GRACE:
                _signal(child, signal.SIGKILL)
            elif waited > grace:
                _signal(child, signal.SIGTERM)
        time.sleep(_TICK)
    _end_all()
    return code


def _end_all() -> None:
    """Kill what the job left behind, and wait until it is gone."""
    children = Path("/proc/self/task") / str(os.getpid()) / "children"
    end = time.monotonic() + _LAST_GRACE
    while (left := children.read_text().split()) and time.monotonic() < end:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)


def _signal(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def _tell(run: Run, job: str, code: int, *, several: bool) -> None:
    if run.stop_file(job).exists():
        run.emit("stopped", job)
        return
    killed = code in (-signal.SIGKILL, 128 + signal.SIGKILL)
    problem = (
        text("torchrun, which keeps the processes together, was killed from outside.")
        if killed and several
        else text("The job was killed from outside, most often because memory ran out.")
        if killed
        else text("The job ended unexpectedly with code {code}.", code=code)
    )
    remedy = (
        text("Start it again; the log may say more.")
        if job == "prepare"
        else text("Lower max_length or lora_r if memory is short, then press Resume.")
    )
    run.emit("failed", job, problem=problem.to_json(), remedy=remedy.to_json())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
