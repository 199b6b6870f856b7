"""Program: make a base model ready. `python -m core.jobs.prepare DIRECTORY MODEL`."""

from __future__ import annotations

import sys
import time
from typing import Final

from core.engine.convert import convert_folder, convert_gguf
from core.errors import UserError
from core.jobs.common import enter, lead
from core.models import builtin_file, made_of
from core.origin import origin
from core.settings import Settings

_TELL_SECONDS: Final = 0.5


def main(arguments: list[str]) -> int:
    """Convert what lies on this machine, once."""
    run = enter("prepare", arguments[0])
    model = arguments[1]

    told = 0.0

    def report(done: int, total: int) -> None:
        nonlocal told
        if done == total or time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            run.emit("progressed", "prepare", stage="converting", done=done, total=total)

    def work() -> str:
        found = origin(model)
        target = Settings.from_environment().models / found.key
        made = made_of(found)
        run.emit("started", "prepare")
        if found.kind == "builtin":
            convert_gguf(builtin_file(), target, made, report)
        elif found.kind == "gguf":
            convert_gguf(found.path, target, made, report)
        elif found.kind == "folder":
            convert_folder(found.path, target, made, report)
        else:
            raise UserError(
                "The model {model} is not on this machine.",
                "Name a folder that holds it, owner/name at a hub, or use {builtin}.",
                model=model,
                builtin="builtin/SmolLM2-135M-Instruct",
            )
        return "finished"

    return lead("prepare", run, work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
