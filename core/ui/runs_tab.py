"""The Runs tab: every assistant of the workspace; open, resume, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from core import run as runs
from core import studio
from core.config import source
from core.errors import UserError
from core.persona import persona as personas
from core.run import Run
from core.status import status
from core.ui import runs_views as views
from core.ui.frame import CLICKS, Frame, Pane, go

_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build(frame: Frame) -> Pane:
    """Lay the tab out and wire it."""
    t, language = frame.t, frame.language
    gr.Markdown(
        t("## All assistants")
        + "\n\n"
        + t("Each run is one folder: its persona, conversations, config, checkpoints and log.")
    )
    with gr.Column(visible=False, elem_classes="ask-delete") as delete_group:
        delete_html = gr.HTML("")
        with gr.Row(elem_classes="actions"):
            delete_btn = gr.Button(t("Delete for good"), variant="stop", elem_id="runs-delete")
            keep_btn = gr.Button(t("Keep it"), elem_id="runs-keep")
    doomed_tb = gr.Textbox(visible=False)
    table_html = gr.HTML("", js_on_load=CLICKS, elem_id="runs-table")
    with gr.Row(elem_classes="actions"):
        new_btn = gr.Button(t("Start a new assistant"), variant="primary", elem_id="runs-new")

    @frame.guard
    def clicked(event: gr.EventData) -> Any:
        action, name = str(event._data.get("action")), str(event._data.get("run"))
        found = frame.need(name)
        if action == "delete":
            asks = views.delete_question(_entry(found), t)
            return gr.skip(), gr.skip(), gr.skip(), gr.update(visible=True), asks, name
        if action == "resume":
            studio.train(found, frame.settings, resume=True)
        tab = "persona" if action == "open" and not found.checkpoints() else "train"
        return name, *go(tab), gr.update(visible=False), "", ""

    @frame.guard
    def deleted(doomed: str, run_name: str) -> Any:
        runs.delete(frame.need(doomed))
        gr.Info(t("{name} is deleted.", name=doomed), title=t("Done"))
        return gr.skip() if doomed != run_name else "", gr.update(visible=False), "", ""

    def refresh(found: Run | None) -> Sequence[Any]:
        entries = [_entry(r) for r in runs.all_runs(frame.settings.runs)]
        return [views.table(entries, found.name if found else "", language, t)]

    asking = [delete_group, delete_html, doomed_tb]
    acted = [
        table_html.click(
            clicked, None, [frame.run_tb, frame.tabs, frame.tab_tb, *asking], **_EVENT
        ),
        delete_btn.click(
            deleted, [doomed_tb, frame.run_tb], [frame.run_tb, *asking], trigger_mode="once", **_EVENT
        ),
        keep_btn.click(lambda: (gr.update(visible=False), "", ""), None, asking, **_EVENT),
        new_btn.click(lambda: ("", *go("persona")), None, [frame.run_tb, frame.tabs, frame.tab_tb], **_EVENT),
    ]  # fmt: skip
    return Pane(fresh=[table_html], refresh=refresh, acted=acted)


def _entry(found: Run) -> views.Entry:
    """A run as a row; a file that cannot be read leaves its cell empty."""
    now = status(found)
    checkpoints = found.checkpoints()
    return views.Entry(
        name=found.name,
        state=now.state,
        merged=found.is_merged,
        persona=_persona(found),
        base=_base(found),
        step=now.step,
        loss=now.points[-1].loss if now.points else None,
        size_bytes=found.size_bytes(),
        changed_at=found.path.stat().st_mtime,
        resumable=now.state in ("stopped", "failed") and bool(checkpoints),
    )


def _persona(found: Run) -> str:
    if not found.persona_file.exists():
        return ""
    try:
        persona = personas.load(found.persona_file)
    except UserError:
        return ""
    return f"{persona.assistant} · {persona.owner}"


def _base(found: Run) -> str:
    if not found.config_file.exists():
        return ""
    try:
        return source.load(found.config_file).settings.pretrained_model_name_or_path
    except UserError:
        return ""
