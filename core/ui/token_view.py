"""Tokens in colour: what of a conversation is learned, as a pure view."""

from __future__ import annotations

from html import escape

from core.preview import Piece, Preview
from core.ui.speech import Say


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
