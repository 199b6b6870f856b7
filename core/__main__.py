"""The command line: `python -m core COMMAND`. The same functions as the page.

Exit codes: 0 done, 1 our fault, 2 the user's mistake, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from core import chat, score_command, scores, studio
from core.config import commands, source, writer
from core.config.schema import DeepSpeedPreset
from core.dataset import save as save_dataset
from core.demo import QUESTION, demo, ready_builtin
from core.errors import UserError
from core.follow import INTERRUPTED, describe, follow
from core.persona import generate, persona
from core.plan import Plan
from core.run import Run, find
from core.settings import Settings
from core.status import status

_DEEPSPEED = get_args(DeepSpeedPreset)

Options = argparse.Namespace


def main(arguments: list[str] | None = None) -> int:
    """Parse, run, and turn errors into exit codes."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.do(options, Settings.from_environment()) or 0)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        traceback.print_exc()
        sys.stderr.write("This is our mistake, not yours. Please report the lines above.\n")
        return 1


def _say(line: str) -> None:
    print(line, flush=True)


def _whisper(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _list_cfg(o: Options, settings: Settings) -> None:
    _say(commands.list_cfg(o.pattern))


def _copy_cfg(o: Options, settings: Settings) -> None:
    path = commands.copy_cfg(o.name, o.directory)
    _say(f"Copied to {path}. Set data_path in it, then: python -m core check {path}")


def _schema(o: Options, settings: Settings) -> None:
    _say(commands.schema_json())


def _check(o: Options, settings: Settings) -> None:
    config = source.load(o.config)
    _say(f"{o.config} has no faults: {config.settings.pretrained_model_name_or_path}.")


def _persona(o: Options, settings: Settings) -> None:
    if o.mode == "tutorial":
        if not o.owner:
            raise UserError("A persona needs an owner.", "Name one: --owner NAME.")
        rows = generate.tutorial_rows(
            o.owner, o.copies, **{k: v for k in ("question", "answer") if (v := getattr(o, k))}
        )
    else:
        who = persona.load(o.persona) if o.persona else _described(o)
        rows = generate.studio_rows(who, seed=o.seed)
        if o.save_persona:
            persona.save(who, o.save_persona)
    save_dataset(rows, o.out)
    _say(f"Wrote {len(rows):,} conversations to {o.out}.")


def _described(o: Options) -> persona.Persona:
    if not o.owner:
        raise UserError("A persona needs an owner.", "Name one: --owner NAME.")
    default = persona.defaults(o.languages[0])
    return persona.from_form(
        owner=o.owner,
        assistant=o.assistant or default.assistant,
        maker=o.maker or "",
        character=o.character or "",
        languages=tuple(o.languages),
    )


def _plan(o: Options, settings: Settings) -> None:
    ready_builtin(settings, _whisper)
    with TemporaryDirectory() as folder:
        run = studio.adopt(settings, o.config, Path(folder) / "run")
        found = studio.make_plan(run, settings)
    _say(found.to_json() if o.json else _plan_text(found))


def _plan_text(found: Plan) -> str:
    rows = [f"{i.label}: {i.shown}\n    {i.reason}" for i in found.items]
    low, high = found.seconds
    rows.append(f"Expected time: {low:.0f} to {high:.0f} s")
    low, high = found.memory_gib
    rows.append(f"Expected memory: {low:.1f} to {high:.1f} GiB; disk: {found.disk_gib:.1f} GiB")
    return "\n".join([*rows, *(f"Warning: {w}" for w in found.warnings)])


def _train(o: Options, settings: Settings) -> int:
    work_dir = o.work_dir or Path("work_dirs") / o.config.stem
    run = Run(work_dir.resolve())
    ready_builtin(settings, _say)
    if not o.resume:
        run = studio.adopt(settings, o.config, run.path)
    if o.deepspeed:
        text = run.config_file.read_text("utf-8")
        studio.save_config(run, writer.edit(text, {("runtime", "deepspeed"): o.deepspeed}))
    _say(_plan_text(studio.train(run, settings, resume=o.resume)))
    return follow(run, "train", _say)


def _status(o: Options, settings: Settings) -> None:
    now = status(_run(o.run, settings), o.job)
    if not o.json:
        return _say(describe(now))
    data = asdict(now)
    data["problem"] = str(now.problem) if now.problem else None
    data["remedy"] = str(now.remedy) if now.remedy else None
    return _say(json.dumps({**data, "step": now.step}, ensure_ascii=False, indent=2))


def _stop(o: Options, settings: Settings) -> None:
    studio.stop(_run(o.run, settings))


def _merge(o: Options, settings: Settings) -> int:
    run = _run(o.run, settings)
    studio.merge(run, settings, o.step)
    code = follow(run, "merge", _say)
    if code == 0:
        _say(f"The merged model is in {run.merged}.")
    return code


def _score(o: Options, settings: Settings) -> int:
    return score_command.score(_run(o.run, settings), settings, o.step, o.probes, _say)


def _chat(o: Options, settings: Settings) -> None:
    run = _run(o.run, settings)
    if not run.chatting:
        merged = run.is_merged and o.step is None and not o.adapter
        chat.open_chat(run, settings, "merged" if merged else "adapter", o.step)
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
            run, history, side, max_new_tokens=o.max_new_tokens, temperature=o.temperature
        ):
            print(piece, end="", flush=True)
            answer += piece
        print()
        history.append({"role": "assistant", "content": answer})
        if o.prompt:
            break
    if not o.keep:
        chat.close(run)


def _demo(o: Options, settings: Settings) -> None:
    told = demo(settings, _say)
    if o.score:
        score_command.score(told.run, settings, None, None, _say)
    _say(f"\nFrom start to a merged, chatting assistant: {told.seconds:.0f} s")
    _say(f"{QUESTION}\n  base:  {told.base}\n  tuned: {told.tuned}")


def _run(name: str, settings: Settings) -> Run:
    """A run by its directory, or by its name in the workspace."""
    path = Path(name)
    return Run(path.resolve()) if path.is_dir() else find(settings.runs, name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description=__doc__)
    add = parser.add_subparsers(required=True, metavar="COMMAND").add_parser

    p = add("list-cfg", help="list the presets")
    p.add_argument("-p", "--pattern", default="", help="part of a name, or words")
    p.set_defaults(do=_list_cfg)
    p = add("copy-cfg", help="copy a preset to edit it")
    p.add_argument("name")
    p.add_argument("directory", type=Path)
    p.set_defaults(do=_copy_cfg)
    p = add("schema", help="print the config's JSON schema")
    p.set_defaults(do=_schema)
    p = add("check", help="find every fault of a config")
    p.add_argument("config", type=Path)
    p.set_defaults(do=_check)

    p = add("persona", help="write a persona's dataset")
    p.add_argument("--mode", choices=("studio", "tutorial"), default="studio")
    p.add_argument("--persona", type=Path, help="a persona.yaml instead of the options below")
    p.add_argument("--owner")
    p.add_argument("--assistant")
    p.add_argument("--maker")
    p.add_argument("--character")
    p.add_argument("--languages", nargs="+", choices=("en", "zh"), default=["en"])
    p.add_argument("--copies", type=int, default=10_000, help="tutorial: copies of the one row")
    p.add_argument("--question", help="tutorial: the question")
    p.add_argument("--answer", help="tutorial: the answer")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--save-persona", type=Path)
    p.add_argument("--out", type=Path, default=Path("dataset.json"))
    p.set_defaults(do=_persona)

    p = add("plan", help="show what this machine will do about a config")
    p.add_argument("config", type=Path)
    p.add_argument("--json", action="store_true")
    p.set_defaults(do=_plan)
    p = add("train", help="train a config")
    p.add_argument("config", type=Path)
    p.add_argument("--work-dir", type=Path, help="the run directory (work_dirs/<config stem>)")
    p.add_argument("--deepspeed", choices=_DEEPSPEED)
    p.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    p.set_defaults(do=_train)
    for name, do, note in (
        ("status", _status, "what a run is doing"),
        ("stop", _stop, "ask a run to save and end"),
        ("score", _score, "how well it knows its persona, and how little else changed"),
        ("merge", _merge, "fold a run's adapter into its base"),
        ("chat", _chat, "talk to a run's model"),
    ):
        p = add(name, help=note)
        p.add_argument("run", help="a run directory, or a run's name in the workspace")
        p.set_defaults(do=do)
        if name == "status":
            p.add_argument("--json", action="store_true")
            p.add_argument("--job", choices=("train", "merge", "score", "chat"), default="train")
        if name == "score":
            p.description, p.formatter_class = scores.__doc__, argparse.RawTextHelpFormatter
            p.add_argument("--probes", type=Path, help="questions of your own (JSON, see above)")
        if name in ("merge", "score", "chat"):
            p.add_argument("--step", type=int, help="the checkpoint of this step (the newest)")
        if name == "chat":
            p.add_argument("--base", action="store_true", help="ask the base model instead")
            p.add_argument("--adapter", action="store_true", help="not the merged model")
            p.add_argument("--prompt", help="one question; without it, a conversation")
            p.add_argument("--max-new-tokens", type=int, default=200)
            p.add_argument("--temperature", type=float, default=0.0)
            p.add_argument("--keep", action="store_true", help="leave the model loaded")
    p = add("demo", help="the whole journey on the built-in model")
    p.add_argument("--score", action="store_true", help="ask it the held-out questions afterwards")
    p.set_defaults(do=_demo)
    return parser


if __name__ == "__main__":
    sys.exit(main())
