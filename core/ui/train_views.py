"""What the Train tab shows, as pure functions from plan and status to HTML."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from core.plan import Plan
from core.status import Halving, Sample, Status
from core.ui.plot import loss_plot
from core.ui.speech import Language, Say
from core.ui.views import bar, notice, state_words


def duration(seconds: float, t: Say) -> str:
    """A length of time in the one or two units that matter."""
    whole = max(0, round(seconds))
    if whole < 60:
        return t("{s} s", s=whole)
    if whole < 3600:
        return t("{m} min {s} s", m=whole // 60, s=whole % 60)
    return t("{h} h {m} min", h=whole // 3600, m=whole % 3600 // 60)


def between(low: float, high: float, t: Say) -> str:
    """An estimate as people say it: in seconds, minutes or hours, never both."""
    if high < 90:
        return t("{low} to {high} s", low=round(low), high=round(high))
    if high < 5400:
        return t("{low} to {high} min", low=max(1, int(low / 60)), high=math.ceil(high / 60))
    return t("{low} to {high} h", low=round(low / 3600, 1), high=round(high / 3600, 1))


def memory(gib: float) -> str:
    """GiB with the digits that matter."""
    return f"{gib:.0f} GiB" if gib >= 100 else f"{gib:.1f} GiB"


def plan_card(plan: Plan, language: Language, t: Say) -> str:
    """What will happen on this machine: the figures, the warnings, every choice with its reason."""
    low, high = plan.seconds
    tiles = [
        (t("Steps"), f"{plan.total_steps:,}", t("one step = one small correction of the model")),
        (
            t("Time"),
            between(low, high, t),
            t("an estimate for this machine"),
        ),
        (
            t("Memory"),
            t("{low} to {high}", low=f"{plan.memory_gib[0]:.1f}", high=memory(plan.memory_gib[1])),
            t("needed while it trains"),
        ),
        (t("Disk"), memory(plan.disk_gib), t("for checkpoints and the merged model")),
    ]
    rows = "".join(
        f"<tr><th scope='row'>{escape(i.label.render(language))}</th>"
        f"<td>{escape(i.shown.render(language))}</td>"
        f"<td class='why'>{escape(i.reason.render(language))}</td></tr>"
        for i in plan.items
    )
    warnings = "".join(notice("warn", w.render(language)) for w in plan.warnings)
    return (
        f'<section class="plan">{_tiles(tiles)}{warnings}'
        f"<details><summary>{t('Every choice, and why')}</summary>"
        f"<table><thead><tr><th>{t('What')}</th><th>{t('Choice')}</th><th>{t('Why')}</th></tr>"
        f"</thead><tbody>{rows}</tbody></table></details></section>"
    )


def live(now: Status, language: Language, t: Say) -> str:
    """Progress, figures and loss curve of a training, at one moment."""
    if now.state == "draft":
        return ""
    parts = [_headline(now, t)]
    if now.problem and now.remedy:
        parts.append(failure(now, language, t))
    if now.halvings:
        parts.append(notice("info", _halved(now.halvings, t)))
    if now.state == "finished" and now.probed and now.step < now.total_steps:
        last = now.probed[-1]
        words = t(
            "It ended early, at step {step}: {recall:.0%} of {asked} held-out questions about "
            "itself were answered rightly, as the config asks (stop_at_recall).",
            step=last.step,
            recall=last.recall,
            asked=last.asked,
        )
        parts.append(notice("good", words))
    if now.points or now.active:
        parts.append(_tiles(_figures(now, t)))
        parts.append(loss_plot(now.points, now.total_steps, now.saved_steps, t))
    return f'<section class="live" data-state="{now.state}">{"".join(parts)}</section>'


def _halved(found: Sequence[Halving], t: Say) -> str:
    """One sentence for all times that memory ran out."""
    return t(
        "Memory ran out at step {step}. The studio now computes {tokens} instead of {before} "
        "tokens at once: slower, with the same result.",
        step=found[-1].step,
        tokens=f"{found[-1].tokens:,}",
        before=f"{found[0].before:,}",
    )


def _headline(now: Status, t: Say) -> str:
    words = state_words(now.state, t)
    if now.state == "queued" and now.ahead:
        words = t("Waiting for {names}", names=", ".join(now.ahead))
    elif now.state in ("starting", "running") and now.stage:
        words = stage_words(now.stage, t)
    elif now.state == "finished":
        words = t("Done: it has learned. Ask it something in the Chat tab.")
    if now.active and now.stage and now.stage != "training" and now.stage_total:
        part, right = now.stage_done / now.stage_total, ""
    else:
        part = now.step / now.total_steps if now.total_steps else 0.0
        right = t("step {step} of {total}", step=now.step, total=now.total_steps or "…")
    if now.state == "finished":
        part = 1.0
    return (
        f'<div class="headline"><strong>{escape(words)}</strong><span>{right}</span></div>'
        f"{bar(part, words)}"
    )


def stage_words(stage: str, t: Say) -> str:
    """A job's stage in words; one that is not known here is shown as it is."""
    known = {
        "training": t("Training"),
        "building DeepSpeed's AdamW": t("Building DeepSpeed's AdamW (once, about a minute)"),
        "loading the model": t("Loading the model"),
        "asking the base model": t("Asking the base model how it answers other questions"),
        "merging": t("Merging"),
        "converting": t("Converting the built-in model"),
    }
    return known.get(stage, stage)


