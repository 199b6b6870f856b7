"""What a config learns from, where that is not what its run holds: told, and fetched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import gradio as gr

from core import conversations, hub_data, studio
from core import run as runs
from core.config import catalog, source, writer
from core.config.fields import Value
from core.errors import UserError
from core.run import Run
from core.ui.frame import UNKNOWN, Frame
from core.ui.persona_form import branch
from core.ui.views import notice

_HELD: Final = "dataset.json"
OWN: Final[Mapping[tuple[str, str], Value]] = {("settings", "data_path"): _HELD}
"""The edit that makes a config learn from the conversations that its run holds."""


class DataPane:
    """A notice and two buttons; the page itself never reads a path that was typed into it."""

    def __init__(self, frame: Frame) -> None:
        t = self._t = frame.t
        self._frame = frame
        self.told_html = gr.HTML("", elem_id="config-data")
        with gr.Row(elem_classes="actions", elem_id="config-data-acts"):
            self.fetch_btn = gr.Button(
                t("Fetch the dataset"), visible=False, elem_id="config-fetch"
            )
            self.own_btn = gr.Button(
                t("Keep my own conversations"), visible=False, elem_id="config-own"
            )
        self.outputs = [self.told_html, self.fetch_btn, self.own_btn]

    def shown(self, run_name: str, text: str, preset: str) -> list[Any]:
        """Values for `outputs`, for a config's text and the preset that it came from."""
        t = self._t
        if source.faults(text):
            return self._values()
        asked, made_for = source.parse(text).settings.data_path, _made_for(preset)
        if asked == _HELD and made_for:
            said = t(
                "The preset was made for {name}, a dataset of the Hugging Face Hub. This "
                "assistant's own conversations are learned instead.",
                name=_short(made_for),
            )
            return self._values(notice("info", said), fetch=True)
        if asked in (_HELD, _saved(self._frame.find(run_name))):
            return self._values()
        if hub_data.is_hub(asked):
            said = t(
                "{name} is a dataset of the Hugging Face Hub that this run does not hold yet.",
                name=_short(asked),
            )
            return self._values(notice("warn", said), fetch=True, own=True)
        said = t(
            "{name} is only a name here, as the page reads no file of the server: this "
            "assistant's own conversations are learned. Bring others in the Persona tab.",
            name=asked,
        )
        return self._values(notice("info", said))

    def _values(self, told: str = "", *, fetch: bool = False, own: bool = False) -> list[Any]:
        return [told, gr.update(visible=fetch), gr.update(visible=own)]

    def refuse_missing(self, found: Run, text: str) -> None:
        """Stop before a training that would learn something else than its config names.

        Raises:
            UserError: the config names a dataset of the Hub that was not fetched into the run.
        """
        asked = _HELD if source.faults(text) else source.parse(text).settings.data_path
        if hub_data.is_hub(asked) and asked != _saved(found):
            raise UserError(
                "{name} is a dataset of the Hugging Face Hub that this run does not hold yet.",
                "Fetch it with the button above the form, or keep your own conversations.",
                name=_short(asked),
            )

    def wire(self, code: gr.Code, name_tb: gr.Textbox, draft: gr.JSON) -> Any:
        """Let the button fetch; returns the event after which the page refreshes."""
        frame, t = self._frame, self._t

        @frame.guard
        def fetched(run_name: str, text: str, preset: str) -> Iterator[Any]:
            found = frame.need(run_name)
            asked = source.parse(text).settings.data_path
            asked = asked if hub_data.is_hub(asked) else _made_for(preset)
            wait = notice("info", t("Fetching {name} …", name=_short(asked)))
            stay = [gr.skip()] * 3
            yield [*self._values(wait), *stay]
            try:
                kept, count = self._keep(found, text, asked)
            except UserError:
                yield [*self.shown(run_name, text, preset), *stay]
                raise
            gr.Info(t("{n} conversations are kept in the run.", n=f"{count:,}"), title=t("Read"))
            yield [*self._values(), None, UNKNOWN, kept.name]

        return self.fetch_btn.click(
            fetched,
            [frame.run_tb, code, name_tb],
            [*self.outputs, draft, frame.shown_tb, frame.run_tb],
            trigger_mode="once",
            show_progress="hidden",
            api_visibility="private",
        )

    def _keep(self, found: Run, text: str, asked: str) -> tuple[Run, int]:
        """The run with a dataset's rows and a config that names it; a trained run stays as it is."""
        settings = self._frame.settings
        edited = writer.edit(text, {("settings", "data_path"): asked})
        studio.fetched(settings, asked)
        rows = conversations.of_config(source.parse(edited), found.path, settings).rows
        kept = branch(settings, found)
        try:
            studio.save_dataset(kept, rows)
            studio.save_config(kept, edited)
        except BaseException:
            if kept != found:
                runs.delete(kept)
            raise
        return kept, len(rows)


def _saved(found: Run | None) -> str | None:
    """The data_path of the run's saved config: where its rows came from."""
    if found is None or not found.config_file.exists():
        return None
    text = found.config_file.read_text("utf-8")
    return None if source.faults(text) else source.parse(text).settings.data_path


def _made_for(preset: str) -> str:
    """The dataset of the Hub that a preset was made for; empty where it was made for none."""
    if not preset or catalog.recipe_of_preset(preset).source != "hub":
        return ""
    return catalog.preset(preset).settings.data_path


def _short(data_path: str) -> str:
    return data_path.removeprefix(hub_data.PREFIX)
