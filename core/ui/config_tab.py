"""The Config tab: how the assistant is trained, as a form and as YAML, both always in step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from core import run as runs
from core import studio
from core.config import catalog, source, writer
from core.config.fields import fields
from core.config.schema import PARTS, Config
from core.errors import UserError
from core.hardware import detect
from core.run import Run
from core.ui import advice
from core.ui import config_file as files
from core.ui import config_form as forms
from core.ui.frame import CLICKS, Frame, Pane, go
from core.ui.persona_form import branch, first_preset, preset_of, preset_text
from core.ui.views import next_step, notice

_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
_SHOWN = 60
_RUN = "run: "


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
    with gr.Row(equal_height=False):
        search_tb = gr.Textbox(
            label=t("Find a preset"),
            placeholder=t("for example: qwen persona"),
            info=t("Words of the model, the method or the data."),
            min_width=220,
            elem_id="config-search",
            scale=2,
        )
        preset_dd = gr.Dropdown(
            _choices("smollm2_135m"),
            value=preset,
            label=t("Preset"),
            info=t("Model, method, data and epochs. Choosing one replaces all values."),
            filterable=False,
            min_width=220,
            elem_id="config-preset",
            scale=3,
        )
    about_html = gr.HTML(_about(preset, frame), elem_id="config-about")
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
        with gr.Tab(t("Source (YAML)"), id="source"):
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
    with gr.Row(elem_classes="actions"):
        next_btn = gr.Button(t("Next: Train"), variant="primary", elem_id="config-next")
        file_btn = gr.UploadButton(
            t("Open a config file"),
            file_types=[".yaml", ".yml", ".py"],
            variant="secondary",
            elem_id="config-file",
        )
        undo_btn = gr.Button(t("Undo the last replacement"), visible=False, elem_id="config-undo")
    gr.HTML(next_step(t("Next, a plan shows what this machine will do, before anything starts.")))

    def base_of(other: str, name: str) -> tuple[Config | None, str]:
        if other.startswith(_RUN):
            found = frame.need(other.removeprefix(_RUN))
            return source.load(found.config_file), found.name
        return (catalog.preset(name), name) if name else (None, "")

    def looks(run_name: str, text_: str, other: str, name: str) -> list[Any]:
        found = advice.findings(text_, frame.find(run_name), frame.settings)
        return [
            forms.problems(text_, language, t),
            advice.shown(found, language, t),
            forms.differences(text_, *base_of(other, name), t),
        ]

    def everything(run_name: str, text_: str, other: str, name: str, before: str) -> list[Any]:
        """Values for `all_`: what follows from a text that was replaced as a whole."""
        right = not source.faults(text_)
        shown = forms.values(source.parse(text_)) if right else [gr.skip()] * len(inputs)
        pick = gr.update(value=name, choices=_choices(name, name))
        undo = gr.update(visible=bool(before))
        seen = looks(run_name, text_, other, name)
        return [text_, pick, _about(name, frame), undo, "", *seen, *shown]

    def remember(run_name: str, text_: str, before: str = "") -> dict[str, str]:
        return {"run": run_name, "text": text_, "before": before}

    seen = [fault_html, advice_html, diff_html]
    all_ = [code, preset_dd, about_html, undo_btn, report_html, *seen, *inputs]

    @frame.guard
    def form_typed(
        key: forms.Key, run_name: str, text_: str, other: str, name: str, *raws: Any
    ) -> Any:
        try:
            new = forms.edited(text_, key, raws)
        except UserError as error:
            wrong = notice("bad", error.render(language))
            return gr.skip(), gr.skip(), wrong, gr.skip(), gr.skip()
        if new == text_:
            return gr.skip()
        return new, remember(run_name, new), *looks(run_name, new, other, name)

    @frame.guard
    def source_typed(run_name: str, text_: str | None, other: str, name: str) -> Any:
        new = text_ or ""
        right = not source.faults(new)
        shown = forms.values(source.parse(new)) if right else [gr.skip()] * len(inputs)
        return remember(run_name, new), *looks(run_name, new, other, name), *shown

    @frame.guard
    def preset_picked(run_name: str, name: str, before: str, other: str) -> Any:
        new = preset_text(name, language)
        return remember(run_name, new, before), *everything(run_name, new, other, name, before)

    @frame.guard
    def undone(run_name: str, draft: dict[str, str] | None, other: str) -> Any:
        old = (draft or {}).get("before", "")
        if not old:
            return gr.skip()
        return remember(run_name, old), *everything(run_name, old, other, preset_of(old), "")

    @frame.guard
    def fixed(event: gr.EventData, run_name: str, text_: str, other: str, name: str) -> Any:
        found = advice.findings(text_, frame.find(run_name), frame.settings)
        for finding in found:
            if finding.code == event._data.get("action") and finding.fix:
                new = writer.edit(text_, finding.fix)
                return remember(run_name, new, text_), *everything(
                    run_name, new, other, name, text_
                )
        return gr.skip()

    @frame.guard
    def file_opened(path: str, run_name: str, before: str, other: str) -> Any:
        new, report = files.opened(Path(path), language, t)
        shown = everything(run_name, new, other, preset_of(new), before)
        shown[all_.index(report_html)] = report
        return remember(run_name, new, before), *shown

    @frame.guard
    def searched(pattern: str) -> Any:
        return gr.update(choices=_choices(pattern), value=None)

    @frame.guard
    def next_pressed(run_name: str, text_: str) -> Any:
        found = frame.need(run_name)
        if found.config_file.exists() and found.config_file.read_text("utf-8") == text_:
            return None, *go("train"), run_name
        kept = branch(frame.settings, found)
        studio.save_config(kept, text_)
        if kept != found:
            gr.Info(
                t("{old} stays as it was trained; this is a new run.", old=found.name),
                title=t("A new run"),
            )
        return None, *go("train"), kept.name

    context = [frame.run_tb, code, other_dd, preset_dd]
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
    search_tb.change(
        searched, [search_tb], [preset_dd], trigger_mode="always_last", queue=False, **_EVENT
    )
    preset_dd.input(
        preset_picked, [frame.run_tb, preset_dd, code, other_dd], [draft_json, *all_], **_EVENT
    )
    undo_btn.click(undone, [frame.run_tb, draft_json, other_dd], [draft_json, *all_], **_EVENT)
    advice_html.click(fixed, context, [draft_json, *all_], **_EVENT)
    file_btn.upload(
        file_opened, [file_btn, frame.run_tb, code, other_dd], [draft_json, *all_], **_EVENT
    )
    other_dd.input(
        frame.guard(lambda text_, other, name: forms.differences(text_, *base_of(other, name), t)),
        [code, other_dd, preset_dd],
        [diff_html],
        **_EVENT,
    )
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
        before = str((draft or {}).get("before", "")) if shown != saved else ""
        name = preset_of(shown)
        return [gr.update(choices=choices, value=""), *everything(run, shown, "", name, before)]

    return Pane(filled=[other_dd, *all_], fill=fill, draft=draft_json, acted=[pressed])


def _choices(pattern: str, first: str = "") -> list[str]:
    """Presets that match, the built-in model's persona ones first; never more than a list can show."""
    found = catalog.names(pattern)
    found.sort(key=lambda name: (not name.startswith("smollm2_135m_qlora_persona"), name))
    rest = [name for name in found if name != first][:_SHOWN]
    return [first, *rest] if first else rest


def _about(name: str, frame: Frame) -> str:
    if not name:
        return f'<p class="facts">{frame.t("This config was not made from a preset.")}</p>'
    lines = escape(catalog.describe(name, frame.language, detect())).splitlines()
    return f'<div class="about">{"".join(f"<p>{line}</p>" for line in lines)}</div>'
