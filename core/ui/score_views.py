"""What the Train tab shows of a run's scores: one row for each scored checkpoint, and why which."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core import scores
from core.questions import STANDARD
from core.remedy import Remedy
from core.scores import Answered, Scores, Share
from core.status import Status
from core.ui.score_plot import score_plot
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
        parts.append(score_plot(alike, t))
        parts.append(_asked(alike, t))
        why = scores.why_best(alike).render(language)
        parts.append(notice("good", why, t("Why was this chosen?")))
        parts.append(_answers(scores.best(alike), t))
    return "".join(parts)


def advised(advice: Sequence[Remedy], language: Language, t: Say) -> str:
    """What to do about poor scores, each with a button that does it."""
    if not advice:
        return ""
    items = "".join(
        f"<li>{escape(r.why.render(language))}"
        + f' <button type="button" data-action="{r.code}">{_deed(r, t)}</button></li>'
        for r in advice
    )
    head = t("How to make it better:")
    return f'<div class="notice warn advice" role="status"><b>{head}</b><ul>{items}</ul></div>'


def _deed(r: Remedy, t: Say) -> str:
    if r.step is not None:
        return t("Merge that one")
    return t("Go on training with it") if r.continues else t("Train a new one with it")


def _table(found: Sequence[Scores], t: Say) -> str:
    heads = (t("Step"), t("Knows itself"), t("Tells unasked"), t("Drift (KL)"), t("Same next word"))
    first = found[0]
    plain = (
        t("Base model"),
        percent(first.recall("base")),
        percent(first.leak("base")),
        "0",
        "100%",
    )
    rows = [plain] + [
        (
            str(s.step),
            percent(s.recall()),
            percent(s.leak()),
            f"{s.kl:.4f}",
            f"{s.agreement:.1%}",
        )
        for s in found
    ]
    return table(heads, rows)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells know their head, so that it can stand on end on a narrow screen."""
    head = "".join(f"<th scope='col'>{h}</th>" for h in heads)
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


def percent(share: Share) -> str:
    """A share with its interval."""
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
