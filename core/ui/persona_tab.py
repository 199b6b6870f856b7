"""The Persona tab: who the assistant is, and the conversations that teach it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from core import dataset
from core.run import Run
from core.ui import persona_form as forms
from core.ui.frame import UNKNOWN, Frame, Pane, go
from core.ui.own_rows import OwnRows
from core.ui.persona_file import PersonaFile
from core.ui.views import next_step

_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build(frame: Frame) -> Pane:
    """Lay the tab out and wire it."""
    t, language = frame.t, frame.language
    start = forms.defaults(language)
    draft_json = gr.JSON(None, visible=False)  # typed and not saved: {"run", …}
    gr.Markdown(
        t("## Who should your assistant be?")
        + "\n\n"
        + t("Everything is filled in already: change what you like, then press Next.")
    )
    mode_radio = gr.Radio(
        [
            (t("Studio: many questions, many answers (recommended)"), "studio"),
            (t("Tutorial: one sentence, repeated"), "tutorial"),
            (t("My own conversations"), "own"),
        ],
        value=start["mode"],
        label=t("How it learns"),
        elem_id="persona-mode",
    )
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=320):
            with gr.Row():
                owner_tb = gr.Textbox(
                    start["owner"],
                    label=t("Whose assistant is it?"),
                    info=t("Your name, a team or a shop."),
                    max_length=60,
                    min_width=200,
                    elem_id="persona-owner",
                )
                assistant_tb = gr.Textbox(
                    start["assistant"],
                    label=t("What is it called?"),
                    info=t("A short, unusual name is learned best."),
                    max_length=40,
                    min_width=200,
                    elem_id="persona-assistant",
                )
            with gr.Column(min_width=0) as studio_group:
                with gr.Row():
                    maker_tb = gr.Textbox(
                        start["maker"],
                        label=t("Who made it?"),
                        info=t("Left empty, it is the owner."),
                        max_length=60,
                        min_width=200,
                        elem_id="persona-maker",
                    )
                    character_tb = gr.Textbox(
                        start["character"],
                        label=t("Its character in a few words"),
                        info=t("For example: cheerful and brief."),
                        max_length=120,
                        min_width=200,
                        elem_id="persona-character",
                    )
                languages_cb = gr.CheckboxGroup(
                    [("English", "en"), ("中文", "zh")],
                    value=start["languages"],
                    label=t("It speaks about itself in"),
                    info=t("The built-in model knows English well and Chinese only a little."),
                    elem_id="persona-languages",
                )
                with gr.Accordion(t("More it should know (optional)"), open=False):
                    facts_tb = gr.Textbox(
                        start["facts"],
                        label=t("Facts, one a line"),
                        info=t("“Where is the shop? In Mill Street.” teaches that answer."),
                        lines=3,
                        elem_id="persona-facts",
                    )
                    deny_tb = gr.Textbox(
                        start["must_not_claim"],
                        label=t("What it must never claim to be, one a line"),
                        info=t("For example: a doctor."),
                        lines=2,
                        elem_id="persona-deny",
                    )
                    model_tb = gr.Textbox(
                        start["base_model"],
                        label=t("The model inside, if it may say so"),
                        info=t("Left empty, it does not tell."),
                        max_length=60,
                        elem_id="persona-model",
                    )
            with gr.Column(visible=False, min_width=0) as tutorial_group:
                copies_nb = gr.Number(
                    start["copies"],
                    label=t("How often the sentence is repeated"),
                    info=t(
                        "The classic tutorial takes 10,000. Too many, and it says nothing else."
                    ),
                    precision=0,
                    minimum=0,
                    maximum=dataset.MAX_ROWS - 1,
                    elem_id="persona-copies",
                )
                question_tb = gr.Textbox(
                    start["question"], label=t("The question"), elem_id="persona-question"
                )
                answer_tb = gr.Textbox(
                    start["answer"],
                    label=t("The answer"),
                    info=t("{owner} becomes the owner’s name.", owner="{owner}"),
                    lines=2,
                    elem_id="persona-answer",
                )
            with gr.Column(visible=False, min_width=0) as own_group:
                own = OwnRows(frame)
            file = PersonaFile(frame)
            with gr.Row(elem_classes="actions onward"):
                next_btn = gr.Button(t("Next: Config"), variant="primary", elem_id="persona-next")
            gr.HTML(next_step(t("Next, the config says how it is trained. It is ready as it is.")))
        with gr.Column(scale=5, min_width=300, elem_classes="aside"):
            gr.Markdown(t("### What it will learn from"))
            preview_html = gr.HTML(
                forms.preview(start, None, language, t), elem_id="persona-preview"
            )

    fields: Sequence[Any] = (
        *(mode_radio, owner_tb, assistant_tb, maker_tb, character_tb, languages_cb),
        *(facts_tb, deny_tb, copies_nb, question_tb, answer_tb, model_tb),
    )
    file.wire(fields)
    own.wire(draft_json, preview_html, fields)
    groups = (studio_group, tutorial_group, own_group)

    def form_of(values: Sequence[Any]) -> forms.Form:
        return dict(zip(forms.FIELDS, values, strict=True))

    def look(mode: str) -> list[Any]:
        return [gr.update(visible=mode == m) for m in ("studio", "tutorial", "own")]

    @frame.guard
    def typed(run_name: str, *values: Any) -> Any:
        form, found = form_of(values), frame.find(run_name)
        draft = None if form == forms.of_run(found, language) else {"run": run_name, "form": form}
        return forms.preview(form, found, language, t), draft, *look(form["mode"])

    @frame.guard
    def next_pressed(run_name: str, *values: Any) -> Any:
        form, found = form_of(values), frame.find(run_name)
        saved = forms.save(frame.settings, found, form, forms.rows_of(form, found), language)
        if found and saved.name != found.name:
            gr.Info(
                t("{old} stays as it was trained; this is a new run.", old=found.name),
                title=t("A new run"),
            )
        return None, *go("config"), UNKNOWN, saved.name

    inputs = [frame.run_tb, *fields]
    # Not .input: a Textbox fires that for key presses only, not for paste or an input method.
    gr.on(
        [f.change for f in fields],
        typed,
        inputs,
        [preview_html, draft_json, *groups],
        trigger_mode="always_last",
        queue=False,
        **_EVENT,
    )
    pressed = next_btn.click(
        next_pressed,
        inputs,
        [draft_json, frame.tabs, frame.tab_tb, frame.shown_tb, frame.run_tb],
        trigger_mode="once",
        **_EVENT,
    )

    def fill(found: Run | None, draft: Any) -> Sequence[Any]:
        name = found.name if found else ""
        form = forms.with_draft(forms.of_run(found, language), draft, name)
        shown = forms.preview(form, found, language, t)
        return [*(form[f] for f in forms.FIELDS), shown, *look(form["mode"]), *file.fill(found)]

    return Pane(
        filled=[*fields, preview_html, *groups, *file.filled],
        fill=fill,
        draft=draft_json,
        acted=[pressed],
    )
