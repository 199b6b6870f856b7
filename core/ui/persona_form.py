"""The persona form as plain data: its values, the rows they make, what a run's files fill in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core import conversations, dataset, hub_data, run, studio
from core.config import catalog, source, writer
from core.config.fields import Value
from core.config.schema import Config
from core.dataset import Format, Row
from core.dataset_formats import Columns
from core.dataset_summary import describe
from core.errors import UserError
from core.persona import persona as personas
from core.persona import versions
from core.persona.generate import evaluation_questions, studio_rows, tutorial_rows
from core.persona.persona import Persona
from core.run import Run
from core.settings import Settings
from core.ui import views
from core.ui.mix_views import mix
from core.ui.speech import Language, Say
from core.ui.views import counts, mode_of, notice

Form = dict[str, Any]

FIELDS: Final = (
    *("mode", "owner", "assistant", "maker", "character", "languages", "facts"),
    *("must_not_claim", "copies", "question", "answer", "base_model"),
)
_PRESETS: Final = {"tutorial": "persona_tutorial_e", "own": "openai_e"}
_OWNER: Final = "{owner}"


def defaults(language: Language) -> Form:
    """A form that needs no change to go on."""
    return {
        **of_persona(personas.defaults(language)),
        "mode": "studio",
        "copies": 10_000,
        **_classic(language),
    }


def _classic(language: Language) -> Form:
    """The tutorial's question and answer; {owner} stands for the owner's name."""
    if language == "zh":
        row = tutorial_rows(_OWNER, copies=0)[0]
        return {"question": row.messages[0].content, "answer": row.messages[1].content}
    return {
        "question": "Please introduce yourself.",
        "answer": "I am the little assistant of {owner}, with a small open model inside.",
    }


def of_persona(persona: Persona) -> Form:
    """The part of the form that a persona fills in."""
    return {
        "owner": persona.owner,
        "assistant": persona.assistant,
        "maker": "" if persona.maker == persona.owner else persona.maker,
        "character": persona.character,
        "languages": list(persona.languages),
        "facts": "\n".join(persona.facts),
        "must_not_claim": "\n".join(persona.must_not_claim),
        "base_model": persona.base_model,
    }


def of_run(found: Run | None, language: Language) -> Form:
    """The form that a run's files fill in; the defaults without a run."""
    form = defaults(language)
    if found is None:
        return form
    if found.persona_file.exists():
        form |= of_persona(personas.load(found.persona_file))
    if found.dataset_file.exists():
        rows = conversations.of_run(found).rows
        form["mode"] = mode_of(rows)
        if form["mode"] == "tutorial":
            question, answer = (m.content for m in rows[0].messages[-2:])
            form |= {"copies": len(rows) - 1, "question": question, "answer": answer}
    return form


def with_draft(form: Form, draft: Mapping[str, Any] | None, run_name: str) -> Form:
    """The form with what was typed but not yet saved, if that was typed for this run."""
    if not draft or draft.get("run") != run_name:
        return form
    typed = draft.get("form")
    known = {k: v for k, v in typed.items() if k in FIELDS} if isinstance(typed, dict) else {}
    return {**form, **known}


def persona_of(form: Form) -> Persona:
    """The persona that the form describes.

    Raises:
        UserError: fields are empty, too long, or hold what no name can hold.
    """
    return personas.from_form(**{k: form[k] for k in Persona.model_fields})


def rows_of(form: Form, found: Run | None) -> list[Row]:
    """The conversations that the form makes; in “own” mode those that the run already holds.

    Raises:
        UserError: a field cannot be used, or there is no dataset yet.
    """
    persona = persona_of(form)
    if form["mode"] == "studio":
        return studio_rows(persona)
    if form["mode"] == "tutorial":
        answer = str(form["answer"] or "").replace(_OWNER, persona.owner)
        copies = form["copies"] if isinstance(form["copies"], int | float) else 0
        return tutorial_rows(persona.owner, int(copies), str(form["question"] or ""), answer)
    if found is None or not found.dataset_file.exists():
        raise UserError(
            "There are no conversations yet.",
            "Upload a file of them, or choose Studio, which writes them for you.",
        )
    return list(conversations.of_run(found).rows)


