"""Tokens in colour: what of a conversation is learned."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import gradio as gr

from core.config import source
from core.conversations import Conversations
from core.errors import UserError
from core.preview import Piece, Preview, preview
from core.ui.frame import Frame
from core.ui.speech import Say
from core.ui.views import notice


class TokenView:
    """The content of the tab “Tokens”; `wire` joins it to the editor's text."""

    def __init__(self, frame: Frame) -> None:
        t = self._t = frame.t
        self._frame = frame
        self.row_nb = gr.Number(
            1,
            label=t("Conversation"),
            info=t("Its text as the model reads it, token by token."),
            precision=0,
            minimum=1,
            elem_id="config-row",
        )
        self.tokens_html = gr.HTML("", elem_id="config-tokens")

    def wire(
        self, tab: gr.Tab, code: gr.Code, known_to: Callable[[str], Conversations | None]
    ) -> None:
        """Show them when the tab is opened, and again at every change of the text."""
        frame, t = self._frame, self._t

        @frame.guard
        def shown(run_name: str, text: str, number: int | None) -> str:
            try:
                known = known_to(run_name)
                if known is None or source.faults(text):
                    return _nothing(known is None, t)
                return tokens(preview(source.parse(text), known, frame.settings, number or 1), t)
            except UserError as error:
                return notice("info", error.render(frame.language))

        how: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        gr.on(
            [tab.select, self.row_nb.change, code.change],
            shown,
            [frame.run_tb, code, self.row_nb],
            [self.tokens_html],
            trigger_mode="always_last",
            queue=False,
            **how,
        )


def _nothing(no_rows: bool, t: Say) -> str:
    why = (
        t("There are no conversations yet: describe an assistant in the Persona tab first.")
        if no_rows
        else t("The tokens show again once the config is right.")
    )
    return f'<p class="facts">{why}</p>'


def tokens(shown: Preview, t: Say) -> str:
    """A row of the dataset as the model reads it; learned tokens stand out."""
    facts = t(
        "Conversation {number} of {rows} (× {copies}): {tokens} tokens, {learned} of them learned.",
        number=f"{shown.number:,}",
        rows=f"{shown.rows:,}",
        copies=f"{shown.copies:,}",
        tokens=f"{shown.tokens:,}",
        learned=f"{shown.learned:,}",
    )
    key = f'<span class="learned">{t("learned")}</span> <span>{t("only read")}</span>' + (
        f' <span class="cut">{t("cut off")}</span>' if shown.pieces[-1].cut else ""
    )
    return (
        f'<p class="facts">{facts}</p><p class="tokens key">{key}</p>'
        f'<div class="tokens" tabindex="0">{"".join(_piece(p) for p in shown.pieces)}</div>'
    )


def _piece(piece: Piece) -> str:
    kind = " ".join(k for k, on in (("learned", piece.learned), ("cut", piece.cut)) if on)
    ids = " ".join(map(str, piece.ids))
    text = escape(piece.text).replace("\n", "↵")
    end = "<br>" * piece.text.count("\n")
    return f'<span class="{kind}" title="{ids}">{text or "∅"}<small>{ids}</small></span>{end}'
