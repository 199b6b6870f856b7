"""DeepSpeed's settings as its engine gets them, and nothing else of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from core import zero
from core.config.schema import Config


def settings(config: Config, dtype: str, own: Path) -> dict[str, Any] | None:
    """The JSON that DeepSpeed gets, None without it; `own` is the run's own file, if it has one."""
    content = zero.content_of(config, zero.own(config, own))
    return zero.resolve(content, config, dtype) if content else None
