"""Earlier versions of a run's persona, and what changed from one to another."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.persona.persona import Persona, load, save
from core.run import Run


def keep(run: Run, persona: Persona) -> None:
    """Save a persona with the run; the one that it replaces becomes its newest earlier version.

    Raises:
        UserError: the folder cannot be written.
    """
    if run.persona_file.exists():
        old = load(run.persona_file)
        if old == persona:
            return
        number = len(earlier(run)) + 1
        _folder(run).mkdir(exist_ok=True)
        save(old, _folder(run) / f"{number:04d}.yaml")
    save(persona, run.persona_file)


def earlier(run: Run) -> list[Path]:
    """The files of the earlier versions, oldest first."""
    return sorted(_folder(run).glob("*.yaml"))


def inherit(run: Run, old: Run) -> None:
    """Give a new run the versions of the one that it goes on from, its persona as the newest."""
    if _folder(old).is_dir():
        shutil.copytree(_folder(old), _folder(run))
    if old.persona_file.exists():
        shutil.copyfile(old.persona_file, run.persona_file)


def changes(before: Persona, after: Persona) -> list[tuple[str, str, str]]:
    """Every field that differs: its title, its value before, and after, lists as lines."""
    return [
        (info.title or name, _told(getattr(before, name)), _told(getattr(after, name)))
        for name, info in Persona.model_fields.items()
        if getattr(before, name) != getattr(after, name)
    ]


def _told(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else "\n".join(value)


def _folder(run: Run) -> Path:
    return run.path / "personas"
