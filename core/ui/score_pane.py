"""Scores, in the Train tab: ask a checkpoint or all of them, stop asking, take the advice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import gradio as gr

from core import remedy, scores, studio
from core.remedy import Remedy
from core.run import Run
from core.status import Status, status
from core.ui import score_views
from core.ui.frame import CLICKS, Frame, Pane

_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build(frame: Frame) -> Pane:
    """Lay it out and wire it."""
    t, language = frame.t, frame.language
    with gr.Row(elem_classes="actions"):
        score_btn = gr.Button(
            t("Score it: does it know itself, and what else changed?"),
            visible=False,
            elem_id="train-score",
        )
        every_btn = gr.Button(
            t("Score every checkpoint"), visible=False, elem_id="train-score-every"
        )
        stop_btn = gr.Button(t("Stop scoring"), visible=False, elem_id="train-score-stop")
    scores_html = gr.HTML("", elem_id="train-scores")
    advice_html = gr.HTML("", js_on_load=CLICKS, elem_id="train-advice")

    def refresh(found: Run | None) -> Sequence[Any]:
        now = status(found, "score") if found else Status()
        idle = bool(found and found.checkpoints()) and not (found and found.alive)
        several = idle and bool(found and len(found.checkpoints()) > 1)
        every = scores.of_run(found) if found else []
        advised = advice(found) if found and idle else ()
        return [
            gr.update(visible=idle),
            gr.update(visible=several),
            gr.update(visible=now.active),
            score_views.scored(every, now, language, t),
            score_views.advised(advised, language, t),
        ]

    @frame.guard
    def pressed(run_name: str) -> Any:
        studio.score(frame.need(run_name), frame.settings)
        return gr.update(visible=False)

    @frame.guard
    def every_pressed(run_name: str) -> Any:
        studio.score(frame.need(run_name), frame.settings, every=True)
        return gr.update(visible=False)

    @frame.guard
    def stopped(run_name: str) -> None:
        studio.stop(frame.need(run_name), "score")

    @frame.guard
    def taken(run_name: str, event: gr.EventData) -> Any:
        found = frame.need(run_name)
        return remedy.apply(found, frame.settings, str(event._data.get("action"))).name

    run_tb = frame.run_tb
    return Pane(
        fresh=[score_btn, every_btn, stop_btn, scores_html, advice_html],
        refresh=refresh,
        acted=[
            score_btn.click(pressed, [run_tb], [score_btn], trigger_mode="once", **_EVENT),
            every_btn.click(every_pressed, [run_tb], [every_btn], trigger_mode="once", **_EVENT),
            stop_btn.click(stopped, [run_tb], None, trigger_mode="once", **_EVENT),
            advice_html.click(taken, [run_tb], [run_tb], trigger_mode="once", **_EVENT),
        ],
    )


def advice(found: Run) -> tuple[Remedy, ...]:
    """What to do about the scores; worked out once for each state of the files it follows from."""
    files = [found.config_file, found.dataset_file, found.persona_file]
    files += [f for c in found.checkpoints() for f in c.path.glob("scores-*.json")]
    return _advice(found, tuple((f, f.stat().st_mtime_ns) for f in files if f.exists()))


@lru_cache(maxsize=16)
def _advice(found: Run, versions: tuple[object, ...]) -> tuple[Remedy, ...]:
    return tuple(remedy.remedies(found))
