"""Config files that people bring: our own YAML, and XTuner's Python, read as data."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from core.config import document, source, writer, xtuner
from core.config.xtuner_reader import Note
from core.hub_data import is_hub
from core.ui.speech import Language, Say

_TOLD: Final = 40


def opened(path: Path, language: Language, t: Say) -> tuple[str, str]:
    """The YAML text of an uploaded config, and what became of its values as HTML.

    Raises:
        UserError: the file is not UTF-8, too large, has faults, or is no config of XTuner.
    """
    text = document.read(path, path.name)
    if path.suffix != ".py":
        source.parse(text, path.name)
        return text, ""
    found = xtuner.import_config(text, path.name)
    kept = writer.dump(found.config, comments=language)
    if not is_hub(found.config.settings.data_path):  # the page reads no file of the server
        kept = writer.edit(kept, {("settings", "data_path"): "dataset.json"})
    told = "".join(
        _group(title.render(language), notes, language) for title, notes in found.groups if notes
    )
    head = t("{name} is taken over: {n} values as they were.", name=path.name, n=len(found.taken))
    return kept, f'<div class="notice info"><b>{escape(head)}</b>{told}</div>'


def _group(title: str, notes: Sequence[Note], language: Language) -> str:
    items = "".join(f"<li>{escape(note.sentence.render(language))}</li>" for note in notes[:_TOLD])
    more = f"<li>… {len(notes) - _TOLD}</li>" if len(notes) > _TOLD else ""
    return f"<details><summary>{title}: {len(notes)}</summary><ul>{items}{more}</ul></details>"
