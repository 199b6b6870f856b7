"""What the Runs tab shows: every run of the workspace as one row of a table."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from core.status import State
from core.ui.speech import Language, Say
from core.ui.views import address, notice, pill, size


@dataclass(frozen=True)
class Entry:
    """One run in the table. `step` and `loss` are the newest; `size_bytes` is the whole folder."""

    name: str
    state: State
    merged: bool
    persona: str
    base: str
    step: int
    loss: float | None
    size_bytes: int
    changed_at: float
    resumable: bool


def table(entries: Sequence[Entry], here: str, language: Language, t: Say) -> str:
    """All runs, newest first; the buttons carry the run's name for the page's handler."""
    if not entries:
        empty = t("Nothing here yet. Describe your first assistant in the Persona tab.")
        return f'<div class="empty">{empty}</div>'
    heads = (t("Run"), t("State"), t("Persona"), t("Base model"), t("Loss"), t("Size"), "")
    head = "".join(f"<th scope='col'>{h}</th>" for h in heads)
    rows = "".join(_row(e, e.name == here, language, t) for e in entries)
    return f'<table class="runs"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(e: Entry, here: bool, language: Language, t: Say) -> str:
    name = escape(e.name)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(e.changed_at))
    loss = f"{e.loss:.3g}" if e.loss is not None else "–"
    base = escape(e.base.rsplit("/", 1)[-1]) or "–"
    buttons = "".join(
        f'<button type="button" class="{kind}" data-action="{action}" data-run="{name}">{label}</button>'
        for action, label, kind, wanted in (
            ("open", t("Open"), "", not here),
            ("resume", t("Resume"), "", e.resumable),
            ("delete", t("Delete"), "bad", True),
        )
        if wanted
    )
    link = f'<a href="{escape(address(language, e.name))}">{name}</a>'
    cells = (
        (t("Run"), f"{link}<small>{when}</small>"),
        (t("State"), pill(e.state, t, merged=e.merged)),
        (t("Persona"), escape(e.persona) or "–"),
        (t("Base model"), base),
        (t("Loss"), loss),
        (t("Size"), size(e.size_bytes)),
    )
    figures = {t("Loss"), t("Size")}
    tds = "".join(
        f"<td data-label='{label}'{' class=figure' if label in figures else ''}>{cell}</td>"
        for label, cell in cells
    )
    mark = " class='here' aria-current='true'" if here else ""
    return f"<tr{mark}>{tds}<td class='acts'>{buttons}</td></tr>"


def delete_question(e: Entry, t: Say) -> str:
    """What deleting a run would lose."""
    return notice(
        "warn",
        t(
            "“{name}” and everything in it ({size}: conversations, checkpoints, merged model) "
            "will be gone for good.",
            name=e.name,
            size=size(e.size_bytes),
        ),
        t("Delete this run?"),
    )
