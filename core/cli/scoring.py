"""`python -m core score`: start the scoring, follow it, print the figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core import scores, studio
from core.cli.follow import follow
from core.run import Run
from core.settings import Settings


def score(
    run: Run,
    settings: Settings,
    step: int | None,
    probes: Path | None,
    say: Callable[[str], None],
    strength: float = 1.0,
) -> int:
    """Score a checkpoint (the newest by default) and tell its figures; the exit code.

    Raises:
        UserError: there is no such checkpoint, nothing to ask, or a job of the run is living.
    """
    checkpoint = run.checkpoint(step)
    studio.score(run, settings, checkpoint.step, probes, strength)
    code = follow(run, "score", say)
    if code == 0:
        found = scores.of_checkpoint(checkpoint)[-1]
        say(table(found))
        if comparable := scores.comparable(scores.of_run(run)):
            say(str(scores.why_best(comparable)))
        say(f"Every answer can be read in {scores.file_of(found, checkpoint)}.")
    return code


def table(found: scores.Scores) -> str:
    """The three scores in lines, tuned beside base."""
    lines = [
        f"Scores of step {found.step} at strength {found.strength:g}, questions: {found.asked}"
        f" {found.digest} ({found.seconds:.0f} s)",
        f"  recall     tuned {found.recall()}   base {found.recall('base')}",
        *(
            f"    {language} {intent}: {found.recall(language=language, intent=intent)}"
            for language, intent in found.groups()
        ),
        f"  leak       tuned {found.leak()}   base {found.leak('base')}",
        f"  retention  KL {found.kl:.4f} nats, same likeliest token {found.agreement:.1%}"
        f" ({found.tokens:,} tokens)",
    ]
    return "\n".join(lines)
