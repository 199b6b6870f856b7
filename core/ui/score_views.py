"""What the Train tab shows of a run's scores: one row for each scored checkpoint, and why which."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core import scores
from core.questions import STANDARD
from core.scores import Answered, Scores, Share
from core.status import Status
from core.ui.speech import Language, Say
from core.ui.train_views import failure
from core.ui.views import bar, notice

_READ = 40  # wrong or leaking answers that are shown to read


def scored(found: Sequence[Scores], now: Status, language: Language, t: Say) -> str:
    """Progress or failure of the scoring job, then the table of what is scored."""
    parts = []
    if now.active:
        part = now.stage_done / now.stage_total if now.stage_total else 0.0
        words = t("Asking it questions that it never saw")
        parts.append(f'<div class="notice info" role="status">{words}{bar(part, words)}</div>')
    if now.state == "failed":
        parts.append(failure(now, language, t))
    alike = scores.comparable(found)
    if alike:
        parts.append(_table(alike, t))
        parts.append(_asked(alike, t))
        parts.append(notice("good", scores.why_best(alike).render(language)))
        parts.append(_answers(scores.best(alike), t))
    return "".join(parts)


def _table(found: Sequence[Scores], t: Say) -> str:
    heads = (t("Step"), t("Knows itself"), t("Tells unasked"), t("Drift (KL)"), t("Same next word"))
    head = "".join(f"<th scope='col'>{h}</th>" for h in heads)
    first = found[0]
    plain = (t("Base model"), _share(first.recall("base")), _share(first.leak("base")), "0", "100%")
    rows = [plain] + [
        (
            str(s.step),
            _share(s.recall()),
            _share(s.leak()),
            f"{s.kl:.4f}",
            f"{s.agreement:.1%}",
        )
        for s in found
    ]
    body = "".join(
        "<tr>"
        + "".join(f"<td data-label='{h}'>{c}</td>" for h, c in zip(heads, cells, strict=True))
        + "</tr>"
        for cells in rows
    )
    return f'<table class="runs"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _asked(alike: Sequence[Scores], t: Say) -> str:
    """Which questions the figures belong to."""
    first = alike[0]
    told = {
        "identity": first.recall().total,
        "general": first.leak().total,
        "file": first.asked,
        "digest": first.digest,
    }
    words = (
        t(
            "Asked: {identity} questions about itself and {general} others, none of them learned "
            "(the studio’s own questions, {digest}).",
            **told,
        )
        if first.asked == STANDARD
        else t(
            "Asked: {identity} questions about itself and {general} others from {file} ({digest}).",
            **told,
        )
    )
    return f'<p class="facts">{escape(words)}</p>'


def _share(share: Share) -> str:
    low, high = share.interval
    return f"{share.rate:.1%}<small>{low:.0%}–{high:.0%}</small>"


def _answers(chosen: Scores, t: Say) -> str:
    """Answers of the best checkpoint that are not as they should be."""
    bad = [a for a in chosen.answers if a.tuned_hit == (a.kind == "general")]
    if not bad:
        return ""
    items = "".join(_item(a) for a in bad[:_READ])
    words = t("Answers of step {step} to look at: {count}", step=chosen.step, count=len(bad))
    return f"<details><summary>{words}</summary><dl>{items}</dl></details>"


def _item(a: Answered) -> str:
    return f"<dt>{escape(a.question)}</dt><dd>{escape(a.tuned)}</dd>"
