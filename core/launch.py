"""Jobs as processes of their own: started detached, stopped by a file, seen through the run."""

from __future__ import annotations

import os
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
_ONLINE: Final = ("prepare", "fetch")
_SECRETS: Final = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_API_TOKEN")


def worker(run: Run, job: str, *arguments: str, processes: int = 1, gpus: str = "") -> list[str]:
    """The argv of the program that does the work; torchrun starts it when it is several.

    `gpus` are the only ones that it sees, as a plan has them; “” leaves all.
    """
    python = [*on_gpus(gpus), sys.executable]
    if processes > 1:
        python = [
            *(*python, "-m", "torch.distributed.run"),
            *("--standalone", f"--nproc-per-node={processes}"),
        ]
    return [*python, "-m", f"core.jobs.{job}", str(run.path), *arguments]


def on_gpus(gpus: str) -> list[str]:
    """What an argv begins with so that its program sees only these GPUs, “0,2”; “” is all."""
    if not gpus:
        return []
    return ["env", "CUDA_DEVICE_ORDER=PCI_BUS_ID", f"CUDA_VISIBLE_DEVICES={gpus}"]


def start(
    run: Run,
    job: str,
    settings: Settings,
    arguments: Sequence[str] = (),
    processes: int = 1,
    gpus: str = "",
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
    command = worker(run, job, *arguments, processes=processes, gpus=gpus)
    supervisor = [sys.executable, "-m", "core.jobs.supervise", job, str(run.path)]
    run.stop_file(job).unlink(missing_ok=True)
    run.emit("requested", job, command=command)
    try:
        with disk_errors(run.path), run.log_of(job).open("ab") as log:
            return subprocess.Popen(
                [*supervisor, *command],
                cwd=_ROOT,
                env=_environment(settings, online=job in _ONLINE),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock.descriptor,),
            )
    finally:
        lock.release()


def stop(run: Run, job: str = "train") -> None:
    """Ask a job to save and end; asked again, its processes are ended."""
    stop_file = run.stop_file(job)
    if run.chatting if job == "chat" else run.alive:
        stop_file.write_text("now" if stop_file.exists() else "")
        run.emit("stop_requested", job)


def _environment(settings: Settings, *, online: bool) -> dict[str, str]:
    """The job's environment: ours with the workspace it belongs to.

    Only jobs that download may go online (unless the person forbade that, too), and only they are
    given the hubs' tokens.
    """
    kept = {k: v for k, v in os.environ.items() if online or k not in _SECRETS}
    offline = {} if online else {"HF_HUB_OFFLINE": "1"}
    return {
        **kept,
        **offline,
        "STUDIO_HOME": str(settings.home),
        "PYTHONUNBUFFERED": "1",
        # Threads that wait spin for long by default; where another program wants the cores too,
        # each of torch's barriers then costs a time slice (measured: 61 against 144 tokens/s).
        "GOMP_SPINCOUNT": "10000",
        # oneDNN keeps 1,024 compiled products unless told; no two packs are of one size, so a long
        # training would keep hundreds of MiB that it never uses again. A step has about fifty.
        "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64",
        "TOKENIZERS_PARALLELISM": "false",
    }
