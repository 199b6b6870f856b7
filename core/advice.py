"""Advice on a config: the traps that lint knows, seen against the conversations it will learn.

The page's *Fix it* and `check --fix` use the same functions. Conversations are tokenised once for
each of their versions; the memory is only a shortcut.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from core.config import source, writer
from core.config.dataset_part import DatasetPart
from core.config.facts import Facts, facts_of
from core.config.lint import Finding, Fix, lint
from core.config.schema import Config
from core.conversations import Conversations
from core.dataset import Row
from core.errors import UserError
from core.models import folder, ready
from core.settings import Settings
from core.tokens import ChatTokenizer
from core.work import Work, chosen, encode, steps_of

_WHOLE: Final = 131_072  # a max_length that cuts nothing
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_TURN_TOKENS: Final = 6
_MOST_FIXES: Final = 40


def findings(text: str, known: Conversations | None, settings: Settings) -> list[Finding]:
    """Every trap in a config, for these conversations if known; none while it has faults."""
    if source.faults(text):
        return []
    config = source.parse(text)
    return lint(config, _facts(config, known, settings))


def mended(text: str, known: Conversations | None, settings: Settings) -> tuple[str, list[Finding]]:
    """The text after every fix that there is, comments kept, and the findings so mended.

    One at a time, because a fix may settle another finding, or bring one to light; and again where
    one step towards the remedy was not enough.

    Raises:
        UserError: the text is laid out too strangely to be changed.
    """
    tried: list[Fix] = []
    done: dict[str, Finding] = {}
    for _ in range(_MOST_FIXES):
        for found in findings(text, known, settings):
            if found.fix and found.fix not in tried:
                tried.append(found.fix)
                done[found.code] = found
                text = writer.edit(text, found.fix)
                break
        else:
            break
    return text, list(done.values())


def _facts(config: Config, known: Conversations | None, settings: Settings) -> Facts:
    if known is None:
        return facts_of(config)
    counts = chosen(known.rows, config)
    try:
        work = _work(known, config, settings)
    except UserError:
        return facts_of(config, counts)  # the plan says what is wrong with them
    if work is None:
        steps = _guessed_steps(config, counts)
        return facts_of(config, counts, total_steps=steps, guessed=True)
    length = config.settings.max_length
    cut = Work(work.rows, work.copies, tuple(e.cut(length) for e in work.encoded), 0)
    steps = len(steps_of(config, cut))
    return facts_of(config, counts, total_steps=steps, tokens_p95=_p95(work))


def _work(known: Conversations, config: Config, settings: Settings) -> Work | None:
    """All rows as whole token ids; None while the model is not on this machine."""
    model, s = config.settings.pretrained_model_name_or_path, config.settings
    if not ready(settings, model):
        return None
    limits = {k: getattr(config.dataset, k) for k in ("max_rows", "max_copies", "max_replay")}
    return _encoded(
        known,
        DatasetPart().model_copy(update=limits),
        folder(settings, model),
        s.prompt_template,
        s.SYSTEM,
    )


@lru_cache(maxsize=8)
def _encoded(
    known: Conversations, limits: DatasetPart, model: Path, template: str, system: str
) -> Work:
    whole = Config().settings.model_copy(update={"SYSTEM": system, "max_length": _WHOLE})
    config = Config().model_copy(update={"settings": whole, "dataset": limits})
    return encode(known.rows, ChatTokenizer.load(model, template), config)


def _p95(work: Work) -> int:
    """The length that 95 of 100 rows stay within, copies counted."""
    left = 0.95 * sum(work.copies)
    for length, copies in sorted(zip(work.lengths, work.copies, strict=True)):
        left -= copies
        if left <= 0:
            return length
    return 0


def _guessed_steps(config: Config, counts: Mapping[Row, int]) -> int:
    """About how many optimizer steps, without the model's tokenizer: right within a half or so."""
    s, tokens = config.settings, 0.0
    for row, copies in counts.items():
        content = "".join(m.content for m in row.messages)
        han = len(_HAN.findall(content))
        length = 0.8 * han + (len(content) - han) / 4 + _TURN_TOKENS * len(row.messages)
        tokens += copies * min(length, s.max_length)
    if s.pack_to_max_length:
        return s.max_epochs * math.ceil(tokens / config.tokens_per_step)
    each = s.batch_size * s.accumulative_counts
    return s.max_epochs * math.ceil(sum(counts.values()) / each)
