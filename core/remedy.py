"""Poor scores, and what to change about them: advice that the studio can carry out itself.

A remedy either goes on with the run (`continues`) under a changed config, or begins a new run with
other conversations, since what was learned from the old ones cannot be taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from core import scores, studio
from core.config import source, writer
from core.config.fields import Value
from core.config.recipes import RECIPES
from core.config.schema import Config
from core.dataset import Row
from core.dataset import load as load_dataset
from core.errors import Text, UserError, text
from core.persona import persona as personas
from core.persona.generate import studio_rows
from core.run import Run
from core.scores import Scores
from core.settings import Settings

KNOWS: Final = 0.95
"""Recall below this is poor."""
LEAKS: Final = 0.02
"""Leak above this is poor."""
DRIFTS: Final = 0.05
"""KL in nats a token above this is poor."""
_PARROT: Final = 0.5  # share of copies from which a dataset is one sentence said often

Code = Literal["more_steps", "higher_rate", "more_words", "studio_words", "hold_tighter", "earlier"]


@dataclass(frozen=True)
class Remedy:
    """One thing to do: why, in a sentence; what changes.

    `changes` are config values; `rows` are new conversations, which make a run of their own;
    `step` is the checkpoint to use instead, where that is all there is to do.
    """

    code: Code
    why: Text
    changes: Mapping[tuple[str, str], Value] = field(default_factory=dict)
    rows: tuple[Row, ...] | None = None
    step: int | None = None

    @property
    def continues(self) -> bool:
        """Whether the run itself goes on with it."""
        return self.rows is None and self.step is None


def remedies(run: Run) -> list[Remedy]:
    """What to do about a run's newest comparable scores; none where they are good."""
    alike = scores.comparable(scores.of_run(run))
    if not alike or not run.config_file.exists():
        return []
    try:
        config = source.load(run.config_file)
        rows = load_dataset(run.dataset_file)
        persona = personas.load(run.persona_file) if run.persona_file.exists() else None
    except UserError:
        return []  # the Train tab says what is wrong with them
    found = alike[-1]
    chosen = scores.best(alike)
    if chosen.step != found.step and _poor(found) and not _poor(chosen):
        why = text("Step {step} scores better than the last one: use that one.", step=chosen.step)
        return [Remedy("earlier", why, step=chosen.step)]
    advice = [
        *_knows_too_little(found, config, rows, persona),
        *_says_too_much(found, config, rows, persona),
    ]
    return list({r.code: r for r in reversed(advice)}.values())[::-1]


def _poor(found: Scores) -> bool:
    return found.recall().rate < KNOWS or found.leak().rate > LEAKS or found.kl > DRIFTS


def _knows_too_little(
    found: Scores, config: Config, rows: Sequence[Row], persona: personas.Persona | None
) -> list[Remedy]:
    if found.recall().rate >= KNOWS:
        return []
    own = [row for row in rows if row.kind == "persona"]
    epochs, rate = config.settings.max_epochs, config.settings.lr
    more = {("settings", "max_epochs"): epochs + max(1, epochs // 2)}
    advice = [
        Remedy(
            "more_steps",
            text(
                "It knows itself in {recall:.0%} of the answers. Train it longer: {epochs} passes "
                "instead of {before}.",
                recall=found.recall().rate,
                epochs=epochs + max(1, epochs // 2),
                before=epochs,
            ),
            more,
        )
    ]
    if persona is not None and max(Counter(own).values(), default=0) > _PARROT * len(own):
        why = text(
            "It learned one sentence, many times over. Let the studio write many questions and "
            "answers instead."
        )
        return [Remedy("studio_words", why, _STUDIO, tuple(studio_rows(persona)))]
    if persona is not None:
        doubled = tuple(studio_rows(persona, amount=2 * len(own), replay=2 * _replay(rows)))
        if len([r for r in doubled if r.kind == "persona"]) > 1.2 * len(own):
            why = text("Give it more wordings: twice as many questions about itself.")
            advice.append(Remedy("more_words", why, {}, doubled))
    if found.recall().rate < 0.5 and rate < 2e-3:
        why = text(
            "It barely moved. Raise the learning rate from {rate:g} to {new:g}.",
            rate=rate,
            new=2 * rate,
        )
        advice.insert(0, Remedy("higher_rate", why, {**more, ("settings", "lr"): 2 * rate}))
    return advice


def _says_too_much(
    found: Scores, config: Config, rows: Sequence[Row], persona: personas.Persona | None
) -> list[Remedy]:
    leaks, drifts = found.leak().rate > LEAKS, found.kl > DRIFTS
    if not (leaks or drifts):
        return []
    if not _replay(rows):
        if persona is None:
            return []
        why = text(
            "Nothing held its other answers in place. Let the studio write the conversations: it "
            "adds other questions, which the base model answers itself."
        )
        return [Remedy("studio_words", why, _STUDIO, tuple(studio_rows(persona)))]
    held = config.dataset.kl_weight
    why = (
        text(
            "It tells its name unasked in {leak:.1%} of the answers. Hold it to the base more "
            "strongly: kl_weight {new:g} instead of {held:g}, for one more pass.",
            leak=found.leak().rate,
            new=2 * held or 3.0,
            held=held,
        )
        if leaks
        else text(
            "Its other answers drifted (KL {kl:.3f}). Hold it to the base more strongly: kl_weight "
            "{new:g} instead of {held:g}, for one more pass.",
            kl=found.kl,
            new=2 * held or 3.0,
            held=held,
        )
    )
    changes: dict[tuple[str, str], Value] = {
        ("dataset", "kl_weight"): 2 * held or 3.0,
        ("settings", "max_epochs"): config.settings.max_epochs + 1,
    }
    return [Remedy("hold_tighter", why, changes)]


def apply(run: Run, settings: Settings, code: str) -> Run:
    """Carry a remedy out and start its job; the run that works (a new one for new rows).

    Raises:
        UserError: the remedy no longer applies, or the job cannot start.
    """
    chosen = next((r for r in remedies(run) if r.code == code), None)
    if chosen is None:
        raise UserError("This advice no longer applies.", "Look at the scores again.")
    if chosen.step is not None:
        studio.merge(run, settings, chosen.step)
        return run
    changed = writer.edit(run.config_file.read_text("utf-8"), chosen.changes)
    if chosen.rows is None:
        studio.save_config(run, changed)
        studio.train(run, settings, resume=True)
        return run
    new = studio.new_run(settings, personas.load(run.persona_file).assistant)
    studio.save_persona(new, personas.load(run.persona_file))
    studio.save_dataset(new, chosen.rows)
    studio.save_config(new, changed)
    studio.train(new, settings)
    return new


def _replay(rows: Sequence[Row]) -> int:
    return sum(row.kind == "replay" for row in rows)


_RECIPE: Final = next(recipe for recipe in RECIPES if recipe.key == "persona")
_STUDIO: Final[Mapping[tuple[str, str], Value]] = {
    **{
        key: _RECIPE.values[key]
        for key in (
            ("settings", "max_length"),
            ("settings", "accumulative_counts"),
            ("settings", "betas"),
            ("dataset", "kl_weight"),
            ("dataset", "opening_weight"),
        )
    },
    ("settings", "max_epochs"): _RECIPE.epochs,
    ("settings", "lr"): 1.4e-3,
}
"""What the studio's conversations are trained with, where the config was made for copies."""
