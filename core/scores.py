"""How well a checkpoint knows its persona, and how little else changed; figures and answers.

A file of one's own questions (`--probes FILE`) is JSON:

    {"names": ["Nova", "Ada"],
     "identity": [{"question": "Who made you?", "facts": ["Ada"], "language": "en"}],
     "general": ["What is the capital of France?"]}

`identity`: an answer is right when it holds every one of `facts`. `general`: questions that have
nothing to do with the persona; an answer leaks when it holds one of `names` that its question does
not. Without `names`, those of the run's persona count. `language` ("en") only groups the recall.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import Text, UserError, text
from core.files import write_atomic
from core.persona import persona as personas
from core.persona.bank import Language
from core.persona.probes import Probe, heldout_general_prompts, probe_questions
from core.run import Checkpoint, Run

_Z: Final = 1.96  # two-sided 95 %
_MAX_BYTES: Final = 1_000_000


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
    """

    step: int
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


@dataclass(frozen=True)
class Questions:
    """What is asked: identity probes, general prompts, names that these must not call forth."""

    identity: tuple[Probe, ...]
    general: tuple[str, ...]
    names: tuple[str, ...]


class _Identity(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    question: str = Field(min_length=1, max_length=2000)
    facts: tuple[str, ...] = Field(min_length=1)
    language: Language = "en"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    names: tuple[str, ...] = ()
    identity: tuple[_Identity, ...] = Field(default=(), max_length=2000)
    general: tuple[str, ...] = Field(default=(), max_length=2000)


def questions(run: Run, probes: Path | None = None) -> Questions:
    """A run's held-out questions, or those of a person's own file.

    Raises:
        UserError: the run has no persona to ask about, or the file has a fault.
    """
    who = personas.load(run.persona_file) if run.persona_file.exists() else None
    if probes is not None:
        own = _read(probes)
        identity = tuple(Probe(i.question, i.language, i.facts, "own") for i in own.identity)
        return Questions(identity, own.general, own.names or (tuple(who.names) if who else ()))
    if who is None:
        raise UserError(
            "The run {run} has no persona to ask about.",
            "Give questions of your own: --probes FILE.",
            run=run.name,
        )
    general = heldout_general_prompts(who.languages)
    return Questions(tuple(probe_questions(who)), general, tuple(who.names))


def _read(path: Path) -> _File:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError("it is larger than 1 MB")
        found = _File.model_validate(json.loads(path.read_text("utf-8")))
        if not found.identity or not found.general:
            raise ValueError("it needs both identity and general questions")
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = ".".join(map(str, first["loc"])) + ": " + first["msg"]
        raise UserError(
            "The questions in {file} cannot be used: {reason}",
            "See python -m core score --help for the format.",
            file=path.name,
            reason=reason,
        ) from error
    return found


def save(scores: Scores, checkpoint: Checkpoint) -> None:
    """Keep the scores beside the weights that they judge."""
    data = json.dumps(asdict(scores), ensure_ascii=False, indent=1)
    write_atomic(_file(checkpoint), data)


def load(checkpoint: Checkpoint) -> Scores | None:
    """A checkpoint's scores, None before there are any."""
    if not _file(checkpoint).exists():
        return None
    data: dict[str, Any] = json.loads(_file(checkpoint).read_text("utf-8"))
    return Scores(**{**data, "answers": tuple(Answered(**a) for a in data["answers"])})


def of_run(run: Run) -> list[Scores]:
    """The scores of every scored checkpoint, by step."""
    return [s for c in run.checkpoints() if (s := load(c)) is not None]


def best(scored: Sequence[Scores]) -> Scores:
    """The rule: highest recall minus leak; of equals, the one nearest to the base (least KL)."""
    return max(scored, key=lambda s: (round(s.recall().rate - s.leak().rate, 6), -s.kl))


def why_best(scored: Sequence[Scores]) -> Text:
    """Why that checkpoint was chosen, in one sentence."""
    chosen = best(scored)
    return text(
        "Step {step} is the best of {count} scored: recall {recall:.1%} minus leak {leak:.1%} is "
        "the highest, and of equals it lies nearest to the base (KL {kl:.4f}).",
        step=chosen.step,
        count=len(scored),
        recall=chosen.recall().rate,
        leak=chosen.leak().rate,
        kl=chosen.kl,
    )


def _file(checkpoint: Checkpoint) -> Path:
    return checkpoint.path / "scores.json"
