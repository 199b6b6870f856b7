"""What a person can do, as functions: the page and the command line both call these."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from core import compare as comparing
from core import conversations, hub_data, launch, rates, replies, run, zero, zero_file
from core.chat import checked_strength
from core.config import source, writer
from core.config.schema import BUILTIN_MODEL, Config
from core.dataset import Row, check, dumps
from core.errors import UserError
from core.files import require_space, write_atomic
from core.hardware import detect
from core.model_folder import ORIGIN
from core.models import folder, preparation, ready, shape
from core.needs import not_ready
from core.persona.persona import Persona
from core.persona.versions import keep
from core.plan import Plan
from core.planner import plan
from core.questions import questions
from core.run import Run
from core.settings import Settings
from core.status import status
from core.tokens import ChatTokenizer
from core.work import Work, encode

Layout = Literal["standard", "internlm2"]

_LEAVING_SECONDS = 15.0
_TICK_SECONDS = 0.5


def new_run(settings: Settings, title: str) -> Run:
    """An empty run named after its title.

    Raises:
        UserError: the workspace cannot be written, or is full.
    """
    require_space(settings.runs, 50 * 2**20)
    return run.create(settings.runs, title)


def save_persona(run: Run, persona: Persona) -> None:
    """Keep the persona with the run, and the one that it replaces as an earlier version."""
    _refuse_while_working(run)
    keep(run, persona)


def save_dataset(run: Run, rows: Sequence[Row]) -> None:
    """Keep the conversations with the run."""
    _refuse_while_working(run)
    write_atomic(run.dataset_file, dumps(rows))


def save_config(run: Run, text: str) -> Config:
    """Keep a config's source with the run, comments and all, once it is without faults.

    Raises:
        UserError: with every fault, its part, key and line.
    """
    _refuse_while_working(run)
    config = source.parse(text)
    write_atomic(run.config_file, text)
    return config


def set_split(
    run: Run,
    choice: str | None,
    processes: int | None = None,
    own: bytes | None = None,
    gpus: tuple[int, ...] | None = None,
) -> Config:
    """Choose how a run's work is split (by a preset, or one's own file), and over what.

    Raises:
        UserError: the file or a number has faults, or a job of the run is living.
    """
    _refuse_while_working(run)
    if own is not None:
        zero_file.parse(own, choice or "")
        write_atomic(run.deepspeed_file, own)
    asked = {"deepspeed": choice, "processes": processes, "gpus": gpus}
    changes = {("runtime", key): value for key, value in asked.items() if value is not None}
    return save_config(run, writer.edit(run.config_file.read_text("utf-8"), changes))


def make_plan(run: Run, settings: Settings) -> Plan:
    """What this machine will do about the run as it stands; also written into the run.

    Raises:
        UserError: dataset or config are missing or at odds, the model is not ready, or it does
            not fit this machine.
    """
    for file, what in ((run.dataset_file, "dataset"), (run.config_file, "config")):
        if not file.exists():
            raise UserError(
                "The run {run} has no {what} yet.",
                "Finish the {what} step first.",
                run=run.name,
                what=what,
            )
    config = source.load(run.config_file)
    model = config.settings.pretrained_model_name_or_path
    if not ready(settings, model):
        if model == BUILTIN_MODEL:
            raise UserError(
                "The built-in model is still being made ready.",
                "Wait a moment; it takes about half a minute, once.",
            )
        raise not_ready(config, detect())
    path = folder(settings, model)
    rows = conversations.of_run(run).rows
    check(rows, run.dataset_file.name)
    work = encode(rows, ChatTokenizer.load(path, config.settings.prompt_template), config)
    _check_numbers(work, path)
    own = zero.own(config, run.deepspeed_file)
    asked = replies.to_ask(settings, config, work)
    found = plan(config, work, shape(path), detect(), own, rates.known(settings), asked)
    command = launch.worker(run, "train", processes=found.processes, gpus=found.gpus)
    found = replace(found, command=tuple(command))
    require_space(run.path, int(found.disk_gib * 2**30))
    if not run.alive:
        write_atomic(run.plan_file, found.to_json())
    return found


def _check_numbers(work: Work, path: Path) -> None:
    highest, rows = max(max(e.ids) for e in work.encoded), shape(path).vocabulary
    if highest >= rows:
        raise UserError(
            "The tokenizer of {folder} writes the number {number:,}, and its model knows only "
            "{rows:,}.",
            "Download both again, from one place.",
            folder=path.name,
            number=highest,
            rows=rows,
        )


def model_of(run: Run | None) -> str:
    """The base model that a run's config names; the built-in one where there is none.

    Raises:
        UserError: the config has faults.
    """
    if run is None or not run.config_file.exists():
        return BUILTIN_MODEL
    return source.load(run.config_file).settings.pretrained_model_name_or_path


def train(run: Run, settings: Settings, *, resume: bool = False) -> Plan:
    """Start training, or go on from the newest checkpoint; returns the plan that it obeys.

    Raises:
        UserError: the plan cannot be made, a job of the run is living, or there is nothing to
            resume, or starting anew would lose checkpoints.
    """
    _refuse_while_working(run)
    if resume:
        run.checkpoint()
    elif run.checkpoints():
        raise UserError(
            "The run {run} is trained already ({steps} steps).",
            "Resume it, or start a new run; delete it to begin again.",
            run=run.name,
            steps=run.checkpoint().step,
        )
    found = make_plan(run, settings)
    arguments = ["--resume"] if resume else []
    launch.start(run, "train", settings, arguments, found.processes, found.gpus)
    return found


def merge(
    run: Run,
    settings: Settings,
    step: int | None = None,
    strength: float = 1.0,
    layout: Layout = "standard",
) -> None:
    """Start merging a checkpoint (the newest by default) into a model of its own.

    With the layout “internlm2” it is saved in that layout too, beside the standard one.

    Raises:
        UserError: there is no such checkpoint, a job of the run is living, or its base has no
            such layout.
    """
    _refuse_while_working(run)
    checkpoint = run.checkpoint(step)
    if layout == "internlm2" and not from_internlm2(run, settings):
        raise UserError(
            "The model of this run is not an InternLM2 checkpoint.",
            "Merge it in the standard layout, which every program loads.",
        )
    arguments = [str(checkpoint.step), str(checked_strength(strength)), layout]
    launch.start(run, "merge", settings, arguments)


def from_internlm2(run: Run, settings: Settings) -> bool:
    """Whether a run's base was an InternLM2 checkpoint before it was made ready."""
    return (folder(settings, model_of(run)) / ORIGIN).is_dir()


