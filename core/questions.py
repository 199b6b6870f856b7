"""The questions that a checkpoint is scored by: the standard held-out set, or a person's own.

A file of one's own questions (`--probes FILE`) is JSON:

    {"names": ["Nova", "Ada"],
     "identity": [{"question": "Who made you?", "facts": ["Ada"], "language": "en"},
                  {"question": "Are you Siri?", "polarity": "no"}],
     "general": ["What is the capital of France?"]}

`identity`: an answer is right when it holds every one of `facts`, and begins as `polarity` ("yes"
or "no") demands where that is given. `general`: questions that have nothing to do with the persona;
an answer leaks when it holds one of `names` that its question does not. Without `names`, those of
the run's persona count. `language` ("en") groups the recall, and says in which words yes and no are
looked for.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import UserError
from core.persona import persona as personas
from core.persona.bank import Language
from core.persona.probes import (
    OPENINGS,
    Probe,
    heldout_general_prompts,
    probe_questions,
)
from core.run import Run

STANDARD: Final = "standard"
_MAX_BYTES: Final = 1_000_000


@dataclass(frozen=True)
class Questions:
    """What is asked: identity probes, general prompts, names that these must not call forth.

    `source` is STANDARD, or the name of the person's own file.
    """

    identity: tuple[Probe, ...]
    general: tuple[str, ...]
    names: tuple[str, ...]
    source: str = STANDARD

    @property
    def digest(self) -> str:
        """Equal for equal questions, whatever file they came from."""
        data = {k: v for k, v in asdict(self).items() if k != "source"}
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:12]


class _Identity(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    question: str = Field(min_length=1, max_length=2000)
    facts: tuple[str, ...] = ()
    language: Language = "en"
    polarity: Literal["yes", "no"] | None = None

    @model_validator(mode="after")
    def _can_be_wrong(self) -> _Identity:
        if not (self.facts or self.polarity):
            raise ValueError("it needs facts or a polarity, or every answer would be right")
        return self

    def probe(self) -> Probe:
        openings = OPENINGS[self.language, self.polarity == "yes"] if self.polarity else ()
        return Probe(self.question, self.language, self.facts, self.polarity or "own", openings)


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
        return Questions(
            tuple(i.probe() for i in own.identity),
            own.general,
            own.names or (tuple(who.names) if who else ()),
            probes.name,
        )
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
