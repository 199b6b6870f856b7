"""The Train tab: the plan before, the progress during, the answers after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from core import queue, studio
from core.config.schema import BUILTIN_MODEL
from core.errors import UserError
from core.models import preparation
from core.origin import origin
from core.run import Run
from core.status import Status, status
from core.ui import score_pane, split_views
from core.ui import train_views as views
from core.ui.frame import UNKNOWN, Frame, Pane, go
from core.ui.split_pane import SplitPane, chosen
from core.ui.views import next_step, notice, waiting

_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_LOG_BYTES = 40_000


def build(frame: Frame) -> Pane:
    """Lay the tab out and wire it."""
    t, language = frame.t, frame.language
    gr.Markdown(
        t("## Train it")
        + "\n\n"
        + t(
            "You may close this page at any time: the training goes on, and the page finds it again."
        )
    )
    queue_html = gr.HTML("", elem_id="train-queue")
    with gr.Column() as before_group:
        plan_html = gr.HTML("", elem_id="train-plan")
        split = SplitPane(frame)
    with gr.Row(elem_classes="actions"):
        start_btn = gr.Button(
            t("Start training"), variant="primary", interactive=False, elem_id="train-start"
        )
        fetch_btn = gr.Button(t("Get the model"), visible=False, elem_id="train-fetch")
        resume_btn = gr.Button(t("Resume"), visible=False, elem_id="train-resume")
        stop_btn = gr.Button(t("Stop and save"), visible=False, elem_id="train-stop")
        next_btn = gr.Button(
            t("Next: Chat"), variant="primary", visible=False, elem_id="train-next"
        )
    live_html = gr.HTML("", elem_id="train-live")
    samples_html = gr.HTML("", elem_id="train-samples")
    scoring = score_pane.build(frame)
    with gr.Accordion(t("Log"), open=False):
        log_code = gr.Code(
            "", interactive=False, show_label=False, max_lines=20, elem_id="train-log",
            show_line_numbers=False, buttons=["copy"],
        )  # fmt: skip
    gr.HTML(next_step(t("Next, talk to it, with the untrained model beside it.")))

    def planned(found: Run | None) -> tuple[str, Any, str]:
        """The plan of a run that is not working, or what stands in its way; Start follows it."""
        shut = gr.update(interactive=False)
        if found is None:
            return notice("info", t("Describe your assistant in the Persona tab first.")), shut, ""
        if status(found).active:
            return "", shut, ""
        try:
            plan = studio.make_plan(found, frame.settings)
        except UserError as error:
            return notice("warn", error.render(language)), shut, ""
        card = views.plan_card(plan, language, t) + split_views.command(plan, t)
        ways = split_views.table(plan, chosen(found)[0], language, t)
        return card, gr.update(interactive=True), ways

    def refresh(found: Run | None) -> Sequence[Any]:
        now = status(found) if found else Status()
        trained = bool(found and found.checkpoints())
        idle = found is not None and not found.alive and not now.active
        complete = now.state == "finished"
        stop = t("Stop at once") if now.state == "stopping" else t("Stop and save")
        others = [w for w in queue.line(frame.settings.queue) if not found or w.run != found.name]
        return [
            waiting(others, t),
            gr.update(visible=not now.active and not trained),
            gr.update(visible=not now.active and not trained),
            _fetching(found, frame),
            gr.update(visible=idle and trained and not complete),
            gr.update(visible=now.active, value=stop),
            gr.update(visible=trained and not now.active),
            views.live(now, language, t),
            views.samples(now.samples, t, total_steps=now.total_steps),
            _log(found),
            *scoring.refresh(found),
        ]

    def open_(found: Run | None) -> Sequence[Any]:
        return [*planned(found), *split.open(found)]

    @frame.guard
    def split_picked(
        run_name: str, choice: str, processes: float | None, gpus: list[int] | None
    ) -> Any:
        found = frame.need(run_name)
        if not split.picked(found, choice, processes, gpus):  # only left, not changed
            return gr.skip()
        return *planned(found), UNKNOWN

    @frame.guard
    def split_brought(run_name: str, file: str) -> Any:
        found = frame.need(run_name)
        split.brought(found, file)
        return *planned(found), *split.open(found), UNKNOWN

    @frame.guard
    def start_pressed(run_name: str) -> Any:
        studio.train(frame.need(run_name), frame.settings)
        return gr.update(interactive=False)

    @frame.guard
    def fetch_pressed(run_name: str) -> None:
        model = studio.model_of(frame.need(run_name))
        job = preparation(frame.settings, model)
        if job.alive:
            studio.stop(job, "prepare")
        else:
            studio.prepare(frame.settings, model)

    @frame.guard
    def resume_pressed(run_name: str) -> Any:
        studio.train(frame.need(run_name), frame.settings, resume=True)
        return gr.update(visible=False)

    @frame.guard
    def stop_pressed(run_name: str) -> None:
        studio.stop(frame.need(run_name))

    run_tb = frame.run_tb
    plan_parts = [plan_html, start_btn, split.table_html]
    asked = [run_tb, split.zero_radio, split.processes_nb, split.gpus_cg]
    acted = [
        split.zero_radio.input(split_picked, asked, [*plan_parts, frame.shown_tb], **_EVENT),
        split.gpus_cg.input(split_picked, asked, [*plan_parts, frame.shown_tb], **_EVENT),
        split.processes_nb.submit(split_picked, asked, [*plan_parts, frame.shown_tb], **_EVENT),
        split.processes_nb.blur(split_picked, asked, [*plan_parts, frame.shown_tb], **_EVENT),
        split.file_btn.upload(
            split_brought,
            [run_tb, split.file_btn],
            [*plan_parts, *split.opened, frame.shown_tb],
            **_EVENT,
        ),
        start_btn.click(start_pressed, [run_tb], [start_btn], trigger_mode="once", **_EVENT),
        fetch_btn.click(fetch_pressed, [run_tb], None, trigger_mode="once", **_EVENT),
        resume_btn.click(resume_pressed, [run_tb], [resume_btn], trigger_mode="once", **_EVENT),
        *scoring.acted,
        stop_btn.click(stop_pressed, [run_tb], None, trigger_mode="once", **_EVENT),
        next_btn.click(lambda: go("chat"), None, [frame.tabs, frame.tab_tb], queue=False, **_EVENT),
    ]
    return Pane(
        opened=[*plan_parts, *split.opened],
        open=open_,
        fresh=[
            *(queue_html, before_group, start_btn, fetch_btn, resume_btn, stop_btn, next_btn),
            *(live_html, samples_html, log_code, *scoring.fresh),
        ],
        refresh=refresh,
        acted=acted,
    )


def _fetching(found: Run | None, frame: Frame) -> Any:
    """The button that makes the run's base model ready, or stops that."""
    t = frame.t
    try:
        model = studio.model_of(found)
        if found is None or model == BUILTIN_MODEL or studio.model_ready(frame.settings, model):
            return gr.update(visible=False)
        job = preparation(frame.settings, model)
        remote = origin(model).remote
    except UserError:
        return gr.update(visible=False)
    if not job.alive:
        words = t("Get the model") if remote else t("Convert the model")
    elif remote and status(job, "prepare").stage != "converting":
        words = t("Stop the download")
    else:
        words = t("Stop the conversion")
    return gr.update(visible=True, value=words)


def _log(found: Run | None) -> str:
    if found is None or not found.log_of("train").exists():
        return ""
    with found.log_of("train").open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _LOG_BYTES))
        return views.log_tail(file.read())
