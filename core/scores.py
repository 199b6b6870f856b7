"""How well a checkpoint knows its persona, and how little else changed; figures and answers."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from core.errors import Text, text
from core.files import write_atomic
from core.run import Checkpoint, Run

_Z: Final = 1.96  # two-sided 95 %


@dataclass(frozen=True)
class Share:
    """`count` of `total` answers."""

    count: int
    total: int

    @property
    def rate(self) -> float:
        """Between 0 and 1; 0 where nothing was asked."""
        return self.count / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % confidence interval of the rate."""
        if not self.total:
            return 0.0, 1.0
        n, z2 = self.total, _Z * _Z
        middle = (self.rate + z2 / (2 * n)) / (1 + z2 / n)
        half = _Z / (1 + z2 / n) * math.sqrt(self.rate * (1 - self.rate) / n + z2 / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.rate:.1%} ({self.count}/{self.total}; 95 %: {low:.1%} to {high:.1%})"


@dataclass(frozen=True)
class Answered:
    """One question and both models' answers; `tuned_hit`, `base_hit`: right, or leaking."""

    kind: Literal["identity", "general"]
    language: str
    intent: str
    question: str
    tuned: str
    base: str
    tuned_hit: bool
    base_hit: bool


@dataclass(frozen=True)
class Scores:
    """A checkpoint's figures. `kl`: mean nats per token, base‖tuned, over `tokens` of the base's
    own answers to the general prompts; `agreement`: share of them with the same likeliest token.

    `asked` is the name of the questions, `digest` what they were (`core.questions`); scores of
    different questions are never compared. `strength` scales the adapter; `at` is the time.
    """

    step: int
    strength: float
    asked: str
    digest: str
    at: float
    kl: float
    agreement: float
    tokens: int
    seconds: float
    answers: tuple[Answered, ...]

    def recall(self, side: Literal["tuned", "base"] = "tuned", **only: str) -> Share:
        """Identity questions answered rightly; `only` narrows by language or intent."""
        return self._share("identity", side, only)

    def leak(self, side: Literal["tuned", "base"] = "tuned", **only: str) -> Share:
        """General questions answered with one of the persona's names."""
        return self._share("general", side, only)

    def _share(self, kind: str, side: str, only: dict[str, str]) -> Share:
        rows = [
            a
            for a in self.answers
            if a.kind == kind and all(getattr(a, k) == v for k, v in only.items())
        ]
        return Share(sum(getattr(a, f"{side}_hit") for a in rows), len(rows))

    def groups(self) -> list[tuple[str, str]]:
        """Each language and intent of the identity questions, in their order."""
        asked = [(a.language, a.intent) for a in self.answers if a.kind == "identity"]
        return list(dict.fromkeys(asked))


def save(scores: Scores, checkpoint: Checkpoint) -> None:
    """Keep the scores beside the weights that they judge."""
    data = json.dumps(asdict(scores), ensure_ascii=False, indent=1)
    write_atomic(file_of(scores, checkpoint), data)


def file_of(scores: Scores, checkpoint: Checkpoint) -> Path:
    """Where scores are kept: one file for each set of questions and strength."""
    return checkpoint.path / f"scores-{scores.digest}-{scores.strength:g}.json"


def of_checkpoint(checkpoint: Checkpoint) -> list[Scores]:
    """All scores of a checkpoint, oldest first."""
    found = [_read(file) for file in checkpoint.path.glob("scores-*.json")]
    return sorted(found, key=lambda s: s.at)


def _read(file: Path) -> Scores:
    data: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return Scores(**{**data, "answers": tuple(Answered(**a) for a in data["answers"])})


def of_run(run: Run) -> list[Scores]:
    """Every score of a run, by step, then by time."""
    return [s for c in run.checkpoints() for s in of_checkpoint(c)]


def comparable(scored: Sequence[Scores]) -> list[Scores]:
    """Those at full strength that answered the same questions as the newest of them."""
    full = [s for s in scored if s.strength == 1]
    if not full:
        return []
    digest = max(full, key=lambda s: s.at).digest
    return [s for s in full if s.digest == digest]


def strengths(scored: Sequence[Scores], step: int) -> list[Scores]:
    """One step's scores at every strength, weakest first, for the questions asked last of it."""
    of_step = [s for s in scored if s.step == step]
    if not of_step:
        return []
    digest = max(of_step, key=lambda s: s.at).digest
    return sorted((s for s in of_step if s.digest == digest), key=lambda s: s.strength)


def best(scored: Sequence[Scores]) -> Scores:
    """The rule: highest recall minus leak; of equals, the one nearest to the base (least KL).

    `scored` are comparable, and at least one.
    """
    return max(scored, key=lambda s: (round(s.recall().rate - s.leak().rate, 6), -s.kl))


def chosen(run: Run) -> Scores | None:
    """The best of a run's comparable scores; None before any."""
    alike = comparable(of_run(run))
    return best(alike) if alike else None


def why_best(scored: Sequence[Scores]) -> Text:
    """Why that checkpoint was chosen, in one sentence."""
    chosen = best(scored)
    values = {
        "step": chosen.step,
        "count": len(scored),
        "recall": chosen.recall().rate,
        "leak": chosen.leak().rate,
        "kl": chosen.kl,
    }
    if len(scored) == 1:
        return text(
            "Step {step} is the only one scored on these questions: recall {recall:.1%}, leak "
            "{leak:.1%}, KL {kl:.4f}.",
            **values,
        )
    return text(
        "Step {step} is the best of {count} scored: recall {recall:.1%} minus leak {leak:.1%} is "
        "the highest, and of equals it lies nearest to the base (KL {kl:.4f}).",
        **values,
    )
