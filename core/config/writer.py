"""Writing YAML: a whole config with its help as comments, or single values in a person's text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from core.config import document
from core.config.fields import Value, fields, value_of
from core.config.schema import PARTS, Config
from core.errors import UserError, text

Changes = Mapping[tuple[str, str], Value]
Entry = tuple[Node, Node]

_PLAIN: Final = re.compile(r"[A-Za-z_](?:[\w./@+-]|:(?=[/\w]))*", re.ASCII)
_RESERVED: Final = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
_ESCAPED: Final = re.compile('[\\\\"\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]')
_SHORT: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dump(config: Config, *, comments: str | None = "en") -> str:
    """The whole config as YAML, each key under its help in the language `comments` (None: bare)."""
    lines: list[str] = []
    if comments:
        head = text("A config of Persona Studio. Change the values; the comments are only help.")
        lines += [f"# {head.render(comments)}", ""]
    for number, (part, title) in enumerate(PARTS.items(), start=1):
        if comments:
            lines.append(f"# {number} · {text(title).render(comments)}")
        lines.append(f"{part}:")
        for field in fields().values():
            if field.part == part:
                if comments:
                    lines.append(f"  # {field.help.render(comments)}")
                lines.append(f"  {field.key}:{_block(value_of(config, part, field.key), 4)}")
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def edit(source: str, changes: Changes) -> str:
    """The same text with other values; every comment, order and space elsewhere stays as it is.

    A key or part that is not there yet is added at the end of its part or of the text. The result
    is not checked against the schema: hand it to `source.faults`.

    Raises:
        UserError: the text is not readable as YAML, or laid out too strangely to add to.
        KeyError: `changes` names a part or key that the schema does not have.
    """
    plain = source.removeprefix("\ufeff").replace("\r\n", "\n")
    for part, key in changes:
        fields()[part, key]
    for (part, key), value in changes.items():
        plain = _edit_one(plain, part, key, value)
    return plain.replace("\n", "\r\n") if "\r\n" in source else plain


def inline(value: Value) -> str:
    """A value as one line of YAML: `0.0002`, `true`, `plain-word`, `"any text"`, `[a, b]`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _RESERVED
        return value if plain else f'"{_ESCAPED.sub(_escape, value)}"'
    if isinstance(value, tuple):
        return f"[{', '.join(inline(item) for item in value)}]"
    return repr(value)


def _escape(match: re.Match[str]) -> str:
    return _SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}"


def _block(value: Value, indent: int) -> str:
    """What follows `key:`, either on its line or, for a list of texts, below it."""
    if isinstance(value, tuple) and value and isinstance(value[0], str):
        return "".join(f"\n{' ' * indent}- {inline(item)}" for item in value)
    return f" {inline(value)}"


def _edit_one(source: str, part: str, key: str, value: Value) -> str:
    edited = _changed(source, part, key, value)
    with suppress(document.NotReadable):
        body = _entry(document.compose(edited), part)
        if body and _reads_as(_entry(body[1], key), value):
            return edited
    raise UserError(
        "{part}.{key} cannot be changed in this layout of the config.",
        "Write the config in plain “key: value” lines under each part.",
        part=part,
        key=key,
    )


def _changed(source: str, part: str, key: str, value: Value) -> str:
    body = _body(source, part)
    entry = _entry(body, key)
    if entry is not None:
        return source if _reads_as(entry, value) else _replace(source, entry, value)
    if isinstance(body, MappingNode) and body.value:
        last = body.value[-1]
        end = _end(source, last)
        if body.flow_style:
            return f"{source[:end]}, {key}: {inline(value)}{source[end:]}"
        indent = int(last[0].start_mark.column)
        at = _line_end(source, end)
        return f"{source[:at]}\n{' ' * indent}{key}:{_block(value, indent + 2)}{source[at:]}"
    line = f"  {key}:{_block(value, 4)}"
    part_entry = _entry(_top(source), part)
    if part_entry is None:
        return f"{source.rstrip()}\n\n{part}:\n{line}\n".lstrip("\n")
    start, end = _after_colon(source, part_entry[0]), _end(source, part_entry)
    stop = _line_end(source, end)  # the part is `model:`, `model: {}` or `model: null`
    return f"{source[:start]}{source[end:stop]}\n{line}{source[stop:]}"


def _top(source: str) -> MappingNode | None:
    try:
        return document.compose(source)
    except document.NotReadable as error:
        fault = error.fault.sentence
        raise UserError(
            "The config cannot be changed here: {fault}", "Mend it first.", fault=fault
        ) from error


def _body(source: str, part: str) -> Node | None:
    entry = _entry(_top(source), part)
    return entry[1] if entry else None


def _entry(node: Node | None, key: str) -> Entry | None:
    """The last entry of a key, as YAML readers that allow doubles take it."""
    if not isinstance(node, MappingNode):
        return None
    return next(((k, v) for k, v in reversed(node.value) if k.value == key), None)


def _reads_as(entry: Entry | None, value: Value) -> bool:
    wanted = list(value) if isinstance(value, tuple) else value
    found = document.value(entry[1]) if entry else None
    return type(found) is type(wanted) and found == wanted


def _replace(source: str, entry: Entry, value: Value) -> str:
    old = entry[1]
    start, end = int(old.start_mark.index), _end(source, entry)
    if isinstance(old, SequenceNode) and not old.flow_style and isinstance(value, tuple) and value:
        glue = f"\n{' ' * int(old.start_mark.column)}"
        return source[:start] + glue.join(f"- {inline(item)}" for item in value) + source[end:]
    if end <= start or (isinstance(old, CollectionNode) and not old.flow_style):
        start = _after_colon(source, entry[0])
        return f"{source[:start]} {inline(value)}{source[end:]}"
    return f"{source[:start]}{inline(value)}{source[end:]}"


def _after_colon(source: str, key: Node) -> int:
    return source.index(":", key.end_mark.index) + 1


def _line_end(source: str, at: int) -> int:
    end = source.find("\n", at)
    return len(source) if end < 0 else end


def _end(source: str, entry: Entry) -> int:
    """Where the text of an entry ends, without the blank lines and comments the parser adds."""
    key, node = entry
    start, end = int(node.start_mark.index), int(node.end_mark.index)
    if isinstance(node, ScalarNode):
        if start == end:  # nothing behind the colon: the mark stands at the next token
            return _after_colon(source, key) if key is not node else start
        return start + len(source[start:end].rstrip()) if node.style in ("|", ">") else end
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return end
    last = node.value[-1]
    return _end(source, last if isinstance(last, tuple) else (last, last))
