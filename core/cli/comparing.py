"""`python -m core compare`: several models answer the same questions, printed side by side."""

from __future__ import annotations

import argparse
from pathlib import Path

from core import compare, studio
from core.chat import checked_strength
from core.cli.common import Add, Options, of_a_run, run_of, say
from core.cli.follow import follow
from core.compare import Side
from core.errors import UserError
from core.questions import questions
from core.run import Run
from core.settings import Settings

_HELP = """SIDE is base, adapter, adapter:STEP, adapter:STEP@STRENGTH or merged, of this run; or
of another: RUN/adapter, RUN/merged. Without any: base, adapter, and merged if there is one."""


def add(add: Add) -> None:
    """Register the command."""
    p = of_a_run(add, "compare", _compare, "the same questions to several models, side by side")
    p.epilog, p.formatter_class = _HELP, argparse.RawTextHelpFormatter
    p.add_argument("sides", nargs="*", metavar="SIDE", help="who answers, see below")
    p.add_argument("--prompt", action="append", help="a question of your own; may be repeated")
    p.add_argument("--probes", type=Path, help="a file of questions (see score --help)")
    p.add_argument("--max-new-tokens", type=int, default=80)
    p.add_argument("--temperature", type=float, default=0.0)
    p.add_argument("--seed", type=int, default=0)


def _compare(o: Options, settings: Settings) -> int:
    run = run_of(o.run, settings)
    sides = [_side(text, run, settings) for text in o.sides] or usual(run)
    asked = compare.ask(
        o.prompt or [p.question for p in questions(run, o.probes).identity],
        sides,
        max_new_tokens=o.max_new_tokens,
        temperature=o.temperature,
        seed=o.seed,
    )
    studio.compare(run, settings, asked)
    code = follow(run, "compare", say)
    found = compare.load(run)
    if found is not None:
        for question, answers in zip(found.questions, found.answers, strict=True):
            say(f"\n{question}")
            for side, answer in zip(found.sides, answers, strict=True):
                say(f"  {_name(side):<24}{answer if answer is not None else '…'}")
    return code


def usual(run: Run) -> list[Side]:
    """What one compares first: base, adapter, and merged where there is one."""
    path = str(run.path)
    sides = [Side(path, "base"), Side(path, "adapter")]
    return [*sides, Side(path, "merged")] if run.is_merged else sides


def _side(text: str, run: Run, settings: Settings) -> Side:
    place, _, what = text.rpartition("/")
    of = run_of(place, settings) if place else run
    what, _, strength = what.partition("@")
    source, _, step = what.partition(":")
    try:
        if source in ("base", "merged") and not (step or strength):
            return Side(str(of.path), "base" if source == "base" else "merged")
        if source == "adapter":
            scale = checked_strength(float(strength or 1))
            return Side(str(of.path), "adapter", int(step) if step else None, scale)
    except ValueError as error:
        raise _unknown(text) from error
    raise _unknown(text)


def _unknown(text: str) -> UserError:
    return UserError(
        "“{side}” names no model to compare.",
        "Write base, adapter, adapter:STEP@STRENGTH or merged, with RUN/ before it for another.",
        side=text,
    )


def _name(side: Side) -> str:
    step = f":{side.step}" if side.step is not None else ""
    strength = f"@{side.strength:g}" if side.strength != 1 else ""
    return f"{side.of.name[-12:]}/{side.source}{step}{strength}"
