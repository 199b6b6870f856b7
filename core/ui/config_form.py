"""The config form as plain data: one value a field, kept in step with the YAML source."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import gradio as gr

from core.config import diff, source, writer
from core.config.fields import Field, Value, fields, value_of
from core.config.lint import Finding
from core.config.schema import PARTS, Config
from core.errors import UserError
from core.run import Run
from core.ui.speech import Language, Say
from core.ui.views import faults

OPEN: Final = ("settings", "model", "dataset")
"""Parts whose group is open at first; the tutorial leaves the others alone."""

Key = tuple[str, str]

_UNDOS: Final = 20
_BACKSLASH: Final = re.compile(r"\\([\\n])")


def component(field: Field, language: Language) -> Any:
    """The input of one field: its title, its key as the YAML has it, and its help."""
    named: dict[str, Any] = {
        "label": field.title.render(language),
        "info": f"`{field.key}` {field.help.render(language)}",
        "elem_id": f"config-{field.part}-{field.key}",
        "value": shown(field.default, field),
        "min_width": 260,
    }
    match field.kind:
        case "switch":
            return gr.Checkbox(**named)
        case "choice":
            return gr.Dropdown(
                list(field.choices), filterable=field.open, allow_custom_value=field.open, **named
            )
        case "whole number":
            return gr.Number(precision=0, **named)
        case "number":
            return gr.Number(step=0.0001, **named)
        case "texts":
            return gr.Textbox(lines=3, max_lines=8, **named)
        case _:
            return gr.Textbox(lines=2 if field.key == "SYSTEM" else 1, **named)


def shown(value: Value, field: Field) -> Any:
    """A config's value as its input shows it."""
    if field.kind == "texts" and isinstance(value, tuple):
        return "\n".join(_one_line(str(v)) for v in value)
    if field.kind in ("two numbers", "numbers") and isinstance(value, tuple):
        return ", ".join(f"{v:g}" for v in value if not isinstance(v, str))
    return value


def _one_line(text: str) -> str:
    """A text of several lines as one, as each line of the input is a text of its own."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def typed(raw: Any, field: Field) -> Value | None:
    """What an input holds, as a config's value; None where it holds nothing to write.

    What cannot be understood is handed on as it is, so that the config's own checks name it.
    """
    if raw is None:
        return None
    match field.kind:
        case "texts":
            lines = [line.strip() for line in str(raw).splitlines() if line.strip()]
            return tuple(_BACKSLASH.sub(lambda m: "\n" if m[1] == "n" else m[1], x) for x in lines)
        case "two numbers" | "numbers":
            number = float if field.kind == "two numbers" else int
            try:
                return tuple(number(p) for p in re.split(r"[,\s]+", str(raw).strip("[] ")) if p)
            except ValueError:
                return str(raw)
        case "whole number":
            return int(raw)
        case "number":
            return float(raw)
        case "switch":
            return bool(raw)
        case _:
            return str(raw)


def values(config: Config) -> list[Any]:
    """All inputs' values for a config, in the order of `fields()`."""
    return [shown(value_of(config, *key), field) for key, field in fields().items()]


def edited(text: str, key: Key, raws: Sequence[Any]) -> str:
    """The YAML text after an edit of one field in the form, comments and all.

    The other inputs are compared too, so that two quick edits cannot undo each other; where the
    text has faults, only the edited field is written.

    Raises:
        UserError: the text is not YAML that can be edited.
    """
    changes: dict[Key, Value] = {}
    config = None if source.faults(text) else source.parse(text)
    for (at, field), raw in zip(fields().items(), raws, strict=True):
        value = typed(raw, field)
        if value is None or (config is None and at != key):
            continue
        if config is None or value_of(config, *at) != value:
            changes[at] = value
    return writer.edit(text, changes) if changes else text


def problems(text: str, language: Language, t: Say) -> str:
    """Every fault of a config text by line, as HTML; empty when there is none."""
    return faults((f.sentence.render(language) for f in source.faults(text)), t)


def advice(found: Sequence[Finding], language: Language, t: Say) -> str:
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


def differences(text: str, base: Config | None, base_name: str, t: Say) -> str:
    """What a config has otherwise than another, key by key."""
    if base is None:
        return f'<p class="facts">{t("Pick a preset to compare with.")}</p>'
    try:
        here = source.parse(text)
        found = diff.changes(base, here)
    except UserError:
        return f'<p class="facts">{t("The difference shows again once the config is right.")}</p>'
    name = escape(base_name)
    if not found:
        return f'<p class="facts">{t("Nothing differs from {name}.", name=name)}</p>'
    rows = "".join(
        f"<tr><td>{escape(t(PARTS[c.part]))}</td><th scope='row'><code>{escape(c.key)}</code></th>"
        f"<td><del>{_value(c.before)}</del></td><td><ins>{_value(c.after)}</ins></td></tr>"
        for c in found
    )
    head = t("Different from {name}: {n}", n=len(found), name=name)
    heads = "".join(f"<th>{h}</th>" for h in (t("Part"), t("Key"), t("There"), t("Here")))
    return (
        f"<p class='facts'>{head}</p><table class='diff'><thead><tr>{heads}</tr></thead>"
        f"<tbody>{rows}</tbody></table><details><summary>{t('As text')}</summary>"
        f'<pre class="lines">{_lines(base, here)}</pre></details>'
    )


def _lines(before: Config, after: Config) -> str:
    """The changed lines of both as YAML, those that go and those that come."""
    text = diff.text_diff(writer.dump(before, comments=None), writer.dump(after, comments=None))
    tags = {"-": "del", "+": "ins"}
    return "\n".join(
        f"<{tag}>{escape(line)}</{tag}>" if (tag := tags.get(line[0])) else escape(line)
        for line in text.splitlines()
        if not line.startswith(("---", "+++", "@@"))
    )


def _value(value: Value) -> str:
    text = writer.inline(value)
    return escape(text if len(text) <= 300 else text[:299] + "…")


def draft_text(saved: str, draft: Mapping[str, Any] | None, run_name: str) -> str:
    """The text that was typed but not yet saved for this run, else the saved one."""
    if draft and draft.get("run") == run_name and isinstance(draft.get("text"), str):
        return str(draft["text"])
    return saved


def version(found: Run | None, text: str) -> str:
    """A mark of a config's text and the rows it learns from: what advice on them follows from."""
    rows = found.dataset_file if found else None
    changed = rows.stat().st_mtime_ns if rows and rows.exists() else 0
    mark = hashlib.sha1(text.encode("utf-8", "replace")).hexdigest()
    return f"{found.name if found else ''} {changed} {mark}"


def past(draft: Mapping[str, Any] | None, run_name: str) -> list[str]:
    """The texts before each edit of this run's draft, oldest first."""
    before = (draft or {}).get("before")
    if not draft or draft.get("run") != run_name or not isinstance(before, list):
        return []
    return [text for text in before if isinstance(text, str)]


def remember(
    draft: Mapping[str, Any] | None, run_name: str, old: str, new: str, key: str = ""
) -> dict[str, Any]:
    """The draft after an edit; letters typed one after another into one field count as one."""
    before = past(draft, run_name)
    if not (before and key and draft and draft.get("key") == key):
        before = [*before, old][-_UNDOS:]
    return {"run": run_name, "text": new, "before": before, "key": key}


def undone(draft: Mapping[str, Any] | None, run_name: str) -> dict[str, Any] | None:
    """The draft before its last edit; None where there is none."""
    before = past(draft, run_name)
    if not before:
        return None
    return {"run": run_name, "text": before[-1], "before": before[:-1], "key": ""}
