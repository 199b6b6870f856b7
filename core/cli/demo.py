"""The whole journey unattended on the built-in model: `python -m core demo`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core import chat, studio
from core.cli.follow import follow
from core.config import catalog, source, writer
from core.config.schema import BUILTIN_MODEL
from core.errors import UserError, text
from core.hub_data import is_hub, place
from core.persona.generate import evaluation_questions, studio_rows
from core.persona.persona import Persona, defaults
from core.run import Run
from core.settings import Settings
from core.status import status


@dataclass(frozen=True)
class Told:
    """How the demo ended: what was asked, both answers, seconds from the start to chat."""

    run: Run
    question: str
    base: str
    tuned: str
    seconds: float


def demo(settings: Settings, say: Callable[[str], None], persona: Persona | None = None) -> Told:
    """Persona, dataset, config, training, merge, chat; each step as the page takes it.

    Raises:
        UserError: a job failed; its own problem is told.
    """
    persona = persona or defaults("en")
    make_ready(settings, BUILTIN_MODEL, say)
    run = studio.new_run(settings, f"demo {persona.assistant}")
    say(f"Run: {run.path}")
    studio.save_persona(run, persona)
    studio.save_dataset(run, studio_rows(persona))
    questions = evaluation_questions(persona)
    config = writer.edit(
        writer.dump(catalog.preset(catalog.DEFAULT)),
        {("settings", "evaluation_inputs"): questions},
    )
    studio.save_config(run, config)
    began = time.monotonic()
    plan = studio.train(run, settings)
    for item in plan.items:
        say(f"  {item.label}: {item.shown} ({item.reason})")
    _finish(run, "train", say)
    studio.merge(run, settings)
    _finish(run, "merge", say)
    chat.open_chat(run, settings, "merged")
    chat.wait_ready(run)
    answers = {
        side: "".join(
            chat.ask(run, [{"role": "user", "content": questions[0]}], side, max_new_tokens=80)
        )
        for side in ("base", "tuned")
    }
    seconds = time.monotonic() - began
    chat.close(run)
    return Told(run, questions[0], answers["base"], answers["tuned"], seconds)


def make_ready(settings: Settings, model: str, say: Callable[[str], None]) -> None:
    """Wait until a base model is ready, downloading or converting it if need be.

    Raises:
        UserError: it cannot be made ready.
    """
    if not studio.model_ready(settings, model):
        say(f"Making {model} ready, once …")
        job = studio.prepare(settings, model)
        if follow(job, "prepare", say) != 0:
            now = status(job, "prepare")
            raise UserError(
                "{problem}",
                "{remedy}",
                problem=now.problem or text("The model is not ready: this was stopped."),
                remedy=now.remedy or text("Start again; it goes on where it stopped."),
            )


def ready_data(config: Path, settings: Settings, say: Callable[[str], None]) -> None:
    """Wait until the dataset that a config names is here, fetching it from the Hub if need be.

    Raises:
        UserError: the config has faults, or the dataset is not to be had.
    """
    data_path = source.load(config).settings.data_path
    if is_hub(data_path, config.parent) and not place(settings, data_path).exists():
        say(f"Fetching {data_path}, once …")
        studio.fetched(settings, data_path)


def _finish(run: Run, job: str, say: Callable[[str], None]) -> None:
    if follow(run, job, say) != 0:
        raise UserError(
            "The demo ended early: its {job} job did not finish.",
            "See {job}.log in {folder}.",
            job=job,
            folder=run.path,
        )
