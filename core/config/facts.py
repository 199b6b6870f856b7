"""What lint knows besides the config: of the rows, of the steps they make, of the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.config.cards import card_of
from core.config.schema import Config
from core.dataset import Row
from core.errors import Text, text
from core.model_folder import kind


@dataclass(frozen=True)
class Facts:
    """What is known of the data and the model besides the config; None is unknown.

    `rows` counts copies, `unique_rows` does not; `persona_share` is the part of all rows, copies
    counted, that teach the persona; `tokens_p95` is the length that 95 of 100 rows stay within.
    `guessed` says that `total_steps` may be wrong by a half, as the model's tokenizer is not here.
    """

    rows: int | None = None
    unique_rows: int | None = None
    has_system_turn: bool | None = None
    replay_rows: int | None = None
    persona_share: float | None = None
    total_steps: int | None = None
    guessed: bool = False
    tokens_p95: int | None = None
    chat: bool | None = None
    family: str | None = None

    @property
    def most_steps(self) -> int | None:
        """More optimizer steps than this there will not be."""
        return 2 * self.total_steps if self.guessed and self.total_steps else self.total_steps

    @property
    def steps_shown(self) -> Text:
        """The number of steps for a sentence."""
        steps = self.total_steps
        return text("about {n:,}", n=steps) if self.guessed else text("{n:,}", n=steps)


def facts_of(
    config: Config,
    counts: Mapping[Row, int] | None = None,
    *,
    total_steps: int | None = None,
    guessed: bool = False,
    tokens_p95: int | None = None,
) -> Facts:
    """The facts of different rows with their copies, and of the model by its card or its files."""
    model = config.settings.pretrained_model_name_or_path
    card = card_of(model)
    chat, family = (card.chat, card.family) if card else kind(Path(model).expanduser())
    if counts is None:
        return Facts(chat=chat, family=family)
    rows = sum(counts.values())
    taught = sum(count for row, count in counts.items() if not row.held)
    return Facts(
        rows=rows,
        unique_rows=len(counts),
        has_system_turn=any(m.role == "system" for row in counts for m in row.messages),
        replay_rows=rows - taught,
        persona_share=taught / rows if taught < rows else None,
        total_steps=total_steps,
        guessed=guessed,
        tokens_p95=tokens_p95,
        chat=chat,
        family=family,
    )
