"""A YAML text as nodes that know their lines: read without anchors, tags or surprises.

Only ruamel's parser is used, never its constructor, so nothing in a text can name a Python object.
Size, depth and count are checked while the parser is still reading.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from core.errors import Text, UserError, text

MAX_BYTES: Final = 256 * 2**10
_SPARE_BYTES: Final = 8  # a mark before the text, half a letter after it
_MAX_DEPTH: Final = 5
_MAX_EVENTS: Final = 2000
_INFINITE: Final = re.compile(r"\.(inf|nan)$", re.IGNORECASE)  # YAML writes .inf, Python inf


@dataclass(frozen=True)
class Fault:
    """One mistake in a config text: where (lines count from 1), what, and what to do now."""

    part: str | None
    key: str | None
    line: int | None
    problem: Text
    remedy: Text

    @property
    def sentence(self) -> Text:
        """Place, problem and remedy in one Text."""
        place = ".".join(p for p in (self.part, self.key) if p)
        values: dict[str, Any] = {"problem": self.problem, "remedy": self.remedy}
        if self.line and place:
            return text(
                "Line {line}, {place}: {problem} {remedy}", line=self.line, place=place, **values
            )
        if self.line:
            return text("Line {line}: {problem} {remedy}", line=self.line, **values)
        return text("{problem} {remedy}", **values)


class NotReadable(Exception):
    """The text is no YAML that a config may be; carries the one Fault that says why."""

    def __init__(self, line: int | None, problem: Text, remedy: Text) -> None:
        super().__init__(str(problem))
        self.fault = Fault(None, None, line, problem, remedy)


def read(path: Path, name: str | None = None) -> str:
    """The text of a config file; of a larger one only its start, which is still too large.

    `name` is what errors call the file; by default its whole path.

    Raises:
        UserError: it is missing, may not be read, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + _SPARE_BYTES)
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        return decoder.decode(raw, final=len(raw) <= MAX_BYTES)
    except FileNotFoundError as error:
        raise UserError(
            "There is no config at {path}.",
            "Check the name, or make one first.",
            path=name or path,
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            "{path} cannot be read as text.", "Save it as a UTF-8 text file.", path=name or path
        ) from error


@lru_cache(maxsize=16)
def compose(source: str) -> MappingNode | None:
    """The top mapping of a YAML text, None for an empty one; its nodes are only looked at.

    A form asks for the same text several times at each letter that is typed: the last are kept.

    Raises:
        NotReadable: too large or deep, not YAML, or with anchors, tags, directives or documents.
    """
    if len(source.encode("utf-8", "replace")) > MAX_BYTES:
        raise NotReadable(
            None,
            text("The config is larger than {size} KiB.", size=MAX_BYTES // 2**10),
            text("A config holds settings only; put the data into its own file."),
        )
    try:
        _inspect(source)
        node = YAML(typ="safe", pure=True).compose(source)
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        reason = error.problem if isinstance(error, MarkedYAMLError) else str(error).splitlines()[0]
        raise NotReadable(
            mark.line + 1 if mark else None,
            text("This is not valid YAML ({reason}).", reason=reason),
            text(
                "Check the indentation (spaces, no tabs), quotes and brackets just here and above."
            ),
        ) from error
    if node is None or (isinstance(node, ScalarNode) and value(node) is None):
        return None
    if not isinstance(node, MappingNode):
        raise NotReadable(
            line(node),
            text("The config does not start with a part."),
            text("Begin with “settings:” and put indented “key: value” lines under it."),
        )
    return node


def line(node: Node) -> int:
    """The line on which a node begins, from 1."""
    return int(node.start_mark.line) + 1


def value(node: Node) -> Any:
    """A node as plain data; a text that looks like a date stays a text."""
    if isinstance(node, MappingNode):
        return {str(k.value): value(v) for k, v in node.value}
    if isinstance(node, SequenceNode):
        return [value(item) for item in node.value]
    kind = str(node.tag).rpartition(":")[2]
    raw = str(node.value)
    plain = raw.replace("_", "")
    if kind == "null":
        return None
    if kind == "bool":
        return raw.lower() == "true"
    if kind == "int" and len(plain) < 40:  # int() of a million digits takes its time
        prefix = plain.lstrip("+-")[:2].lower()
        return int(plain, 0 if prefix in ("0x", "0o", "0b") else 10)
    if kind == "float":
        return float(_INFINITE.sub(r"\1", plain))
    return raw


def _inspect(source: str) -> None:
    depth = count = documents = 0
    for event in YAML(typ="safe", pure=True).parse(source):
        name = type(event).__name__
        count += 1
        documents += name == "DocumentStartEvent"
        depth += name in ("MappingStartEvent", "SequenceStartEvent")
        depth -= name in ("MappingEndEvent", "SequenceEndEvent")
        problem = None
        if depth > _MAX_DEPTH or count > _MAX_EVENTS:
            problem = text("The config is nested too deeply or has too many entries.")
        elif name == "AliasEvent" or getattr(event, "anchor", None):
            problem = text("Anchors and aliases (& and *) are not used in a config.")
        elif getattr(event, "tag", None):
            problem = text("Tags (!) are not used in a config.")
        elif documents > 1 or getattr(event, "version", None) or getattr(event, "tags", None):
            problem = text("A config is one document without % directives.")
        if problem:
            raise NotReadable(
                event.start_mark.line + 1,
                problem,
                text("Write the value itself there, as a plain “key: value” line."),
            )
