"""What the command line does with configs: list-cfg, copy-cfg, import-cfg and the schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from core.config import catalog, document, xtuner
from core.config.diff import changes
from core.config.schema import BUILTIN_MODEL, Config
from core.config.writer import dump, inline
from core.config.xtuner import Imported
from core.errors import UserError, text
from core.files import disk_errors, write_atomic
from core.hardware import Hardware

_WIDTH: Final = 60


def list_cfg(pattern: str | None = None) -> str:
    """Every preset name that fits the pattern, one a line, between XTuner's ruled lines."""
    head = ["CONFIGS".center(_WIDTH, "=")]
    if pattern:
        head += [f"PATTERN: {pattern}", "-" * (_WIDTH // 2 + 1)]
    return "\n".join([*head, *catalog.names(pattern or ""), "=" * (_WIDTH + 1)])


def about_cfg(pattern: str, hardware: Hardware) -> str:
    """What each preset that fits the pattern is, and which machine it needs.

    Raises:
        UserError: no preset fits it.
    """
    found = catalog.names(pattern)
    if not found:
        catalog.describe(pattern)  # tells similar names
    told = (catalog.describe(name, hardware=hardware).splitlines() for name in found)
    return "\n".join("\n    ".join([name, *lines]) for name, lines in zip(found, told, strict=True))


def copy_cfg(name: str, directory: Path | str, *, language: str = "en") -> Path:
    """Write a preset as `NAME_copy.yaml`, with its help as comments, and give its path.

    Raises:
        UserError: there is no such preset (then nothing is made), the file is already there, or
            the directory cannot be written.
    """
    config = catalog.preset(name)
    folder = Path(directory).expanduser()
    path = folder / f"{name}_copy.yaml"
    _write_new(path, catalog.marked(name, dump(config, comments=language)))
    return path


def next_steps(name: str, path: Path, language: str = "en") -> str:
    """What to do with a copied preset: its data, its model, the check; a line each.

    Raises:
        UserError: there is no such preset.
    """
    recipe, card = catalog.recipe_of_preset(name), catalog.card_of_preset(name)
    data = catalog.preset(name).settings.data_path
    lines = [
        {
            "persona": text(
                "Make its conversations: python -m core persona --owner YOU --assistant NAME "
                "--out {file}",
                file=path.parent / data,
            ),
            "own file": text("Put your data beside it as {file}, or set data_path.", file=data),
            "hub": text(
                "It learns from {data}, fetched when the training begins; for a file of your own "
                "set data_path and dataset.format.",
                data=data,
            ),
        }[recipe.source]
    ]
    if card.id != BUILTIN_MODEL:
        lines.append(
            text(
                "Set pretrained_model_name_or_path to a folder if you have {id} already; else it "
                "is downloaded once.",
                id=card.id,
            )
        )
    lines.append(text("Then: python -m core check {path}", path=path))
    return "\n".join(line.render(language) for line in lines)


def diff(config: Config, other: Config, language: str = "en") -> str:
    """What a config has otherwise than another: a line for each key, before and after."""
    found = changes(other, config)
    if not found:
        return text("Nothing differs.").render(language)
    return "\n".join(f"{c.part}.{c.key}: {inline(c.before)} → {inline(c.after)}" for c in found)


def import_cfg(
    file: Path, out: Path | None = None, *, language: str = "en"
) -> tuple[Path, Imported]:
    """Read an XTuner config as data and write it as YAML, beside it unless `out` says where.

    Raises:
        UserError: it is no such config (with the line; then nothing is made), `out` is already
            there, or cannot be written.
    """
    found = xtuner.import_config(document.read(file), file.name)
    path = out or file.with_suffix(".yaml")
    _write_new(path, dump(found.config, comments=language))
    return path, found


def report(found: Imported, language: str = "en") -> str:
    """What became of every value of an imported config, a line each."""
    lines: list[str] = []
    for title, notes in found.groups:
        if notes:
            lines.append(f"{title.render(language)} ({len(notes)})")
            lines += [f"  {note.sentence.render(language)}" for note in notes]
    return "\n".join(lines)


def _write_new(path: Path, content: str) -> None:
    """Write a file that is not there yet, and the folders to it."""
    if path.exists():
        raise UserError(
            "{path} is already there, and may hold your changes.",
            "Choose another place, or move the file away.",
            path=path,
        )
    folder = path.parent
    if any(p.exists() and not p.is_dir() for p in (folder, *folder.parents)):
        raise UserError("{folder} is not a directory.", "Choose another directory.", folder=folder)
    with disk_errors(path):
        write_atomic(path, content)


def schema_json() -> str:
    """The config's JSON schema, for editors that check YAML while it is typed."""
    return json.dumps(Config.model_json_schema(), ensure_ascii=False, indent=2)
