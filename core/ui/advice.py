"""Advice on a config: the traps that lint knows, seen against the run's own conversations.

Files are read and tokenised once for each of their versions; the memory is only a shortcut.
"""

from __future__ import annotations

from functools import lru_cache
from html import escape
from pathlib import Path

from core.config import source
from core.config.lint import Finding, facts_of, lint
from core.config.schema import Config
from core.errors import UserError
from core.models import folder, ready
from core.run import Run
from core.settings import Settings
from core.tokens import ChatTokenizer
from core.ui.persona_form import read_rows, rows_of_run
from core.ui.speech import Language, Say
from core.work import Work, encode, steps_of

_WHOLE = 131_072  # a max_length that cuts nothing


def findings(text: str, found: Run | None, settings: Settings) -> list[Finding]:
    """Every trap in a config for the run's conversations; none while the config has faults."""
    if found is None or not found.dataset_file.exists() or source.faults(text):
        return []
    config = source.parse(text)
    try:
        rows = rows_of_run(found)
        work = _work(found.dataset_file, config, settings)
    except UserError:
        return []  # the Train tab says what is wrong with them
    if work is None:
        return lint(config, facts_of(config, rows))
    cut = Work(
        work.rows,
        work.copies,
        tuple(e.cut(config.settings.max_length) for e in work.encoded),
        0,
    )
    steps = len(steps_of(config, cut, max(1, config.runtime.processes)))
    return lint(config, facts_of(config, rows, total_steps=steps, tokens_p95=_p95(work)))


def _work(path: Path, config: Config, settings: Settings) -> Work | None:
    model = config.settings.pretrained_model_name_or_path
    if not ready(settings, model):
        return None
    return _encoded(
        path,
        path.stat().st_mtime_ns,
        folder(settings, model),
        config.settings.prompt_template,
        config.settings.SYSTEM,
    )


@lru_cache(maxsize=8)
def _encoded(path: Path, version: int, model: Path, template: str, system: str) -> Work:
    config = Config().model_copy(
        update={
            "settings": Config().settings.model_copy(
                update={"SYSTEM": system, "max_length": _WHOLE}
            )
        }
    )
    return encode(read_rows(path, version), ChatTokenizer.load(model, template), config)


def _p95(work: Work) -> int:
    """The length that 95 of 100 rows stay within, copies counted."""
    left = 0.95 * sum(work.copies)
    for length, copies in sorted(zip(work.lengths, work.copies, strict=True)):
        left -= copies
        if left <= 0:
            return length
    return 0


def shown(found: list[Finding], language: Language, t: Say) -> str:
    """The findings as a list, each with a button that applies its change where it has one."""
    if not found:
        return ""
    items = "".join(
        f"<li>{escape(f.text.render(language))}"
        + (
            f' <button type="button" data-action="{escape(f.code)}">{t("Fix it")}</button>'
            if f.fix
            else ""
        )
        + "</li>"
        for f in found
    )
    head = t("Worth a look before training:")
    return f'<div class="notice warn advice" role="status"><b>{head}</b><ul>{items}</ul></div>'
