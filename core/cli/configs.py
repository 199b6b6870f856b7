"""list-cfg, copy-cfg, diff, import-cfg, schema, check, tokens."""

from __future__ import annotations

from pathlib import Path

from core import advice, conversations, zero
from core.cli.common import Add, Options, run_of, say, whisper
from core.config import catalog, commands, document, source
from core.config.schema import Config
from core.config.writer import inline
from core.conversations import Conversations
from core.errors import UserError
from core.files import write_atomic
from core.hardware import detect
from core.hub_data import is_hub, place
from core.preview import preview
from core.settings import Settings


def add(add: Add) -> None:
    """Register the commands."""
    p = add("list-cfg", help="list the presets")
    p.add_argument("-p", "--pattern", default="", help="part of a name, or words")
    p.add_argument(
        "--about",
        action="store_true",
        help="what each is: its model, licence, languages, and which machine it needs",
    )
    p.set_defaults(do=_list_cfg)
    p = add("copy-cfg", help="copy a preset to edit it")
    p.add_argument("name")
    p.add_argument("directory", type=Path)
    p.set_defaults(do=_copy_cfg)
    p = add("diff", help="what a config has otherwise than its preset, another config or a run")
    p.add_argument("config", type=Path)
    p.add_argument("other", nargs="?", help="a preset, a file or a run (the preset it came from)")
    p.set_defaults(do=_diff)
    p = add("import-cfg", help="read an XTuner config (.py) as data, and write it as YAML")
    p.add_argument("file", type=Path)
    p.add_argument("--out", type=Path, help="the new file (FILE with .yaml); never overwritten")
    p.set_defaults(do=_import_cfg)
    p = add("tokens", help="show a row as the model reads it, and what of it is learned")
    p.add_argument("config", type=Path)
    p.add_argument("--row", type=int, default=1, help="the number of a different row, from 1")
    p.set_defaults(do=_tokens)
    p = add("schema", help="print the config's JSON schema")
    p.set_defaults(do=_schema)
    p = add("check", help="find every fault of a config")
    p.add_argument("config", type=Path)
    p.add_argument("--fix", action="store_true", help="change the values that have a remedy")
    p.set_defaults(do=_check)


def _list_cfg(o: Options, settings: Settings) -> None:
    if o.about:
        return say(commands.about_cfg(o.pattern, detect()))
    return say(commands.list_cfg(o.pattern))


def _copy_cfg(o: Options, settings: Settings) -> None:
    path = commands.copy_cfg(o.name, o.directory)
    say(f"Copied to {path}.\n{commands.next_steps(o.name, path)}")


def _diff(o: Options, settings: Settings) -> None:
    config = source.load(o.config)
    say(commands.diff(config, _other(o.other or _origin(o.config), settings)))


def _origin(file: Path) -> str:
    """The preset that a config came from, by its first line.

    Raises:
        UserError: it does not say so.
    """
    name = catalog.preset_of(document.read(file))
    if not name:
        raise UserError(
            "{file} does not say which preset it came from.",
            "Name what to compare it with: a preset, a file or a run.",
            file=file,
        )
    return name


def _other(name: str, settings: Settings) -> Config:
    if Path(name).is_file():
        return source.load(Path(name))
    if Path(name).is_dir() or (settings.runs / Path(name).name).is_dir():
        return source.load(run_of(name, settings).config_file)
    return catalog.preset(name)


def _import_cfg(o: Options, settings: Settings) -> None:
    path, found = commands.import_cfg(o.file, o.out)
    say(commands.report(found))
    say(f"Written to {path}. Now: python -m core check {path}")


def _schema(o: Options, settings: Settings) -> None:
    say(commands.schema_json())


def _check(o: Options, settings: Settings) -> None:
    config = source.load(o.config)
    zero.own(config, o.config.parent / config.runtime.deepspeed)
    known = _conversations(config, o.config.parent, settings)
    text = document.read(o.config)
    if o.fix:
        text, mended = advice.mended(text, known, settings)
        for finding in mended:
            values = (
                f"{part}.{key} = {inline(v)}" for (part, key), v in (finding.fix or {}).items()
            )
            say(f"Fixed: {finding.text} Now {', '.join(values)}.")
        if mended:
            write_atomic(o.config, text)
    left = advice.findings(text, known, settings)
    for finding in left:
        say(f"Warning: {finding.text}{' (--fix mends it)' if finding.fix else ''}")
    say(f"{o.config} has no faults{f'; warnings: {len(left)}' if left else ''}.")


def _tokens(o: Options, settings: Settings) -> None:
    config = source.load(o.config)
    known = conversations.of_config(config, o.config.parent, settings)
    shown = preview(config, known, settings, o.row)
    say("learned  ids               text")
    for piece in shown.pieces:
        mark = "cut" if piece.cut else "yes" if piece.learned else ""
        say(f"{mark:<8} {' '.join(map(str, piece.ids)):<17} {piece.text!r}")
    say(
        f"Row {shown.number} of {shown.rows} (× {shown.copies}): "
        f"{shown.tokens} tokens, {shown.learned} of them learned."
    )


def _conversations(config: Config, home: Path, settings: Settings) -> Conversations | None:
    """What the config learns from; None, and a word, where that is not here.

    Raises:
        UserError: it is here, and a row of it cannot be used.
    """
    data_path = config.settings.data_path
    hub = is_hub(data_path, home)
    here = place(settings, data_path) if hub else home / Path(data_path).expanduser()
    if not here.exists():
        whisper(f"{data_path} is not here, so that only the config was looked at.")
        return None
    known = conversations.of_config(config, home, settings)
    if known.left_out:
        whisper(f"{len(known.left_out):,} rows are left out, such as: {known.left_out[0]}")
    return known
