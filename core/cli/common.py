"""What every command shares: its options, its voice, and the run that a name means."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from core import scores
from core.errors import UserError
from core.run import Run, find
from core.settings import Settings

BEST: Final = "best"
Options = argparse.Namespace
Add = Callable[..., argparse.ArgumentParser]
"""`add(name, help=…)`: a new command's parser (argparse's `add_parser`)."""
Do = Callable[[Options, Settings], Any]


def say(line: str) -> None:
    """A line of the command's result, at once."""
    print(line, flush=True)


def whisper(line: str) -> None:
    """A line beside the result (stderr), so that the result can be piped."""
    sys.stderr.write(f"{line}\n")


def run_of(name: str, settings: Settings) -> Run:
    """A run by its directory, or by its name in the workspace.

    Raises:
        UserError: there is no such run.
    """
    path = Path(name)
    return Run(path.resolve()) if path.is_dir() else find(settings.runs, name)


def of_a_run(add: Add, name: str, do: Do, help: str) -> argparse.ArgumentParser:
    """A command whose first argument is a run."""
    parser = add(name, help=help)
    parser.add_argument("run", help="a run directory, or a run's name in the workspace")
    parser.set_defaults(do=do)
    return parser


def with_step(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Let a command choose a checkpoint."""
    parser.add_argument(
        "--step",
        type=lambda given: BEST if given == BEST else int(given),
        metavar=f"N|{BEST}",
        help="the checkpoint of this step, or the one that scores best (the newest)",
    )
    return parser


def step_of(o: Options, run: Run) -> int | None:
    """The step that a command was given; None for the newest.

    Raises:
        UserError: the best is asked for, and nothing is scored.
    """
    if o.step != BEST:
        return o.step  # type: ignore[no-any-return]
    found = scores.chosen(run)
    if found is None:
        raise UserError(
            "The run {run} has no scores yet, so none of its checkpoints is the best.",
            "Score it first: python -m core score {run} --every.",
            run=run.name,
        )
    return found.step
