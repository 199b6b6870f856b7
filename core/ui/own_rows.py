"""One's own conversations: a file or a dataset of the Hub, in a layout that may be named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_args

import gradio as gr

from core import conversations, hub_data, studio
from core.dataset import Format
from core.dataset_formats import Columns, Layout
from core.dataset_summary import describe
from core.errors import UserError
from core.ui import persona_form as forms
from core.ui.frame import UNKNOWN, Frame
from core.ui.views import conversations as shown
from core.ui.views import counts

_EVENT: Final[dict[str, Any]] = {"api_visibility": "private"}


class OwnRows:
    """The inputs; `wire` joins them to the form once that is laid out."""

    def __init__(self, frame: Frame) -> None:
        t = self._t = frame.t
        self._frame = frame
        gr.Markdown(
            t(
                "A JSON, JSONL or CSV file of conversations, up to 64 MB: OpenAI messages, "
                "Alpaca, ShareGPT, or two columns such as question and answer."
            )
        )
        self.upload_file = gr.File(
            label=t("Your file"),
            file_types=[".json", ".jsonl", ".csv"],
            height=150,
            elem_id="persona-upload",
        )
        self.layout_dd = gr.Dropdown(
            [(t("found from the first row"), "auto"), *get_args(Layout)],
            value="auto",
            label=t("Layout of the file"),
            filterable=False,
            elem_id="persona-layout",
        )
        with gr.Row(visible=False) as self.columns_row:
            self.input_tb = gr.Textbox(
                "{question}",
                label=t("The question"),
                info=t("{name} stands for the value of a column.", name="{name}"),
                min_width=200,
                elem_id="persona-input",
            )
            self.output_tb = gr.Textbox(
                "{answer}", label=t("The answer"), min_width=200, elem_id="persona-output"
            )
        self.hub_tb = gr.Textbox(
            label=t("Dataset of the Hugging Face Hub"),
            placeholder="owner/name",
            info=t("Its data files are fetched; code in it is never run."),
            max_length=200,
            elem_id="persona-hub",
        )
        self.fetch_btn = gr.Button(t("Fetch it"), elem_id="persona-fetch", elem_classes="outlined")

    def wire(self, draft: gr.JSON, preview_html: gr.HTML, fields: Sequence[Any]) -> None:
        """`fields` are the components of the whole form, in the order of `forms.FIELDS`."""
        frame, t, language = self._frame, self._t, self._frame.language

        def keep(
            file: Path, name: str, layout: Format, run_name: str, values: Sequence[Any], **how: Any
        ) -> Any:
            form = {**dict(zip(forms.FIELDS, values, strict=True)), "mode": "own"}
            rows = forms.read_own(file, name, form, layout, **how)
            found = forms.save(frame.settings, frame.find(run_name), form, rows, language)
            read = layout if layout != "auto" else conversations.layout_of(file, name)
            told = t(
                "{n} conversations are kept in the run, read as “{layout}”.",
                n=f"{len(rows):,}",
                layout=read,
            )
            if how.get("left_out"):
                told += " " + t("{n} rows were left out.", n=f"{len(how['left_out']):,}")
            gr.Info(told, title=t("Read"))
            html = counts(describe(rows), t) + shown(rows, t)
            return {"run": found.name, "form": form}, html, UNKNOWN, found.name

        def columns(layout: Format, asked: str, answered: str) -> Columns | None:
            return Columns((asked,), (answered,)) if layout == "columns" else None

        @frame.guard
        def uploaded(
            path: str | None, layout: Format, asked: str, answered: str, run_name: str, *values: Any
        ) -> Any:
            if not path:
                return gr.skip()
            how = {"columns": columns(layout, asked, answered)}
            return keep(Path(path), Path(path).name, layout, run_name, values, **how)

        @frame.guard
        def fetched(
            name: str, layout: Format, asked: str, answered: str, run_name: str, *values: Any
        ) -> Any:
            data_path = hub_data.PREFIX + (name or "").strip().removeprefix(hub_data.PREFIX)
            file = studio.fetched(frame.settings, data_path)
            left_out: list[UserError] = []
            how = {"columns": columns(layout, asked, answered), "left_out": left_out}
            return keep(file, file.name, layout, run_name, values, **how)

        outputs = [draft, preview_html, frame.shown_tb, frame.run_tb]
        how = [self.layout_dd, self.input_tb, self.output_tb, frame.run_tb, *fields]
        again = [self.layout_dd.input, self.input_tb.submit, self.output_tb.submit]
        gr.on(
            [self.upload_file.upload, *again],
            uploaded,
            [self.upload_file, *how],
            outputs,
            trigger_mode="once",
            show_progress="hidden",
            **_EVENT,
        )
        self.layout_dd.change(
            lambda layout: gr.update(visible=layout == "columns"),
            [self.layout_dd],
            [self.columns_row],
            queue=False,
            show_progress="hidden",
            **_EVENT,
        )
        self.fetch_btn.click(
            fetched,
            [self.hub_tb, *how],
            outputs,
            trigger_mode="once",
            show_progress_on=preview_html,
            **_EVENT,
        )
