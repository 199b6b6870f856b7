"""Runs of a tiny real model in several processes: begun, watched, killed, gone on with."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core import studio
from core.config import writer
from core.config.schema import Config
from core.dataset import Message, Row, dumps
from core.events import Event
from core.run import Run
from core.settings import Settings
from core.status import status

ROWS = [
    Row((Message("user", f"Who are you, {i}?"), Message("assistant", f"I am Nova {i}.")))
    for i in range(12)
] + [Row((Message("user", "Tell me a story about the sea."),), "replay")]


def made(
    folder: Path,
    model: Path,
    *,
    processes: int = 2,
    way: str = "none",
    base: str = "nf4",
    epochs: int = 2,
    **settings: Any,
) -> Run:
    """A run that is ready to start; `base`: nf4 or bf16; `way`: a DeepSpeed preset."""
    folder.mkdir(parents=True)
    run = Run(folder)
    config = Config.model_validate(
        {
            "settings": {
                "pretrained_model_name_or_path": str(model),
                "max_length": 64,
                "accumulative_counts": 2,
                "max_epochs": epochs,
                "lr": 3e-3,  # higher, and 16-bit sums in another order soon lead elsewhere
                "evaluation_inputs": [],
                "save_total_limit": 1,
                **settings,
            },
            "model": {
                "lora_r": 4,
                "compute_dtype": "bfloat16",
                "quantization": "nf4" if base == "nf4" else "none",
            },
            "dataset": {"kl_weight": 1.0, "kl_reverse": 0.5},
            "runtime": {"processes": processes, "deepspeed": way},
        }
    )
    run.config_file.write_text(writer.dump(config), "utf-8")
    run.dataset_file.write_text(dumps(ROWS), "utf-8")
    return run


def until(what: Callable[[], Any], seconds: float = 600) -> Any:
    """Wait for something to be true; the time-out is only for a test that fails."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)
    return found


def ended(run: Run, job: str = "train") -> str:
    """Wait until no process of the run lives; its state."""
    until(lambda: not run.alive)
    return status(run, job).state


def trained(run: Run, settings: Settings, *, resume: bool = False) -> list[float]:
    """Train to the end; the losses of the steps done now, in order."""
    before = len(run.events())
    studio.train(run, settings, resume=resume)
    assert ended(run) == "finished", run.log_of("train").read_text("utf-8")[-3000:]
    return losses(run, before)


def losses(run: Run, since: int = 0) -> list[float]:
    """The losses that a run's events tell, from the event `since` on."""
    return [e["loss"] for e in run.events()[since:] if e["kind"] == "stepped"]


def at_step(run: Run, step: int) -> None:
    """Wait until a run has done a step."""

    def there() -> bool:
        now = status(run)
        return (now.state == "running" and now.step >= step) or not run.alive

    until(there)
    assert run.alive, run.log_of("train").read_text("utf-8")[-3000:]


def failed(run: Run, began: float) -> list[Event]:
    """Wait for the end of all processes, within half a minute; the failures that were told."""
    until(lambda: not run.alive)
    assert time.monotonic() - began < 30
    until(lambda: not left(run), 5)
    assert status(run).state == "failed"
    return [e for e in run.events() if e["kind"] == "failed"]


def resumed(run: Run, settings: Settings) -> None:
    """It goes on from its newest checkpoint, and stops when asked."""
    step = run.checkpoint().step
    studio.train(run, settings, resume=True)
    at_step(run, step + 1)
    studio.stop(run)
    assert ended(run) == "stopped"
    assert run.checkpoint().step > step
    assert not left(run)


def ranks(run: Run) -> dict[int, int]:
    """Process numbers of the living ranks of a run, by rank."""
    found = {}
    for pid in _living(run):
        words = _read(pid, "cmdline")
        if "core.jobs.train" in words and "torch.distributed.run" not in words:
            names = [word for word in _read(pid, "environ") if word.startswith("RANK=")]
            if names:
                found[int(names[0].removeprefix("RANK="))] = pid
    return found


def launcher(run: Run) -> int:
    """The process number of a run's torchrun."""
    words = {pid: _read(pid, "cmdline") for pid in _living(run)}
    return next(
        pid
        for pid, said in words.items()
        if "torch.distributed.run" in said and "core.jobs.supervise" not in said
    )


def left(run: Run) -> list[list[str]]:
    """Command lines of every process that still belongs to a run."""
    return [_read(pid, "cmdline") for pid in _living(run)]


def kill(pid: int) -> None:
    """As `kill -9` does."""
    os.kill(pid, signal.SIGKILL)


def _living(run: Run) -> list[int]:
    pids = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit()]
    return [pid for pid in pids if str(run.path) in _read(pid, "cmdline")]


def _read(pid: int, what: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []
