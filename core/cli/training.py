"""plan, train, status, stop."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from core import studio, zero_file
from core.adopt import adopt
from core.cli.common import Add, Options, of_a_run, run_of, say, whisper
from core.cli.demo import make_ready, ready_data
from core.cli.follow import describe, follow
from core.config import source
from core.config.schema import DEEPSPEED_PRESETS
from core.errors import UserError
from core.plan import Plan
from core.run import Run
from core.settings import Settings
from core.status import status


def add(add: Add) -> None:
    """Register the commands."""
    p = add("plan", help="show what this machine will do about a config")
    p.add_argument("config", type=Path)
    p.add_argument("--json", action="store_true")
    p.add_argument("--work-dir", type=Path, help="keep config, data and plan there, ready to train")
    p.set_defaults(do=_plan)
    p = add("train", help="train a config")
    p.add_argument("config", type=Path)
    p.add_argument("--work-dir", type=Path, help="the run directory (work_dirs/<config stem>)")
    p.add_argument(
        "--deepspeed", metavar="NAME|FILE.json", help=f"{', '.join(DEEPSPEED_PRESETS)}, or a file"
    )
    p.add_argument("--processes", type=int, help="training processes (one for each GPU)")
    p.add_argument("--gpus", help="nvidia-smi's numbers, as 0,1; or all")
    p.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    p.set_defaults(do=_train)
    p = of_a_run(add, "status", _status, "what a run is doing")
    p.add_argument("--json", action="store_true")
    p.add_argument("--job", choices=("train", "merge", "score", "compare", "chat"), default="train")
    of_a_run(add, "stop", _stop, "ask a run to save and end")


def _plan(o: Options, settings: Settings) -> None:
    make_ready(settings, _model(o.config), whisper)
    ready_data(o.config, settings, whisper)
    with TemporaryDirectory() as folder:
        run = Run((o.work_dir or Path(folder) / "run").resolve())
        if not run.checkpoints():  # one that has learned keeps its config, as a resume does
            run = adopt(settings, o.config, run.path)
        found = studio.make_plan(run, settings)
    say(found.to_json() if o.json else _plan_text(found))


def _model(config: Path) -> str:
    return source.load(config).settings.pretrained_model_name_or_path


def _plan_text(found: Plan) -> str:
    rows = [f"{i.label}: {i.shown}\n    {i.reason}" for i in found.items]
    low, high = found.seconds
    rows.append(f"Expected time: {low:.0f} to {high:.0f} s")
    low, high = found.memory_gib
    rows.append(f"Expected memory: {low:.1f} to {high:.1f} GiB; disk: {found.disk_gib:.1f} GiB")
    if found.command:
        rows.append(f"Command: {shlex.join(found.command)}")
    rows += _ways(found)
    return "\n".join([*rows, *(f"Warning: {w}" for w in found.warnings)])


def _ways(found: Plan) -> list[str]:
    """The ways to split the work, as a table."""
    if not found.options:
        return []
    names = [o.name.removeprefix("deepspeed_") for o in found.options]
    width = max(map(len, names))
    head = (
        f"Ways to split it over {found['processes']} processes (GiB of model and training state):"
    )
    return [
        head,
        *(
            f"  {name:{width}}  {o.gib:6.2f} GiB  {o.slower:+5.0%} time  {o.verdict}: {o.reason}"
            for name, o in zip(names, found.options, strict=True)
        ),
    ]


def _train(o: Options, settings: Settings) -> int:
    work_dir = o.work_dir or Path("work_dirs") / o.config.stem
    run = Run(work_dir.resolve())
    fresh = not run.path.exists()
    try:
        if not o.resume:
            ready_data(o.config, settings, say)
            run = adopt(settings, o.config, run.path)
        make_ready(settings, _model(run.config_file), say)
        _split(run, o)
        found = studio.train(run, settings, resume=o.resume)
    except UserError:
        if fresh and not run.events_file.exists():  # nothing has begun: no half-made run stays
            shutil.rmtree(run.path, ignore_errors=True)
        raise
    say(_plan_text(found))
    return follow(run, "train", say)


def _split(run: Run, o: Options) -> None:
    """Take `--deepspeed` (a preset's name, or a file that goes into the run) and the like up."""
    if o.deepspeed is o.processes is o.gpus is None:
        return
    choice = own = None
    if o.deepspeed:
        choice = Path(o.deepspeed).name
    if choice and choice.endswith(".json"):
        zero_file.read(Path(o.deepspeed))
        own = Path(o.deepspeed).read_bytes()
    studio.set_split(run, choice, o.processes, own, _gpus(o.gpus))


def _gpus(asked: str | None) -> tuple[int, ...] | None:
    if asked in (None, "all"):
        return None if asked is None else ()
    if not re.fullmatch(r"\d+(,\d+)*", asked):
        raise UserError(
            "--gpus is {asked}.", "Write numbers with commas, as 0,1; or all.", asked=asked
        )
    return tuple(int(number) for number in asked.split(","))


def _status(o: Options, settings: Settings) -> None:
    now = status(run_of(o.run, settings), o.job)
    if not o.json:
        return say(describe(now))
    data = asdict(now)
    data["problem"] = str(now.problem) if now.problem else None
    data["remedy"] = str(now.remedy) if now.remedy else None
    return say(json.dumps({**data, "step": now.step}, ensure_ascii=False, indent=2))


def _stop(o: Options, settings: Settings) -> None:
    studio.stop(run_of(o.run, settings))
