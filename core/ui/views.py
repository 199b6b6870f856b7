"""What pages show, as pure functions from facts to HTML. Every text from outside is escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final, Literal
from urllib.parse import urlencode

from core.config.schema import BUILTIN_MODEL
from core.dataset import Row
from core.dataset_summary import Summary
from core.queue import Waiting
from core.run import Run
from core.status import Status
from core.ui.speech import Language, Say

Tone = Literal["info", "good", "warn", "bad"]

_PREVIEWED: Final = 8
_LONGEST: Final = 600
_TONES: Final[dict[str, Tone]] = {
    "queued": "warn",
    "starting": "info",
    "running": "info",
    "stopping": "warn",
    "failed": "bad",
    "finished": "good",
}


def address(language: Language, run: str = "", tab: str = "") -> str:
    """The page's address for a run and a tab, relative to either language's page."""
    query = urlencode({k: v for k, v in (("run", run), ("tab", tab)) if v})
    return f"../{language}/{'?' if query else ''}{query}"


def state_words(state: str, t: Say) -> str:
    """A job's state in a word or two."""
    return {
        "draft": t("Not trained yet"),
        "queued": t("Waiting its turn"),
        "starting": t("Starting"),
        "running": t("Training"),
        "stopping": t("Saving and stopping"),
        "stopped": t("Stopped, can be resumed"),
        "failed": t("Failed"),
        "finished": t("Trained"),
    }[state]


def pill(state: str, t: Say, *, merged: bool = False) -> str:
    """The state as a small coloured label."""
    words = t("Trained and merged") if merged and state == "finished" else state_words(state, t)
    return f'<span class="pill {_TONES.get(state, "plain")}">{words}</span>'


def header(run: Run | None, now: Status, language: Language, t: Say) -> str:
    """The line on top of every page: the product, the run on screen and its state, the language."""
    other: Language = "zh" if language == "en" else "en"
    name = run.name if run else ""
    if run:
        percent = f" {now.step / now.total_steps:.0%}" if now.active and now.total_steps else ""
        here = (
            f'<span class="now" id="run-name" title="{t("The assistant on screen")}">'
            f"{escape(run.name)}</span>{pill(now.state, t, merged=run.is_merged)}"
            f'<span class="percent">{percent}</span>'
            f'<a class="quiet" href="{address(language)}">{t("Start a new one")}</a>'
        )
    else:
        here = f'<span class="now none" id="run-name">{t("A new assistant, not saved yet")}</span>'
    tongue = {"en": "English", "zh": "中文"}[other]
    return (
        f'<header class="top"><a class="brand" href="{address(language)}">'
        f'<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9"/>'
        '<circle cx="16" cy="12.5" r="5"/><path d="M6.5 26c1.6-5 5.3-7.2 9.5-7.2s7.9 2.2 9.5 7.2z"/>'
        "</svg>Persona&nbsp;Studio</a>"
        f'<div class="here">{here}</div>'
        f'<a class="tongue" hreflang="{other}" lang="{other}" data-language="{other}" '
        f'href="{escape(address(other, name))}">{tongue}</a></header>'
    )


def notice(tone: Tone, message: str, title: str = "") -> str:
    """A box with something to know. `message` is plain text; its line breaks are kept."""
    if not message:
        return ""
    head = f"<b>{escape(title)}</b> " if title else ""
    lines = escape(message).replace("\n", "<br>")
    role = "alert" if tone == "bad" else "status"
    return f'<div class="notice {tone}" role="{role}">{head}{lines}</div>'


def size(count: float) -> str:
    """Bytes in the unit that fits."""
    if count < 1_000_000:
        return f"{max(1, round(count / 1000))} kB"
    return f"{count / 1e6:.0f} MB" if count < 1_000_000_000 else f"{count / 1e9:.1f} GB"


