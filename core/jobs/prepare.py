"""Program: make a base model ready. `python -m core.jobs.prepare DIRECTORY MODEL`."""

from __future__ import annotations

import sys

from core.config.schema import BUILTIN_MODEL
from core.engine.convert import convert_gguf
from core.errors import UserError
from core.jobs.common import enter, lead
from core.models import builtin_file, folder
from core.settings import Settings


def main(arguments: list[str]) -> int:
    """Convert the built-in model; other models are folders that the person already has."""
    run = enter("prepare", arguments[0])
    model = arguments[1]

    def work() -> str:
        if model != BUILTIN_MODEL:
            raise UserError(
                "The model {model} is not on this machine.",
                "Name a folder that holds it, or use {builtin}.",
                model=model,
                builtin=BUILTIN_MODEL,
            )
        run.emit("started", "prepare")
        convert_gguf(
            builtin_file(),
            folder(Settings.from_environment(), model),
            lambda done, total: run.emit(
                "progressed", "prepare", stage="converting", done=done, total=total
            ),
        )
        return "finished"

    return lead("prepare", run, work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
