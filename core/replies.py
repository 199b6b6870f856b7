"""The base model's own answers to replay prompts, kept for each base: asked for once, ever.

`core.engine.replay` asks; the plan counts what is still to be asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from core.config.schema import Config
from core.settings import Settings
from core.tokens import Encoded
from core.work import Work


def file_of(settings: Settings, config: Config, most: int) -> Path:
    """Where answers of at most `most` tokens of a config's base are kept: quantised alike."""
    base, kind = config.settings.pretrained_model_name_or_path, config.model.quantization
    stem = hashlib.sha256(f"{base}/{kind}/{most}".encode()).hexdigest()[:16]
    return settings.home / "replay" / f"{stem}.json"


def known(file: Path) -> dict[str, list[int]]:
    """The answers kept in a file, by `key_of` their prompts."""
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def key_of(prompt: Sequence[int]) -> str:
    """What stands for a prompt's token ids."""
    return hashlib.sha256(repr(list(prompt)).encode()).hexdigest()[:24]


def prompt_of(row: Encoded) -> list[int]:
    """The token ids of a row that are not an answer."""
    return [token for token, on in zip(row.ids, row.learned, strict=True) if not on]


def to_ask(settings: Settings, config: Config, work: Work) -> dict[int, int]:
    """How many prompts of a dataset have no answer yet, by the most tokens of it."""
    wanted = {}
    for most, rows in work.asked.items():
        found = known(file_of(settings, config, most))
        wanted[most] = sum(key_of(prompt_of(work.encoded[i])) not in found for i in rows)
    return wanted