def preparing(now: Status, model: str, language: Language, t: Say, *, remote: bool = False) -> str:
    """Progress of making a base model ready; empty when there is nothing to say.

    Args:
        remote: the model is a hub's, and has to be downloaded first.
    """
    if now.state == "failed" and now.problem and now.remedy:
        return notice("bad", f"{now.problem.render(language)}\n{now.remedy.render(language)}")
    if now.state == "stopped" and remote:
        told = t(
            "Stopped. What has arrived of {model} is kept, and is not fetched again.", model=model
        )
        return notice("info", told)
    if not now.active:
        return ""
    part = now.stage_done / now.stage_total if now.stage_total else 0.0
    if model == BUILTIN_MODEL:
        words = t("Making the built-in model ready, once. You can already describe your assistant.")
    elif now.stage == "converting" or not remote:
        words = t("Converting {model}, once.", model=model)
    else:
        words = t(
            "Downloading {model}, once. You may close this page; it goes on by itself.", model=model
        )
        if now.stage_total:
            done, total = size(now.stage_done), size(now.stage_total)
            words += " " + t("{done} of {total}", done=done, total=total)
    return f'<div class="notice info" role="status">{escape(words)}{bar(part)}</div>'


def bar(part: float, words: str = "") -> str:
    """A progress bar for a part of 1."""
    percent = round(max(0.0, min(1.0, part)) * 100, 1)
    return (
        f'<div class="bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent:g}" aria-label="{escape(words)}"><i style="width:{percent}%"></i></div>'
    )


def conversations(rows: Sequence[Row], t: Say) -> str:
    """Some of the conversations as they will be learned, a few of each kind."""
    kinds = {
        "persona": t("About itself"),
        "contrast": t("What it must not mix up"),
        "replay": t("Everything else stays as it is"),
    }
    out = []
    for kind, title in kinds.items():
        of_kind = list(dict.fromkeys(r for r in rows if r.kind == kind))
        if not of_kind:
            continue
        most = {"persona": _PREVIEWED, "contrast": 2, "replay": 2}[kind]
        out.append(f'<h4>{title} <span class="count">{len(of_kind):,}</span></h4>')
        out += [_conversation(row, t) for row in of_kind[:most]]
    return f'<div class="talks">{"".join(out)}</div>'


def _conversation(row: Row, t: Say) -> str:
    turns = "".join(f'<p class="{m.role}">{escape(_short(m.content))}</p>' for m in row.messages)
    if row.messages[-1].role != "assistant":
        turns += f'<p class="assistant base">{t("the base model’s own answer")}</p>'
    return f'<div class="talk">{turns}</div>'


def _short(content: str) -> str:
    return content if len(content) <= _LONGEST else content[: _LONGEST - 1] + "…"


def counts(summary: Summary, t: Say) -> str:
    """What a dataset holds, in one line."""
    tongues = {"zh": t("Chinese"), "en": t("English"), "other": t("other languages")}
    said = [t("{n} conversations", n=f"{summary.rows:,}")]
    if summary.unique != summary.rows:
        said.append(t("{n} of them different", n=f"{summary.unique:,}"))
    if summary.turns > 1:
        said.append(t("up to {n} questions in one", n=summary.turns))
    said += [tongues[language] for language in summary.languages]
    return '<p class="facts">' + " · ".join(escape(s) for s in said) + "</p>"


def waiting(line: Sequence[Waiting], t: Say) -> str:
    """The queue for this machine's device, if anybody has it."""
    jobs = {"train": t("training"), "merge": t("merging"), "chat": t("chatting")}
    jobs |= {"score": t("scoring"), "compare": t("comparing")}
    said = ", ".join(f"{w.run} ({jobs.get(w.job, w.job)})" for w in line)
    return notice("info", t("This machine is working on: {line}", line=said)) if line else ""


def faults(sentences: Iterable[str], t: Say) -> str:
    """Mistakes as a list, each one a whole sentence with its line and remedy."""
    items = "".join(f"<li>{escape(s)}</li>" for s in sentences)
    head = t("The config cannot be used like this:")
    return (
        f'<div class="notice bad" role="alert"><b>{head}</b><ul>{items}</ul></div>' if items else ""
    )


def next_step(words: str) -> str:
    """The line that says what comes after this tab."""
    return f'<p class="next">{escape(words)}</p>'


def mode_of(rows: Sequence[Row]) -> Literal["studio", "tutorial", "own"]:
    """How a saved dataset was most likely made: one sentence many times, the studio, or elsewhere."""
    copies = Counter(rows)
    if len(copies) == 1 and len(rows) > 1:
        return "tutorial"
    return "studio" if any(row.kind != "persona" for row in copies) else "own"
