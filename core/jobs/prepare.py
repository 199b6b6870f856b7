"""Program: make a base model ready. `python -m core.jobs.prepare DIRECTORY MODEL`.

It downloads what is not on this machine and converts what is not in the standard layout. Both go
on, or begin again, where an interruption left them; `done` is written last.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Final

from huggingface_hub import get_token

from core.download import Report, download, missing
from core.engine.convert import convert_folder, convert_gguf
from core.errors import UserError
from core.hub import Hub
from core.jobs.common import enter, lead
from core.model_folder import layout
from core.models import builtin_file, made_of
from core.origin import Origin, origin
from core.run import Run
from core.settings import Settings

_JOB: Final = "prepare"
_TELL_SECONDS: Final = 0.5


class Stopped(Exception):
    """The person asked for an end; what has arrived is kept."""


def main(arguments: list[str]) -> int:
    """Make one model ready."""
    run, model = enter(_JOB, arguments[0]), arguments[1]

    def work() -> str:
        run.emit("started", _JOB)
        try:
            _prepare(run, origin(model), Settings.from_environment().models)
        except Stopped:
            return "stopped"
        return "finished"

    return lead(_JOB, run, work)


def _prepare(run: Run, found: Origin, models: Path) -> None:
    target, made = models / found.key, made_of(found)
    converting = _report(run, "converting")
    if found.kind == "builtin":
        convert_gguf(builtin_file(), target, made, converting)
    elif found.kind == "gguf":
        convert_gguf(found.path, target, made, converting)
    elif found.kind == "folder":
        convert_folder(found.path, target, made, converting)
    else:
        arrived = models / f".{target.name}.download"
        _refuse_offline(found, arrived)
        hub = Hub.of(found, get_token() or "")
        commit = download(found, arrived, hub, _report(run, "downloading"))
        made = {"hub": hub.endpoint, "model": found.name, "revision": commit}
        if layout(arrived) == "ready":
            (arrived / "done").write_text(json.dumps(made, indent=1), "utf-8")
            shutil.rmtree(target, ignore_errors=True)
            arrived.rename(target)
        else:
            convert_folder(arrived, target, made, converting)
            shutil.rmtree(arrived)


def _refuse_offline(found: Origin, arrived: Path) -> None:
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        raise UserError(
            "The model {model} is not on this machine, and the studio is offline (HF_HUB_OFFLINE "
            "is set); it lacks {files}.",
            "Unset HF_HUB_OFFLINE, or copy the model's folder to this machine and name it.",
            model=found.name,
            files=", ".join(missing(found, arrived))
            or "config.json, tokenizer.json, *.safetensors",
        )


def _report(run: Run, stage: str) -> Report:
    """What tells the run how far a stage is, twice a second, and hears a request to stop."""
    told = 0.0

    def report(done: int, total: int) -> None:
        nonlocal told
        if done == total or time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            run.emit("progressed", _JOB, stage=stage, done=done, total=total)
            if done < total and run.stop_file(_JOB).exists():
                raise Stopped

    return report


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
