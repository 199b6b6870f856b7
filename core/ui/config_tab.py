"""The Config tab: how the assistant is trained, as a form and as YAML, both always in step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from core import advice, conversations, studio
from core import run as runs
from core.config import catalog, source, writer
from core.config.fields import fields
from core.config.lint import Finding
from core.config.schema import PARTS, Config
from core.conversations import Conversations
from core.errors import UserError
from core.run import Run
from core.ui import config_file as files
from core.ui import config_form as forms
from core.ui.config_more import ConfigMore
from core.ui.data_pane import OWN, DataPane
from core.ui.frame import CLICKS, Frame, Pane, go
from core.ui.persona_form import branch, first_preset, preset_text
from core.ui.preset_pane import PresetPane
from core.ui.token_view import TokenView
from core.ui.views import next_step, notice

_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_RUN = "run: "
Draft = dict[str, Any] | None


def build(frame: Frame) -> Pane:
    """Lay the tab out and wire it."""
    t, language = frame.t, frame.language
    preset = first_preset("studio")
    text = preset_text(preset, language)
    draft_json = gr.JSON(None, visible=False)  # typed and not saved: {"run", …}
    gr.Markdown(
        t("## How is it trained?")
        + "\n\n"
        + t("The preset fits your assistant. You can go on at once, or change single values.")
    )
    presets = PresetPane(frame, preset)
    data = DataPane(frame)
    fault_html = gr.HTML("", elem_id="config-faults")
    advice_html = gr.HTML("", js_on_load=CLICKS, elem_id="config-advice")
    report_html = gr.HTML("", elem_id="config-report")
    inputs: list[Any] = []
    with gr.Tabs(elem_classes="inner"):
        with gr.Tab(t("Form"), id="form"):
            for number, (part, title) in enumerate(PARTS.items(), 1):
                with gr.Accordion(f"{number} · {t(title)}", open=part in forms.OPEN):
                    with gr.Row(elem_classes="grid"):
                        inputs += [
                            forms.component(field, language)
                            for key, field in fields().items()
                            if key[0] == part
                        ]
        with gr.Tab(t("YAML"), id="source"):
            gr.HTML(f'<p class="facts">{t("The same values as text. Comments are kept.")}</p>')
            code = gr.Code(
                text,
                language="yaml",
                lines=24,
                max_lines=40,
                elem_id="config-source",
                show_label=False,
            )
        with gr.Tab(t("What differs"), id="diff"):
            other_dd = gr.Dropdown(
                [(t("the preset"), "")],
                value="",
                label=t("Compare with"),
                filterable=False,
                elem_id="config-other",
            )
            diff_html = gr.HTML(
                forms.differences(text, catalog.preset(preset), preset, t), elem_id="config-diff"
            )
        with gr.Tab(t("Tokens"), id="tokens") as tokens_tab:
            learned = TokenView(frame)
    with gr.Row(elem_classes="actions onward"):
        next_btn = gr.Button(t("Next: Train"), variant="primary", elem_id="config-next")
        file_btn = gr.UploadButton(
            t("Open a config file"),
            file_types=[".yaml", ".yml", ".py"],
            variant="secondary",
            elem_id="config-file",
        )
        undo_btn = gr.Button(t("Undo"), visible=False, elem_id="config-undo")
    more = ConfigMore(frame)
    gr.HTML(next_step(t("Next, a plan shows what this machine will do, before anything starts.")))

    def base_of(other: str, name: str) -> tuple[Config | None, str]:
        if other.startswith(_RUN):
            found = frame.need(other.removeprefix(_RUN))
            return source.load(found.config_file), found.name
        return (catalog.preset(name), name) if name else (None, "")

    def known_to(run_name: str) -> Conversations | None:
        found = frame.find(run_name)
        return conversations.of_run(found) if found and found.dataset_file.exists() else None

    def advised(run_name: str, text_: str) -> list[Finding]:
        try:
            known = known_to(run_name)
        except UserError:
            return []  # the Train tab says what is wrong with them
        return advice.findings(text_, known, frame.settings)

    def looks(run_name: str, text_: str, other: str, name: str) -> list[Any]:
        found = frame.find(run_name)
        return [
            forms.problems(text_, language, t),
            forms.version(found, text_),
            *data.shown(run_name, text_, name),
            forms.differences(text_, *base_of(other, name), t),
        ]

    def everything(run_name: str, text_: str, other: str, name: str, undo: bool) -> list[Any]:
        """Values for `all_`: what follows from a text that was replaced as a whole."""
        right = not source.faults(text_)
        shown = forms.values(source.parse(text_)) if right else [gr.skip()] * len(inputs)
        seen = looks(run_name, text_, other, name)
        return [
            *(text_, name, presets.about(name), gr.update(visible=undo), ""),
            *seen,
            *shown,
        ]

    # What the advice follows from. Rows are tokenised for it, and the form need not wait for that.
    basis_tb = gr.Textbox("", visible=False)
    seen = [undo_btn, fault_html, basis_tb, *data.outputs, diff_html]
    all_ = [code, presets.name_tb, presets.about_html, undo_btn, report_html, *seen[1:], *inputs]

    def replaced(
        draft: Draft, run_name: str, old: str, new: str, other: str, name: str
    ) -> list[Any]:
        """The draft and `all_` after the whole text became another, which can be undone."""
        kept = forms.remember(draft, run_name, old, new)
        return [kept, *everything(run_name, new, other, name, undo=True)]

    @frame.guard
    def form_typed(
        key: forms.Key, draft: Draft, run_name: str, text_: str, other: str, name: str, *raws: Any
    ) -> Any:
        try:
            new = forms.edited(text_, key, raws)
        except UserError as error:
            wrong = notice("bad", error.render(language))
            return [gr.skip()] * 3 + [wrong] + [gr.skip()] * (len(seen) - 2)
        if new == text_:
            return gr.skip()
        kept = forms.remember(draft, run_name, text_, new, ".".join(key))
        return new, kept, gr.update(visible=True), *looks(run_name, new, other, name)

    @frame.guard
    def source_typed(draft: Draft, run_name: str, text_: str | None, other: str, name: str) -> Any:
        new = text_ or ""
        right = not source.faults(new)
        shown = forms.values(source.parse(new)) if right else [gr.skip()] * len(inputs)
        found = frame.find(run_name)
        saved = found.config_file.read_text("utf-8") if found and found.config_file.exists() else ""
        old = forms.draft_text(saved, draft, run_name) or preset_text(preset, language)
        kept = forms.remember(draft, run_name, old, new, "source")
        return kept, gr.update(visible=True), *looks(run_name, new, other, name), *shown

    @frame.guard
    def preset_picked(
        event: gr.EventData, draft: Draft, run_name: str, text_: str, other: str
    ) -> Any:
        name = str(event._data.get("run"))
        return replaced(draft, run_name, text_, preset_text(name, language), other, name)

    @frame.guard
    def undone(draft: Draft, run_name: str, other: str) -> Any:
        kept = forms.undone(draft, run_name)
        if kept is None:
            return gr.skip()
        old = str(kept["text"])
        return kept, *everything(run_name, old, other, catalog.preset_of(old), bool(kept["before"]))

    @frame.guard
    def fixed(
        event: gr.EventData, draft: Draft, run_name: str, text_: str, other: str, name: str
    ) -> Any:
        for finding in advised(run_name, text_):
            if finding.code == event._data.get("action") and finding.fix:
                new = writer.edit(text_, finding.fix)
                return replaced(draft, run_name, text_, new, other, name)
        return gr.skip()

    @frame.guard
    def kept_own(draft: Draft, run_name: str, text_: str, other: str, name: str) -> Any:
        return replaced(draft, run_name, text_, writer.edit(text_, OWN), other, name)

    @frame.guard
    def file_opened(path: str, draft: Draft, run_name: str, text_: str, other: str) -> Any:
        new, report = files.opened(Path(path), language, t)
        shown = replaced(draft, run_name, text_, new, other, catalog.preset_of(new))
        shown[1 + all_.index(report_html)] = report
        return shown

    @frame.guard
    def next_pressed(run_name: str, text_: str) -> Any:
        found = frame.need(run_name)
        if found.config_file.exists() and found.config_file.read_text("utf-8") == text_:
            return None, *go("train"), run_name
        data.refuse_missing(found, text_)
        kept = branch(frame.settings, found)
        studio.save_config(kept, text_)
        if kept != found:
            gr.Info(
                t("{old} stays as it was trained; this is a new run.", old=found.name),
                title=t("A new run"),
            )
        return None, *go("train"), kept.name

    replacing = [draft_json, frame.run_tb, code, other_dd]
    context = [*replacing, presets.name_tb]
    for (key, _), field_input in zip(fields().items(), inputs, strict=True):
        # Not .change, which the source's own edits would fire; .blur catches what was pasted.
        typing = isinstance(field_input, gr.Textbox | gr.Number)
        gr.on(
            [field_input.input, field_input.blur] if typing else [field_input.input],
            partial(form_typed, key),
            [*context, *inputs],
            [code, draft_json, *seen],
            trigger_mode="always_last",
            queue=False,
            **_EVENT,
        )
    code.input(
        source_typed,
        context,
        [draft_json, *seen, *inputs],
        trigger_mode="always_last",
        queue=False,
        **_EVENT,
    )
    presets.table_html.click(preset_picked, replacing, [draft_json, *all_], **_EVENT)
    undo_btn.click(undone, [draft_json, frame.run_tb, other_dd], [draft_json, *all_], **_EVENT)
    basis_tb.change(
        frame.guard(lambda run, text_: forms.advice(advised(run, text_), language, t)),
        [frame.run_tb, code],
        [advice_html],
        trigger_mode="always_last",
        queue=False,
        **_EVENT,
    )
    advice_html.click(fixed, context, [draft_json, *all_], **_EVENT)
    data.own_btn.click(kept_own, context, [draft_json, *all_], **_EVENT)
    file_btn.upload(file_opened, [file_btn, *replacing], [draft_json, *all_], **_EVENT)
    other_dd.input(
        frame.guard(lambda text_, other, name: forms.differences(text_, *base_of(other, name), t)),
        [code, other_dd, presets.name_tb],
        [diff_html],
        **_EVENT,
    )
    learned.wire(tokens_tab, code, known_to)
    moved = [*more.wire(code, draft_json), data.wire(code, presets.name_tb, draft_json)]
    pressed = next_btn.click(
        next_pressed,
        [frame.run_tb, code],
        [draft_json, frame.tabs, frame.tab_tb, frame.run_tb],
        trigger_mode="once",
        **_EVENT,
    )

    def fill(found: Run | None, draft: Any) -> Sequence[Any]:
        saved = preset_text(preset, language)
        if found and found.config_file.exists():
            saved = found.config_file.read_text("utf-8")
        shown = forms.draft_text(saved, draft, found.name if found else "")
        others = [r.name for r in runs.all_runs(frame.settings.runs) if r.config_file.exists()]
        choices = [(t("the preset"), ""), *((name, _RUN + name) for name in others)]
        run = found.name if found else ""
        undo = bool(forms.past(draft, run))
        first = [gr.update(choices=choices, value=""), run]
        return [*first, *everything(run, shown, "", catalog.preset_of(shown), undo)]

    return Pane(
        filled=[other_dd, more.name_tb, *all_],
        fill=fill,
        draft=draft_json,
        acted=[pressed, *moved],
    )