def _figures(now: Status, t: Say) -> list[tuple[str, str, str]]:
    last = now.points[-1] if now.points else None
    recent = now.points[-20:]
    speed = sum(p.tokens_per_second for p in recent) / len(recent) if recent else 0.0
    left = duration(now.eta_seconds, t) if now.eta_seconds is not None else "–"
    figures = [
        (t("Time left"), left, t("estimated from the last steps"))
        if now.active
        else (t("Time taken"), duration(now.elapsed_seconds, t), t("without waiting")),
        (t("Loss"), _number(last.loss) if last else "–", t("lower is better")),
        (t("Speed"), f"{speed:,.0f}" if last else "–", t("tokens (word pieces) a second")),
        (t("Memory"), memory(last.memory_gib) if last else "–", t("in use")),
    ]
    if last and last.kl:
        figures.append((t("Drift"), f"{last.kl:.3f}", t("change on unrelated questions (KL)")))
    return figures


def _number(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "∞"


def _tiles(tiles: Sequence[tuple[str, str, str]]) -> str:
    return (
        '<dl class="tiles">'
        + "".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd><small>{escape(about)}</small></div>"
            for name, value, about in tiles
        )
        + "</dl>"
    )


def failure(now: Status, language: Language, t: Say) -> str:
    """Why a job failed and what to do, with its last words folded away; empty if it did not."""
    if not (now.problem and now.remedy):
        return ""
    box = notice("bad", f"{now.problem.render(language)}\n{now.remedy.render(language)}")
    if now.detail:
        box += (
            f"<details class='detail'><summary>{t('Technical details')}</summary>"
            f"<pre>{escape(now.detail[-4000:])}</pre></details>"
        )
    return box


def samples(found: Sequence[Sample], t: Say, *, total_steps: int = 0) -> str:
    """Each evaluation question with its answers before, during and after, the newest marked."""
    if not found:
        return ""
    latest = {(s.question, s.step): s.answer for s in found}
    questions = list(dict.fromkeys(s.question for s in found))
    cards = []
    for question in questions:
        steps = sorted(step for asked, step in latest if asked == question)
        shown = [steps[0], *steps[-3:]] if len(steps) > 4 else steps
        answers = "".join(
            f"<li class='{'new' if step == steps[-1] and step else ''}'>"
            f"<span>{_when(step, total_steps, t)}</span>"
            f"<p>{escape(latest[question, step]) or '…'}</p></li>"
            for step in shown
        )
        cards.append(f"<article><h4>{escape(question)}</h4><ol>{answers}</ol></article>")
    return f'<section class="samples">{"".join(cards)}</section>'


def _when(step: int, total: int, t: Say) -> str:
    if step == 0:
        return t("Before")
    return t("After") if step == total else t("Step {step}", step=step)


def log_tail(raw: bytes, lines: int = 80) -> str:
    """The last lines of a log, progress bars reduced to their last state."""
    decoded = raw.decode("utf-8", "replace").splitlines()
    return "\n".join(line.rsplit("\r", 1)[-1][:400] for line in decoded[-lines:])
