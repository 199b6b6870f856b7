"""What the tabs share: the run and tab on screen, and how a tab is filled and kept fresh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import gradio as gr

from core import run as runs
from core.errors import UserError
from core.run import Run
from core.settings import Settings
from core.ui.speech import Handler, Language, Say, guard, speaker

UNKNOWN: Final = "?"
"""Value of the run box before the address was read; no run can be named so."""

TABS: Final = ("persona", "config", "train", "chat", "runs")


@dataclass(frozen=True)
class Frame:
    """The page around the tabs. `run_tb` holds the name of the run on screen, "" for a new one.

    `shown_tb` holds the name of the run that the forms show; a handler that changed the run's files
    sets it to UNKNOWN, and the forms are filled again. These hidden boxes live in the browser, so
    that a restarted server finds them there.
    """

    settings: Settings
    language: Language
    run_tb: gr.Textbox
    tab_tb: gr.Textbox
    shown_tb: gr.Textbox
    tabs: gr.Tabs

    @property
    def t(self) -> Say:
        """Says an English sentence in the page's language."""
        return speaker(self.language)

    @property
    def guard(self) -> Callable[[Handler], Handler]:
        """Turns a handler's errors into notices in the page's language."""
        return guard(self.language)

    def find(self, name: str | None) -> Run | None:
        """The run of a name that came from the browser; None for a new one.

        Raises:
            UserError: it is no run of this workspace.
        """
        return runs.find(self.settings.runs, name) if name else None

    def need(self, name: str | None) -> Run:
        """The run on screen, which must exist.

        Raises:
            UserError: there is none yet.
        """
        found = self.find(name)
        if found is None:
            raise NO_RUN
        return found


CLICKS: Final = """
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-action]');
  if (button) trigger('click', {action: button.dataset.action, run: button.dataset.run || ''});
});
"""
"""For gr.HTML: its buttons' data-action and data-run reach the handler of its click event."""

NO_RUN: Final = UserError(
    "There is no assistant on screen yet.", "Describe one in the Persona tab, then press Next."
)


@dataclass(frozen=True)
class Pane:
    """A tab, as the page uses it; each function gives the values of the components beside it.

    `fill` answers when a run comes on screen (it gets the run and the tab's draft), `open`
    when that happens or the tab is opened, while it is open, and `refresh` at every tick while it
    is open. `draft` holds what was typed and not saved yet, and is kept in the visitor's browser, so
    that neither a reload nor a restart of the server loses it. `acted` are the events after which the page refreshes at once.
    """

    filled: Sequence[Any] = ()
    fill: Callable[[Run | None, Any], Sequence[Any]] = lambda found, draft: ()
    draft: gr.JSON | None = None
    opened: Sequence[Any] = ()
    open: Callable[[Run | None], Sequence[Any]] = lambda found: ()
    fresh: Sequence[Any] = ()
    refresh: Callable[[Run | None], Sequence[Any]] = lambda found: ()
    acted: Sequence[Any] = ()


def go(tab: str) -> tuple[dict[str, Any], str]:
    """Updates for `tabs` and `tab_tb` that open another tab."""
    return gr.update(selected=tab), tab
