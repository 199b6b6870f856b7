"""The page in one language: the header, five tabs, and the one timer that keeps them true."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Final

import gradio as gr

from core import studio
from core.errors import UserError
from core.models import preparation
from core.origin import origin
from core.run import Run
from core.settings import Settings
from core.status import Status, status
from core.ui import chat_tab, config_tab, persona_tab, runs_tab, train_tab, views
from core.ui.frame import TABS, UNKNOWN, Frame, Pane
from core.ui.speech import Language, notify, speaker

_TICK_SECONDS: Final = 1.0
_QUIET: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}
_BUILD: Final = (
    persona_tab.build,
    config_tab.build,
    train_tab.build,
    chat_tab.build,
    runs_tab.build,
)
_WRITE_ADDRESS: Final = "(run, tab) => { window.studio.address(run, tab); return [run, tab]; }"


def build(settings: Settings, language: Language) -> gr.Blocks:
    """The whole page; nothing in it remembers anything but the browser and the disk."""
    t = speaker(language)
    labels = (t("Persona"), t("Config"), t("Train"), t("Chat"), t("Runs"))
    page: gr.Blocks
    with gr.Blocks(
        title="Persona Studio",
        analytics_enabled=False,
        fill_width=True,
        delete_cache=(3600, 86_400),
    ) as page:
        run_tb = gr.Textbox(UNKNOWN, visible=False)
        tab_tb = gr.Textbox("", visible=False)
        shown_tb = gr.Textbox(UNKNOWN, visible=False)
        header_html = gr.HTML(views.header(None, Status(), language, t), elem_id="header")
        prepare_html = gr.HTML("", elem_id="prepare")
        with gr.Tabs(selected=TABS[0], elem_id="journey") as tabs:
            frame = Frame(settings, language, run_tb, tab_tb, shown_tb, tabs)
            panes: dict[str, Pane] = {}
            for name, label, build_tab in zip(TABS, labels, _BUILD, strict=True):
                with gr.Tab(label, id=name, elem_id=f"tab-{name}") as tab:
                    panes[name] = build_tab(frame)
                tab.select(None, None, [tab_tb], js=f"() => '{name}'", **_QUIET)
        _wire(page, frame, panes, header_html, prepare_html)
    return page


def _wire(
    page: gr.Blocks,
    frame: Frame,
    panes: dict[str, Pane],
    header_html: gr.HTML,
    prepare_html: gr.HTML,
) -> None:
    language, t = frame.language, frame.t
    run_tb, tab_tb, shown_tb = frame.run_tb, frame.tab_tb, frame.shown_tb
    seen_tb = gr.Textbox("", visible=False)
    # What an open tab is worked out from, apart from the run: is the model ready, is it trained.
    basis_tb = gr.Textbox("", visible=False)
    drafts = {name: pane.draft for name, pane in panes.items() if pane.draft}
    filled = [c for pane in panes.values() for c in pane.filled]
    opened = [c for pane in panes.values() for c in pane.opened]
    fresh = [
        header_html,
        prepare_html,
        basis_tb,
        *(c for pane in panes.values() for c in pane.fresh),
    ]

    def arrive(run_name: str, tab: str, *kept: Any) -> Any:
        """Take up the address (which run, which tab) and the drafts that the browser kept."""
        try:
            found = frame.find(run_name)
        except UserError as error:
            notify(error, language)
            found = None
        tab = tab if tab in TABS else TABS[0]
        return *kept, gr.update(selected=tab), tab, found.name if found else ""

    @frame.guard
    def fill(run_name: str, shown: str, *typed: Any) -> Any:
        """Show a run in every tab's form, once: a change may be reported more than once."""
        if run_name in (shown, UNKNOWN):
            return gr.skip()
        found = frame.find(run_name)
        values: list[Any] = []
        kept = dict(zip(drafts, typed, strict=True))
        for name, pane in panes.items():
            values += pane.fill(found, kept.get(name))
        return [*values, run_name]

    @frame.guard
    def open_(run_name: str, tab: str) -> Any:
        """What the open tab works out when it opens; the other tabs stay as they are."""
        if run_name == UNKNOWN or tab not in panes:
            return gr.skip()
        found = frame.find(run_name)
        values: list[Any] = []
        for name, pane in panes.items():
            values += pane.open(found) if name == tab else [gr.skip()] * len(pane.opened)
        return values

    @frame.guard
    def tick(run_name: str, tab: str, seen: str) -> Any:
        """The state on disk, now; only what changed since `seen` is sent."""
        if run_name == UNKNOWN:
            return gr.skip()
        found = frame.find(run_name)
        now = status(found) if found else Status()
        done, preparing = _preparing(frame, found)
        values: list[Any] = [
            views.header(found, now, language, t),
            preparing,
            f"{done} {now.state} {bool(found and found.is_merged)}",
        ]
        for name, pane in panes.items():
            values += pane.refresh(found) if name == tab else [_SAME] * len(pane.fresh)
        marks, values = _changed(values, seen, run_name)
        return [*values, marks]

    here = [run_tb, tab_tb, *drafts.values()]
    page.load(
        arrive,
        here,
        [*drafts.values(), frame.tabs, tab_tb, run_tb],  # the run last: its change reads the rest
        js=f"() => window.studio.arrive({json.dumps(list(drafts))})",
        **_QUIET,
    )
    for name, draft in drafts.items():
        draft.change(None, [draft], None, js=f"d => window.studio.keep('{name}', d)", **_QUIET)
    look: dict[str, Any] = {"trigger_mode": "always_last", **_QUIET}
    # An event may have one listener that waits its turn, never two: Gradio repeats the whole event
    # for a listener that was busy, two keep each other busy for ever. So the rest follows by `then`.
    moved = gr.on(
        [run_tb.change, tab_tb.change], None, [run_tb, tab_tb], None, js=_WRITE_ADDRESS,
        trigger_mode="multiple", **_QUIET,
    )  # fmt: skip
    filling = (fill, [run_tb, shown_tb, *drafts.values()], [*filled, shown_tb])
    for shown in (moved.then(*filling, **look), shown_tb.change(*filling, **look)):
        shown.then(None, [shown_tb], None, js="run => window.studio.ready(run)", **_QUIET)
    opening = (open_, [run_tb, tab_tb], opened)
    ticking = (tick, [run_tb, tab_tb, seen_tb], [*fresh, seen_tb])
    # Gradio animates a hidden spinner over each output of a busy handler: one, out of sight, will do.
    still: dict[str, Any] = {"queue": False, "show_progress_on": seen_tb}
    moved.then(*opening, queue=False, **look)
    moved.then(*ticking, **still, **look)
    basis_tb.change(*opening, queue=False, **look)
    timer = gr.Timer(_TICK_SECONDS)
    timer.tick(tick, ticking[1], ticking[2], trigger_mode="once", **still, **_QUIET)
    for acted in (event for pane in panes.values() for event in pane.acted):
        acted.then(*opening, queue=False, **look).then(*ticking, **still, **look)


def _preparing(frame: Frame, found: Run | None) -> tuple[bool, str]:
    """Whether the run's base model is ready, and the progress of making it so."""
    try:
        model = studio.model_of(found)
        if studio.model_ready(frame.settings, model):
            return True, ""
        now = status(preparation(frame.settings, model), "prepare")
        remote = origin(model).remote
    except UserError:  # the tab that has the faulty config tells it
        return False, ""
    return False, views.preparing(now, model, frame.language, frame.t, remote=remote)


_SAME: Final = object()


def _changed(values: Sequence[Any], seen: str, run_name: str) -> tuple[str, list[Any]]:
    """The marks of all values, and the values with those left out whose mark was seen before.

    What was seen of another run counts for nothing: its answer may have come late.
    """
    of_run, *before = json.loads(seen) if seen else [None]
    if of_run != run_name:
        before = [""] * len(values)
    marks, kept = [run_name], []
    for value, old in zip(values, before, strict=True):
        mark = old if value is _SAME else hashlib.sha1(repr(value).encode()).hexdigest()[:10]
        marks.append(mark)
        kept.append(gr.skip() if mark == old else value)
    return json.dumps(marks), kept
