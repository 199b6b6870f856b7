"""Download, duplicate and rename: a part of the Config tab."""

from __future__ import annotations

from typing import Any, Final

import gradio as gr

from core import run as runs
from core import studio
from core.ui.frame import UNKNOWN, Frame
from core.ui.persona_form import copied

_EVENT: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}
_DOWNLOAD: Final = """(text, run) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type: 'text/yaml'}));
  link.download = (run || 'config') + '.yaml';
  link.click();
  URL.revokeObjectURL(link.href);
}"""


class ConfigMore:
    """The accordion; `wire` joins it to the editor's text."""

    def __init__(self, frame: Frame) -> None:
        t = self._t = frame.t
        self._frame = frame
        with gr.Accordion(t("Copy, rename, take along"), open=False, elem_id="config-more"):
            self.name_tb = gr.Textbox(
                label=t("Name of this run"), max_length=60, elem_id="config-name"
            )
            with gr.Row(elem_classes="actions"):
                self.rename_btn = gr.Button(t("Rename"), elem_id="config-rename")
                self.copy_btn = gr.Button(t("Duplicate"), elem_id="config-copy")
                self.save_btn = gr.Button(t("Save as a file"), elem_id="config-save")

    def wire(self, code: gr.Code, draft: gr.JSON) -> list[Any]:
        """Returns the events after which the page refreshes."""
        frame, t = self._frame, self._t

        @frame.guard
        def renamed(run_name: str, title: str) -> Any:
            found = runs.rename(frame.need(run_name), title)
            return UNKNOWN, found.name

        @frame.guard
        def duplicated(run_name: str, text: str) -> Any:
            found = frame.need(run_name)
            new = copied(frame.settings, found)
            try:
                studio.save_config(new, text)
            except BaseException:
                runs.delete(new)
                raise
            gr.Info(t("{old} stays as it is; this is its copy.", old=found.name), title=t("Copied"))
            return None, UNKNOWN, new.name

        run_tb, shown_tb = frame.run_tb, frame.shown_tb
        self.save_btn.click(None, [code, run_tb], None, js=_DOWNLOAD, **_EVENT)
        return [
            self.rename_btn.click(
                renamed, [run_tb, self.name_tb], [shown_tb, run_tb], trigger_mode="once", **_EVENT
            ),
            self.copy_btn.click(
                duplicated, [run_tb, code], [draft, shown_tb, run_tb], trigger_mode="once", **_EVENT
            ),
        ]