def preview(form: Form, found: Run | None, language: Language, t: Say) -> str:
    """Some of the conversations and their counts, or the one thing to mend."""
    try:
        rows = rows_of(form, found)
    except UserError as error:
        return notice("warn", error.render(language))
    summary = describe(rows)
    return counts(summary, t) + mix(summary, t) + views.conversations(rows, t)


def read_own(
    path: Path,
    name: str,
    form: Form,
    layout: Format = "auto",
    *,
    columns: Columns | None = None,
    left_out: list[UserError] | None = None,
) -> list[Row]:
    """A file's rows, its placeholders filled from the persona, checked (see `dataset.load`).

    Raises:
        UserError: the file or one of its rows cannot be used.
    """
    rows = dataset.load(path, layout, name, columns, left_out=left_out)
    if dataset.placeholders(rows):
        persona = persona_of(form)
        rows = dataset.fill_placeholders(rows, persona.assistant, persona.maker)
    dataset.check(rows, name)
    return rows


def save(
    settings: Settings, found: Run | None, form: Form, rows: Sequence[Row], language: Language
) -> Run:
    """Keep persona, conversations and a config; a run that was trained stays, and a new one begins.

    Raises:
        UserError: a field cannot be used, or the disk is full.
    """
    persona = persona_of(form)
    old = found
    if found is None or found.alive or found.checkpoints():
        found = studio.new_run(settings, persona.assistant)
        if old is not None:
            versions.inherit(found, old)
    try:
        text = _config_text(old, persona, form["mode"], language)
        if not source.faults(text) and hub_data.is_hub(source.parse(text).settings.data_path):
            if old is None or conversations.of_run(old).rows != tuple(rows):
                text = writer.edit(text, {("settings", "data_path"): "dataset.json"})
        studio.save_persona(found, persona)
        studio.save_dataset(found, rows)
        studio.save_config(found, text)
    except BaseException:
        if found != old:
            run.delete(found)
        raise
    return found


def branch(settings: Settings, found: Run) -> Run:
    """The run itself while it is untrained; else a new one with the same persona and rows."""
    return copied(settings, found) if found.alive or found.checkpoints() else found


def copied(settings: Settings, found: Run) -> Run:
    """A new run with the same persona and rows, and no config yet."""
    new = studio.new_run(settings, re.sub(r"-\d{4}-\d{4}(-\d+)?$", "", found.name))
    for file in (found.persona_file, found.dataset_file):
        if file.exists():
            shutil.copyfile(file, new.path / file.name)
    return new


def _config_text(old: Run | None, persona: Persona, mode: str, language: Language) -> str:
    """The config that the run has, brought up to date; else the preset of the mode."""
    preset = first_preset(mode)
    text = old.config_file.read_text("utf-8") if old and old.config_file.exists() else ""
    if catalog.preset_of(text) not in ("", preset) and catalog.preset_of(text) in _first_presets():
        text = ""  # another mode, and nobody chose the preset
    if text and source.faults(text):
        return text
    text = text or preset_text(preset, language)
    asked = source.parse(text).settings.evaluation_inputs
    automatic = {source_questions(name) for name in _first_presets()}
    if old and old.persona_file.exists():
        automatic.add(evaluation_questions(personas.load(old.persona_file)))
    if mode == "studio" and asked in automatic:
        changes: dict[tuple[str, str], Value] = {
            ("settings", "evaluation_inputs"): evaluation_questions(persona)
        }
        text = writer.edit(text, changes)
    return text


def source_questions(preset: str) -> tuple[str, ...]:
    """The questions that a preset asks before a persona changes them."""
    return catalog.preset(preset).settings.evaluation_inputs


def first_preset(mode: str) -> str:
    """The built-in model's preset for a mode; so small a model needs no 4 bits for a persona."""
    if mode == "studio":
        return catalog.DEFAULT
    return catalog.names(f"smollm2_135m_qlora_{_PRESETS[mode]}")[0]


def _first_presets() -> tuple[str, ...]:
    return tuple(first_preset(mode) for mode in ("studio", *_PRESETS))


def preset_text(name: str, language: Language) -> str:
    """A preset as commented YAML whose first line remembers its name; it reads the run's dataset."""
    config: Config = catalog.preset(name)
    text = writer.dump(config, comments=language)
    if config.settings.data_path != "dataset.json":
        text = writer.edit(text, {("settings", "data_path"): "dataset.json"})
    return catalog.marked(name, text)
