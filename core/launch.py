"""Jobs as processes of their own: started detached, stopped by a file, seen through the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.errors import UserError
from core.files import Lock, disk_errors
from core.run import Run
from core.settings import Settings

_ROOT: Final = Path(__file__).resolve().parent.parent
_SECRETS: Final = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")


def command(run: Run, job: str, *arguments: str, processes: int = 1) -> list[str]:
    """The exact argv of a job; what the page shows is what runs."""
    python = [sys.executable]
    if processes > 1:
        python = [
            *(sys.executable, "-m", "torch.distributed.run"),
            *("--standalone", f"--nproc-per-node={processes}"),
        ]
    return [*python, "-m", f"core.jobs.{job}", str(run.path), *arguments]


def start(
    run: Run, job: str, settings: Settings, arguments: Sequence[str] = (), processes: int = 1
) -> subprocess.Popen[bytes]:
    """Start a job that outlives this process; it waits for the device by itself.

    Raises:
        UserError: a job of this run is living already.
    """
    path = run.chat_lock_file if job == "chat" else run.lock_file
    lock = Lock.take(path)
    if lock is None:
        raise UserError(
            "The run {run} is already working.", "Wait for it, or stop it first.", run=run.name
        )
    argv = command(run, job, *arguments, processes=processes)
    run.stop_file.unlink(missing_ok=True)
    if job != "chat":
        run.emit("requested", job, command=argv)
    try:
        with disk_errors(run.path), (run.path / f"{job}.log").open("ab") as log:
            return subprocess.Popen(
                argv,
                cwd=_ROOT,
                env=_environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock.descriptor,),
            )
    finally:
        lock.release()


def stop(run: Run, job: str = "train") -> None:
    """Ask a job to save and end; asked again, end its processes.

    The second request signals the process group recorded by the job itself, and only while the
    run's lock proves that the job lives.
    """
    if not run.alive:
        return
    again = run.stop_file.exists()
    run.stop_file.touch()
    run.emit("stop_requested", job)
    if again:
        for event in reversed(run.events()):
            if event["kind"] == "started" and "group" in event:
                try:
                    os.killpg(event["group"], signal.SIGTERM)
                except ProcessLookupError:
                    return
                return


def _environment(settings: Settings) -> dict[str, str]:
    """The job's environment: ours without tokens, with the workspace it belongs to."""
    kept = {k: v for k, v in os.environ.items() if k not in _SECRETS}
    return {
        **kept,
        "STUDIO_HOME": str(settings.home),
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
