"""Compare, in the Chat tab: several models answer the same questions side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

import gradio as gr

from core import compare, studio
from core.chat import checked_strength
from core.compare import Comparison, Side
from core.errors import UserError
from core.questions import questions
from core.run import Run, all_runs, find
from core.status import Status, status
from core.ui.frame import Frame, Pane
from core.ui.speech import Say
from core.ui.strength_pane import step_of
from core.ui.train_views import failure
from core.ui.views import bar

_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_OTHERS: Final = 6  # other runs that are offered


def build(frame: Frame, strength_slider: gr.Slider) -> Pane:
    """Lay it out and wire it."""
    t = frame.t
    with gr.Accordion(t("Compare side by side"), open=False, elem_id="compare"):
        sides_dd = gr.Dropdown(
            [],
            multiselect=True,
            max_choices=compare.MOST_SIDES,
            label=t("Who answers"),
            info=t(
                "All are asked in this assistant’s template, with the same seed; what differs from "
                "the first is marked. A checkpoint of this assistant answers at the strength above."
            ),
            elem_id="compare-sides",
        )
        with gr.Row(equal_height=False):
            question_tb = gr.Textbox(
                label=t("Your question"),
                placeholder=t("Ask it who it is …"),
                max_length=4000,
                scale=4,
                elem_id="compare-question",
            )
            with gr.Column(scale=1, min_width=180):
                ask_btn = gr.Button(t("Compare"), variant="primary", elem_id="compare-ask")
                probes_btn = gr.Button(
                    t("Compare on the held-out questions"), elem_id="compare-probes"
                )
                stop_btn = gr.Button(t("Stop comparing"), visible=False, elem_id="compare-stop")
        answers_html = gr.HTML("", elem_id="compare-answers")

    def open_(found: Run | None) -> Sequence[Any]:
        offered = choices(found, all_runs(frame.settings.runs), t)
        usual = [value for _, value in offered if found and value.startswith(f"{found.name}/")]
        first = [v for v in usual if not v.partition("/")[2].startswith("adapter")]
        newest = [v for v in usual if v.partition("/")[2].startswith("adapter")][:1]
        return [gr.update(choices=offered, value=[*first[:1], *newest, *first[1:]])]

    def refresh(found: Run | None) -> Sequence[Any]:
        now = status(found, "compare") if found else Status()
        free = bool(found and found.checkpoints()) and not (found and found.alive)
        last = compare.load(found) if found else None
        return [
            gr.update(interactive=free),
            gr.update(interactive=free and bool(found and found.persona_file.exists())),
            gr.update(visible=now.active),
            _progress(now, frame) + (shown(last, t) if last else ""),
        ]

    def start(run_name: str, chosen: Sequence[str], strength: float, asked: Sequence[str]) -> None:
        found = frame.need(run_name)
        sides = [_side(frame, value, found, strength) for value in chosen or ()]
        studio.compare(found, frame.settings, compare.ask(asked, sides))

    @frame.guard
    def asked(run_name: str, chosen: list[str], question: str, strength: float) -> None:
        start(run_name, chosen, strength, [question])

    @frame.guard
    def asked_probes(run_name: str, chosen: list[str], strength: float) -> None:
        found = frame.need(run_name)
        probes = questions(found)
        start(run_name, chosen, strength, [p.question for p in probes.identity])

    run_tb = frame.run_tb
    asking = [run_tb, sides_dd, question_tb, strength_slider]
    return Pane(
        opened=[sides_dd],
        open=open_,
        fresh=[ask_btn, probes_btn, stop_btn, answers_html],
        refresh=refresh,
        acted=[
            gr.on(
                [ask_btn.click, question_tb.submit],
                asked,
                asking,
                None,
                trigger_mode="once",
                **_EVENT,
            ),
            probes_btn.click(
                asked_probes,
                [run_tb, sides_dd, strength_slider],
                None,
                trigger_mode="once",
                **_EVENT,
            ),
            stop_btn.click(
                frame.guard(lambda name: studio.stop(frame.need(name), "compare")),
                [run_tb],
                None,
                **_EVENT,
            ),
        ],
    )


def choices(found: Run | None, others: Sequence[Run], t: Say) -> list[tuple[str, str]]:
    """Who can answer, as label and RUN/source: this run's models, then those of other runs."""
    if found is None or not found.checkpoints():
        return []
    here = found.name
    offered = [(t("Base model"), f"{here}/base")]
    if found.is_merged:
        offered.append((t("Merged model"), f"{here}/merged"))
    offered += [
        (t("Checkpoint of step {step}", step=c.step), f"{here}/adapter:{c.step}")
        for c in reversed(found.checkpoints())
    ]
    for run in [r for r in others if r.name != here and r.checkpoints()][:_OTHERS]:
        step = run.checkpoint().step
        offered.append(
            (
                t("{run}, checkpoint of step {step}", run=run.name, step=step),
                f"{run.name}/adapter:{step}",
            )
        )
        if run.is_merged:
            offered.append((t("{run}, merged", run=run.name), f"{run.name}/merged"))
    return offered


def _side(frame: Frame, value: str, found: Run, strength: float) -> Side:
    name, _, source = value.partition("/")
    run = find(frame.settings.runs, name)
    match source.partition(":")[0]:
        case "base":
            return Side(str(run.path), "base")
        case "merged":
            return Side(str(run.path), "merged")
        case "adapter":
            scale = checked_strength(round(strength, 2)) if run == found else 1.0
            return Side(str(run.path), "adapter", step_of(source), scale)
    raise UserError(
        "The run {run} has nothing like that to talk to.",
        "Pick a model from the list.",
        run=run.name,
    )


def _progress(now: Status, frame: Frame) -> str:
    if now.state == "failed":
        return failure(now, frame.language, frame.t)
    if not now.active:
        return ""
    part = now.stage_done / now.stage_total if now.stage_total else 0.0
    words = frame.t("Each model answers in turn")
    return f'<div class="notice info" role="status">{words}{bar(part, words)}</div>'


def shown(last: Comparison, t: Say) -> str:
    """The answers in columns, a row for each question; what the first did not say is marked."""
    heads = [_name(side, t) for side in last.sides]
    rows = []
    for question, answers in zip(last.questions, last.answers, strict=True):
        first = answers[0]
        cells = "".join(
            f'<td data-label="{escape(head)}">{_answer(first, answer, number)}</td>'
            for number, (head, answer) in enumerate(zip(heads, answers, strict=True))
        )
        rows.append(
            f'<tr class="asked"><th colspan="{len(heads)}" scope="row">{escape(question)}</th></tr>'
            f"<tr>{cells}</tr>"
        )
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    return f'<table class="compared"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _answer(first: str | None, answer: str | None, number: int) -> str:
    if answer is None:
        return "…"
    if number == 0 or first is None:
        return escape(answer)
    return "".join(
        f"<mark>{escape(piece)}</mark>" if new and piece.strip() else escape(piece)
        for piece, new in compare.pieces(first, answer)
    )


def _name(side: Side, t: Say) -> str:
    what = {
        "base": t("Base model"),
        "merged": t("Merged model"),
        "adapter": t("Checkpoint of step {step}", step=side.step),
    }[side.source]
    if side.source == "adapter" and side.strength != 1:
        what = t("{model}, strength {strength}", model=what, strength=f"{side.strength:g}")
    return what if side.source == "base" else f"{what} · {side.of.name}"
