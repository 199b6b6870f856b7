"""The models that presets are made for: what is known of each before anything is downloaded.

`cards.csv` holds one line a model. All of them load natively in transformers (InternLM2 and 2.5
through our Llama mapping); none needs code from its repository. Sizes are those of the models' own
config.json; MiniCPM3's compressed attention is counted as if it were not, a fifth too large.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from core.config.schema import BUILTIN_MODEL
from core.models import Shape

_TABLE: Final = Path(__file__).with_name("cards.csv")


@dataclass(frozen=True)
class ModelCard:
    """A model by its key in preset names.

    `params` counts all weights, in billions; `chat` tells a model tuned to talk from a base model;
    `template` is the prompt template that suits it; a `gated` one wants its licence accepted on
    its page first; `languages` names which of en and zh its makers trained it for.
    """

    key: str
    id: str
    params: float
    chat: bool
    family: str
    license: str
    languages: tuple[str, ...]
    template: str
    gated: bool
    shape: Shape

    @property
    def context(self) -> int:
        """The longest text it was made for, in tokens."""
        return self.shape.context

    @property
    def url(self) -> str:
        """The model's page."""
        hub = "HuggingFaceTB/SmolLM2-135M-Instruct" if self.id == BUILTIN_MODEL else self.id
        return f"https://huggingface.co/{hub}"


@cache
def cards() -> dict[str, ModelCard]:
    """Every model card by its key."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {row["key"]: _card(row) for row in csv.DictReader(file)}


def card_of(model: str) -> ModelCard | None:
    """The card of a `pretrained_model_name_or_path`, by repository or by a folder of that name."""
    name = model.rstrip("/").rpartition("/")[2].partition("@")[0].lower()
    exact = next((c for c in cards().values() if c.id == model), None)
    return exact or next(
        (c for c in cards().values() if c.id.rpartition("/")[2].lower() == name), None
    )


def _card(row: dict[str, str]) -> ModelCard:
    return ModelCard(
        key=row["key"],
        id=row["id"],
        params=float(row["params"]),
        chat=row["kind"] == "chat",
        family=row["family"],
        license=row["license"],
        languages=tuple(row["languages"].split()),
        template=row["template"],
        gated=row["gated"] == "yes",
        shape=Shape(
            hidden=int(row["hidden"]),
            layers=int(row["layers"]),
            heads=int(row["heads"]),
            kv_heads=int(row["kv_heads"]),
            head_dim=int(row["head_dim"]),
            intermediate=int(row["intermediate"]),
            vocabulary=int(row["vocabulary"]),
            tied=row["tied"] == "yes",
            context=int(row["context"]),
        ),
    )
