"""How strongly the adapter speaks: the slider of the Chat tab, and the scores at each strength."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from core import scores, studio
from core.chat import STRONGEST
from core.run import Run
from core.scores import Scores
from core.status import Status, status
from core.ui.frame import Frame, Pane
from core.ui.score_views import percent, table
from core.ui.speech import Say
from core.ui.views import bar

_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build(frame: Frame, source_dd: gr.Dropdown) -> tuple[gr.Slider, Pane]:
    """The slider (its value scales the adapter) and the rest of the pane."""
    t = frame.t
    with gr.Accordion(t("Strength: how much of what it learned"), open=False, elem_id="strength"):
        with gr.Row(equal_height=False):
            slider = gr.Slider(
                0, STRONGEST, 1.0, step=0.05,
                label=t("Strength"),
                info=t(
                    "0 is the base model, 1 as trained. It works at once, for answers of a "
                    "checkpoint and for Merge; a merged model keeps the strength it was merged at."
                ),
                elem_id="chat-strength",
                scale=3,
            )  # fmt: skip
            with gr.Column(scale=2, min_width=220):
                score_btn = gr.Button(t("Score it at this strength"), elem_id="strength-score")
        scores_html = gr.HTML("", elem_id="strength-scores")

    @frame.guard
    def pressed(run_name: str, source: str | None, strength: float) -> None:
        found = frame.need(run_name)
        studio.score(found, frame.settings, step_of(source), strength=round(strength, 2))

    def refresh(found: Run | None) -> Sequence[Any]:
        now = status(found, "score") if found else Status()
        can = bool(found and found.checkpoints()) and not (found and found.alive)
        every = scores.of_run(found) if found else []
        return [gr.update(interactive=can), shown(every, now, t)]

    return slider, Pane(
        fresh=[score_btn, scores_html],
        refresh=refresh,
        acted=[
            score_btn.click(
                pressed,
                [frame.run_tb, source_dd, slider],
                None,
                trigger_mode="once",
                **_EVENT,
            )
        ],
    )


def step_of(source: str | None) -> int | None:
    """The step of a source such as “adapter:84”; None for the newest."""
    step = (source or "").partition(":")[2]
    return int(step) if step.isdigit() else None


def shown(every: Sequence[Scores], now: Status, t: Say) -> str:
    """Progress of the scoring, then each step's figures at each strength that was scored."""
    parts = []
    if now.active:
        part = now.stage_done / now.stage_total if now.stage_total else 0.0
        words = t("Asking it questions that it never saw")
        parts.append(f'<div class="notice info" role="status">{words}{bar(part, words)}</div>')
    rows = [s for step in sorted({s.step for s in every}) for s in scores.strengths(every, step)]
    if any(s.strength != 1 for s in rows):
        heads = (t("Strength"), t("Step"), t("Knows itself"), t("Tells unasked"), t("Drift (KL)"))
        cells = [
            (
                f"{s.strength:g}",
                str(s.step),
                percent(s.recall()),
                percent(s.leak()),
                f"{s.kl:.4f}",
            )
            for s in rows
        ]
        parts.append(table(heads, cells))
    return "".join(parts)