def score(
    run: Run,
    settings: Settings,
    step: int | None = None,
    probes: Path | None = None,
    strength: float = 1.0,
    *,
    every: bool = False,
) -> None:
    """Start scoring a checkpoint (the newest by default), on one's own questions if given.

    With `every`, all checkpoints of the run are scored, one after another.

    Raises:
        UserError: there is no such checkpoint, nothing to ask, or a job of the run is living.
    """
    _refuse_while_working(run)
    checkpoint = run.checkpoint(step)
    questions(run, probes)
    own = [str(probes.resolve())] if probes else []
    steps = [c.step for c in run.checkpoints()] if every else [checkpoint.step]
    arguments = [",".join(map(str, steps)), str(checked_strength(strength)), *own]
    launch.start(run, "score", settings, arguments)


def compare(run: Run, settings: Settings, asked: comparing.Comparison) -> None:
    """Start letting every side of a comparison answer; it is kept with this run.

    Raises:
        UserError: the run was never planned, or one of its jobs is living.
    """
    _refuse_while_working(run)
    if not run.plan_file.exists():
        raise UserError("The run {run} has no plan yet.", "Open its Train tab first.", run=run.name)
    comparing.save(asked, run)
    launch.start(run, "compare", settings)


def stop(run: Run, job: str = "train") -> None:
    """Ask a job to save and end; a second time, end it."""
    launch.stop(run, job)


def model_ready(settings: Settings, model: str) -> bool:
    """Whether training on this base model can start at once."""
    return ready(settings, model)


def prepare(settings: Settings, model: str) -> Run:
    """The job directory of a model's preparation, started unless done or going.

    Raises:
        UserError: the name names nothing that could be made ready.
    """
    job = preparation(settings, model)
    if not ready(settings, model) and not job.alive:
        job.path.mkdir(parents=True, exist_ok=True)
        launch.start(job, "prepare", settings, [model])
    return job


def fetched(settings: Settings, data_path: str) -> Path:
    """The file of a dataset of the Hub; where it is not here, this waits for the job that gets it.

    Raises:
        UserError: it is no address of a dataset, or the dataset is not to be had.
    """
    job, file = hub_data.fetching(settings, data_path), hub_data.place(settings, data_path)
    if not file.exists() and not job.alive:
        job.path.mkdir(parents=True, exist_ok=True)
        launch.start(job, "fetch", settings, [data_path])
    while not file.exists() and (now := status(job, "fetch")).active:
        time.sleep(_TICK_SECONDS)
    if not file.exists() and now.problem and now.remedy:
        raise UserError("{problem}", "{remedy}", problem=now.problem, remedy=now.remedy)
    return file


def _refuse_while_working(run: Run) -> None:
    # A job that has told its end still needs a moment to leave; a click in that moment is no fault.
    leaving = not any(status(run, job).active for job in ("train", "merge", "score", "compare"))
    end = time.monotonic() + (_LEAVING_SECONDS if leaving else 0)
    while run.alive and time.monotonic() < end:
        time.sleep(0.05)
    if run.alive:
        raise UserError(
            "The run {run} is already working.", "Wait for it, or stop it first.", run=run.name
        )
