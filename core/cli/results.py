"""score, merge, chat, demo: what is done with a trained run."""

from __future__ import annotations

import argparse
from pathlib import Path

from core import chat, questions, studio
from core.cli import scoring
from core.cli.common import Add, Options, of_a_run, run_of, say, step_of, with_step
from core.cli.demo import demo
from core.cli.follow import follow
from core.persona import persona as personas
from core.settings import Settings


def add(add: Add) -> None:
    """Register the commands."""
    p = with_step(
        of_a_run(add, "score", _score, "how well it knows its persona, and how little else changed")
    )
    p.description, p.formatter_class = questions.__doc__, argparse.RawTextHelpFormatter
    p.add_argument("--every", action="store_true", help="every checkpoint, not only one")
    p.add_argument("--probes", type=Path, help="questions of your own (JSON, see above)")
    _with_strength(p, "scored")
    p = with_step(of_a_run(add, "merge", _merge, "fold a run's adapter into its base"))
    _with_strength(p, "merged")
    p.add_argument(
        "--layout",
        choices=("standard", "internlm2"),
        default="standard",
        help="internlm2: saved in the layout of InternLM2's own tools too",
    )
    p = with_step(of_a_run(add, "chat", _chat, "talk to a run's model"))
    _with_strength(p, "answering; only the adapter has one")
    p.add_argument("--base", action="store_true", help="ask the base model instead")
    p.add_argument("--adapter", action="store_true", help="not the merged model")
    p.add_argument("--prompt", help="one question; without it, a conversation")
    p.add_argument("--max-new-tokens", type=int, default=200)
    p.add_argument("--temperature", type=float, default=0.0)
    p.add_argument("--keep", action="store_true", help="leave the model loaded")
    p = add("demo", help="the whole journey on the built-in model")
    p.add_argument("--score", action="store_true", help="ask it the held-out questions afterwards")
    p.add_argument("--persona", type=Path, help="a persona.yaml, instead of the demo's own")
    p.set_defaults(do=_demo)


def _with_strength(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        help=f"scale of the adapter that is {what}: 0 is the base, 1 as trained, 1.5 the most",
    )


def _score(o: Options, settings: Settings) -> int:
    run = run_of(o.run, settings)
    return scoring.score(run, settings, step_of(o, run), o.probes, say, o.strength, every=o.every)


def _merge(o: Options, settings: Settings) -> int:
    run = run_of(o.run, settings)
    studio.merge(run, settings, step_of(o, run), o.strength, o.layout)
    code = follow(run, "merge", say)
    if code == 0:
        say(f"The merged model is in {run.merged}.")
        if o.layout == "internlm2":
            say(f"For InternLM2's own tools it is in {run.merged_internlm2}.")
    return code


def _chat(o: Options, settings: Settings) -> None:
    run = run_of(o.run, settings)
    if not run.chatting:
        merged = run.is_merged and o.step is None and not o.adapter and o.strength == 1
        chat.open_chat(run, settings, "merged" if merged else "adapter", step_of(o, run))
    chat.wait_ready(run)
    side: chat.Side = "base" if o.base else "tuned"
    history: list[dict[str, str]] = []
    while True:
        try:
            asked = o.prompt or input("> ")
        except EOFError:
            break
        if not asked.strip():
            continue
        history.append({"role": "user", "content": asked})
        answer = ""
        for piece in chat.ask(
            run,
            history,
            side,
            max_new_tokens=o.max_new_tokens,
            temperature=o.temperature,
            strength=o.strength,
        ):
            print(piece, end="", flush=True)
            answer += piece
        print()
        history.append({"role": "assistant", "content": answer})
        if o.prompt:
            break
    if not o.keep:
        chat.close_wholly(run)


def _demo(o: Options, settings: Settings) -> None:
    told = demo(settings, say, personas.load(o.persona) if o.persona else None)
    if o.score:
        scoring.score(told.run, settings, None, None, say)
    say(f"\nFrom start to a merged, chatting assistant: {told.seconds:.0f} s")
    say(f"{told.question}\n  base:  {told.base}\n  tuned: {told.tuned}")
