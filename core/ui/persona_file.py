"""The persona as a file, and its earlier versions: a part of the Persona tab."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from core.persona import persona as personas
from core.persona import versions
from core.persona.persona import Persona
from core.run import Run
from core.ui import persona_form as forms
from core.ui.frame import Frame
from core.ui.score_views import table
from core.ui.speech import Say

_EVENT: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


class PersonaFile:
    """The accordion; `wire` joins it to the form once that is laid out."""

    def __init__(self, frame: Frame) -> None:
        t = self._t = frame.t
        self._frame = frame
        with gr.Accordion(t("As a file, and earlier versions"), open=False, elem_id="persona-file"):
            with gr.Row(elem_classes="actions"):
                self.open_btn = gr.UploadButton(
                    t("Open a persona file"),
                    file_types=[".yaml", ".yml"],
                    elem_id="persona-open",
                )
                self.save_btn = gr.DownloadButton(
                    t("Save as a file"), interactive=False, elem_id="persona-save"
                )
            self.version_dd = gr.Dropdown(
                [],
                label=t("Earlier versions"),
                info=t("Each time you press Next with a change, the old version is kept."),
                filterable=False,
                visible=False,
                elem_id="persona-version",
            )
            self.diff_html = gr.HTML("", elem_id="persona-diff")
            self.back_btn = gr.Button(t("Bring it back"), visible=False, elem_id="persona-back")

    @property
    def filled(self) -> list[Any]:
        """The components whose values `fill` gives."""
        return [self.save_btn, self.version_dd, self.diff_html, self.back_btn]

    def fill(self, found: Run | None) -> Sequence[Any]:
        """What a run on screen has: its file to take along, its earlier versions."""
        kept = versions.earlier(found) if found else []
        offered = [(self._t("Version {n}", n=int(p.stem)), p.stem) for p in reversed(kept)]
        file = found.persona_file if found and found.persona_file.exists() else None
        return [
            gr.update(value=str(file) if file else None, interactive=file is not None),
            gr.update(choices=offered, value=None, visible=bool(offered)),
            "",
            gr.update(visible=False),
        ]

    def wire(self, fields: Sequence[Any]) -> None:
        """`fields` are the components of the whole form, in the order of `forms.FIELDS`."""
        guard, t, frame = self._frame.guard, self._t, self._frame

        def shown(persona: Persona, values: Sequence[Any]) -> list[Any]:
            form = dict(zip(forms.FIELDS, values, strict=True)) | forms.of_persona(persona)
            return [form[name] for name in forms.FIELDS]

        @guard
        def opened(path: str | None, *values: Any) -> Any:
            return shown(personas.load(Path(path)), values) if path else gr.skip()

        @guard
        def chosen(run_name: str, number: str | None, *values: Any) -> Any:
            if not number:
                return "", gr.update(visible=False)
            now = forms.persona_of(dict(zip(forms.FIELDS, values, strict=True)))
            html = differences(_version(frame.need(run_name), number), now, t)
            return html, gr.update(visible=True)

        @guard
        def brought(run_name: str, number: str, *values: Any) -> Any:
            return shown(_version(frame.need(run_name), number), values)

        picking = [frame.run_tb, self.version_dd, *fields]
        self.open_btn.upload(opened, [self.open_btn, *fields], [*fields], **_EVENT)
        self.version_dd.input(chosen, picking, [self.diff_html, self.back_btn], **_EVENT)
        self.back_btn.click(brought, picking, [*fields], **_EVENT)


def _version(found: Run, number: str) -> Persona:
    files = {path.stem: path for path in versions.earlier(found)}
    return personas.load(files.get(number, found.path / "personas" / "missing.yaml"))


def differences(before: Persona, now: Persona, t: Say) -> str:
    """An earlier version beside the form, field by field."""
    changed = versions.changes(before, now)
    if not changed:
        return f'<p class="facts">{t("It is the same as the form.")}</p>'
    heads = (t("What"), t("That version"), t("The form now"))
    rows = [
        (escape(t(title)), *(escape(text).replace("\n", "<br>") or "–" for text in (old, new)))
        for title, old, new in changed
    ]
    return table(heads, rows)
