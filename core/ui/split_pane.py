"""How many processes train and how the work is split: a part of the Train tab."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from core import studio
from core.config import source
from core.config.schema import DEEPSPEED_PRESETS
from core.errors import UserError
from core.hardware import detect
from core.run import Run
from core.ui import split_views as views
from core.ui.frame import Frame


class SplitPane:
    """The accordion; the Train tab wires it, because every change makes a new plan."""

    def __init__(self, frame: Frame) -> None:
        t = self._t = frame.t
        with gr.Accordion(
            t("Several GPUs or processes (DeepSpeed ZeRO)"),
            open=False,
            elem_id="train-split",
            elem_classes="outlined",
        ):
            gr.Markdown(
                t(
                    "With one GPU, or none, there is nothing to do here. With several, each works "
                    "on a part of every step, and the answers become the same."
                ),
                elem_classes="hint",
            )
            self.processes_nb = gr.Number(
                0,
                precision=0,
                minimum=0,
                maximum=64,
                label=t("Processes"),
                info=t("0 is one for each GPU, and one on a machine without."),
                elem_id="train-processes",
            )
            self.gpus_cg = gr.CheckboxGroup(
                [],
                label=t("Which GPUs"),
                info=t("None ticked: as many as there are processes, the freest first."),
                visible=False,
                elem_id="train-gpus",
            )
            self.zero_radio = gr.Radio(
                self._offered("none"),
                value="none",
                label=t("How memory is split"),
                info=t("It can save memory on several GPUs. It makes no answer better."),
                elem_id="train-zero",
            )
            self.table_html = gr.HTML("", elem_id="train-split-table")
            with gr.Row(elem_classes="actions"):
                self.file_btn = gr.UploadButton(
                    t("My own DeepSpeed file"),
                    file_types=[".json"],
                    elem_id="train-zero-file",
                    elem_classes="outlined",
                )

    @property
    def opened(self) -> list[Any]:
        """The components whose values `open` gives."""
        return [self.zero_radio, self.processes_nb, self.gpus_cg]

    def open(self, found: Run | None) -> list[Any]:
        """What the run's config says."""
        choice, processes, gpus = chosen(found)
        offered = views.gpus(detect().gpus, gpus)
        return [
            gr.update(choices=self._offered(choice), value=choice),
            processes,
            gr.update(choices=offered, value=list(gpus), visible=len(offered) > 1 or bool(gpus)),
        ]

    def picked(
        self, found: Run, choice: str, processes: float | None, gpus: list[int] | None
    ) -> bool:
        """Keep a choice; False where it is what the run had.

        Raises:
            UserError: a job of the run is living.
        """
        asked = (choice, int(processes or 0), tuple(sorted(gpus or ())))
        if asked == chosen(found):
            return False
        studio.set_split(found, asked[0], asked[1], gpus=asked[2])
        return True

    def brought(self, found: Run, file: str) -> None:
        """Take a file of one's own up, and choose it.

        Raises:
            UserError: every fault of the file.
        """
        path = Path(file)
        studio.set_split(found, path.name, None, path.read_bytes())

    def _offered(self, choice: str) -> list[tuple[str, str]]:
        names = [*DEEPSPEED_PRESETS, *([] if choice in DEEPSPEED_PRESETS else [choice])]
        return [(views.name_of(name, self._t), name) for name in names]


def chosen(found: Run | None) -> tuple[str, int, tuple[int, ...]]:
    """The split, the number of processes and the GPUs that a run asks for."""
    if found is None or not found.config_file.exists():
        return "none", 0, ()
    try:
        runtime = source.load(found.config_file).runtime
    except UserError:
        return "none", 0, ()
    return runtime.deepspeed, runtime.processes, runtime.gpus
