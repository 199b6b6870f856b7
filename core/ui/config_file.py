"""Config files that people bring: our own YAML, and XTuner's Python, read as data."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from core.config import source, writer, xtuner
from core.config.document import MAX_BYTES
from core.config.xtuner_reader import Note
from core.errors import UserError
from core.ui.speech import Language, Say

_TOLD: Final = 12


def opened(path: Path, language: Language, t: Say) -> tuple[str, str]:
    """The YAML text of an uploaded config, and what became of its values as HTML.

    Raises:
        UserError: the file is too large, not UTF-8, has faults, or is no config of XTuner.
    """
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise UserError(
            "{name} is larger than {limit} KiB, too large for a config.",
            "Choose a config file.",
            name=path.name,
            limit=MAX_BYTES // 1024,
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            "{name} is not UTF-8 text.", "Save it again as UTF-8.", name=path.name
        ) from error
    if path.suffix != ".py":
        source.parse(text, path.name)
        return text, ""
    found = xtuner.import_config(text, path.name)
    kept = writer.edit(
        writer.dump(found.config, comments=language), {("settings", "data_path"): "dataset.json"}
    )
    groups = (
        (t("Converted"), found.converted),
        (t("Left out"), found.ignored),
        (t("Unknown"), found.unknown),
    )
    told = "".join(_group(title, notes, language, t) for title, notes in groups if notes)
    head = t("{name} is taken over: {n} values as they were.", name=path.name, n=len(found.taken))
    return kept, f'<div class="notice info"><b>{escape(head)}</b>{told}</div>'


def _group(title: str, notes: Sequence[Note], language: Language, t: Say) -> str:
    items = "".join(
        f"<li>{_place(note, t)}<code>{escape(note.name)}</code> {escape(note.text.render(language))}</li>"
        for note in notes[:_TOLD]
    )
    more = f"<li>… {len(notes) - _TOLD}</li>" if len(notes) > _TOLD else ""
    return f"<details><summary>{title}: {len(notes)}</summary><ul>{items}{more}</ul></details>"


def _place(note: Note, t: Say) -> str:
    return f"{t('Line {line}', line=note.line)}: " if note.line else ""
