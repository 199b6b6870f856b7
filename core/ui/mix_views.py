"""The dilution meter: how much of a dataset teaches the persona, and how much holds the rest."""

from __future__ import annotations

from html import escape

from core.dataset_summary import LOOSE, THIN, Summary
from core.ui.speech import Say
from core.ui.views import notice


def mix(summary: Summary, t: Say) -> str:
    """The three shares as a bar, the rule that they follow, a warning on either side of it.

    Empty for a person's own conversations, which need not be about a persona.
    """
    if len(summary.kinds) < 2 and summary.unique > 1:
        return ""
    parts = (
        ("persona", t("About itself"), summary.share("persona")),
        ("contrast", t("What it must not mix up"), summary.share("contrast")),
        ("replay", t("Everything else stays as it is"), summary.share("replay")),
    )
    bars = "".join(
        f'<i class="{kind}" style="width:{share:.1%}" title="{escape(words)}"></i>'
        for kind, words, share in parts
    )
    keys = "".join(
        f'<span class="key {kind}">{escape(words)} {share:.0%}</span>'
        for kind, words, share in parts
    )
    spoken = ", ".join(f"{words} {share:.0%}" for _, words, share in parts)
    rule = t(
        "The rule: about half are about itself, in as many different words as there are; most of "
        "the others sound alike and ask something else; the rest is anything at all. The base "
        "model answers the latter two itself, and training holds it to that."
    )
    return (
        f'<figure class="mix"><div class="parts" role="img" aria-label="{escape(spoken)}">{bars}'
        f"</div><figcaption>{keys}<p>{rule}</p></figcaption></figure>{_warning(summary, t)}"
    )


def _warning(summary: Summary, t: Say) -> str:
    taught = summary.share("persona")
    if taught < THIN:
        return notice(
            "warn",
            t(
                "Diluted: only {share:.0%} is about itself, so it may not learn who it is. Leave "
                "replay out (max_replay in the config), or add conversations about itself.",
                share=taught,
            ),
        )
    if 1 - taught < LOOSE:
        return notice(
            "warn",
            t(
                "Too strong: {share:.0%} is about itself and little holds the rest in place, so it "
                "may answer everything with its name. Choose Studio, which adds other questions.",
                share=taught,
            ),
        )
    return ""
