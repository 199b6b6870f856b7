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
from core.work import REPLAY_TOKENS, Work


def file_of(settings: Settings, config: Config) -> Path:
    """Where the answers of a config's base are kept: quantised alike, of the same length."""
    base, kind = config.settings.pretrained_model_name_or_path, config.model.quantization
    stem = hashlib.sha256(f"{base}/{kind}/{REPLAY_TOKENS}".encode()).hexdigest()[:16]
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


def to_ask(settings: Settings, config: Config, work: Work) -> int:
    """How many replay prompts of a dataset have no answer yet."""
    found = known(file_of(settings, config))
    return sum(key_of(prompt_of(work.encoded[i])) not in found for i in work.asked)
