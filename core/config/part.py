"""What the five parts of a config share: closed and frozen, each field with its help and bounds."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


def described(description: str, **bounds: Any) -> Any:
    """The field's one sentence of help and its bounds."""
    return Field(description=description, **bounds)


ShortText = Annotated[str, Field(min_length=1, max_length=500)]


class Part(BaseModel):
    """One of the five parts: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
