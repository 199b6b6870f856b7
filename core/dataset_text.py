"""A dataset file's bytes, turned into text and then into records: encodings, JSON, JSONL, CSV."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from core.errors import UserError

Record = Mapping[str, Any]


def read(path: Path, name: str, limit_bytes: int) -> bytes:
    """The file's bytes; its size is looked at before a byte is read.

    Raises:
        UserError: it is no file, too large, or may not be read.
    """
    if path.is_dir():
        raise UserError("{name} is a folder.", "Choose the file inside it.", name=name)
    if not path.is_file():
        raise UserError("There is no file {name}.", "Choose a JSON, JSONL or CSV file.", name=name)
    try:
        size = path.stat().st_size
        if size <= limit_bytes:
            with path.open("rb") as file:
                return file.read(limit_bytes)
    except OSError as error:
        raise UserError(
            "{name} cannot be read: {reason}.",
            "Choose a file that you may read.",
            name=name,
            reason=error.strerror,
        ) from error
    raise UserError(
        "{name} has {size:.0f} MiB, and a dataset may have {limit} MiB.",
        "Choose a smaller file, or split it.",
        name=name,
        size=size / 2**20,
        limit=limit_bytes // 2**20,
    )


def decode(raw: bytes, name: str) -> str:
    """The file's text: UTF-8, UTF-16 with its mark, or GB18030.

    Raises:
        UserError: it is none of these, or no text at all.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            decoded = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in decoded:
            raise UserError(
                "{name} holds zero bytes, so it is not a text file.",
                "Choose a JSON, JSONL or CSV file.",
                name=name,
            )
        return decoded
    raise UserError(
        "{name} is in an encoding that cannot be read.", "Save it again as UTF-8.", name=name
    )


def parse(content: str, name: str) -> list[Record]:
    """The file's records: a JSON list, one JSON object a line, or a table with a header line.

    The content decides for JSON, the ending of the name for CSV.

    Raises:
        UserError: there is nothing in it, or it is broken; the place is named.
    """
    if not content.strip():
        raise UserError(
            "{name} is empty.", "Choose a file with at least one conversation.", name=name
        )
    if name.casefold().endswith((".csv", ".tsv")):
        return _parse_csv(content, name)
    first = content.lstrip()[0]
    if first == "{" and not name.casefold().endswith(".json"):
        return _parse_jsonl(content, name)
    if first not in "[{":
        raise UserError(
            "{name} starts with “{start}”, which no JSON, JSONL or CSV dataset does.",
            "Choose a file that ends in .json, .jsonl or .csv.",
            name=name,
            start=content.strip()[:12],
        )
    try:
        data = _json(content)
    except json.JSONDecodeError as error:
        if first == "{" and error.msg == "Extra data":
            return _parse_jsonl(content, name)
        _broken(error, content, name, 0)
    except (ValueError, RecursionError) as error:
        raise _unusual(name) from error
    if not isinstance(data, list):
        raise UserError(
            "{name} is not a list of conversations.",
            "Put all conversations into one list: [ …, … ].",
            name=name,
        )
    return [as_record(item, row, name) for row, item in enumerate(data, 1)]


def _json(content: str) -> Any:
    return json.loads(content, parse_constant=_refuse_constant)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _unusual(name: str) -> UserError:
    return UserError(
        "{name} holds JSON that cannot be read: NaN, a huge number, or very deep nesting.",
        "Remove it; a conversation needs only texts.",
        name=name,
    )


def _broken(error: json.JSONDecodeError, content: str, name: str, line_offset: int) -> NoReturn:
    ended = error.pos >= len(content.rstrip()) or error.msg.startswith("Unterminated string")
    problem = (
        "{name} ends too early: its JSON breaks off at line {line}, column {column}."
        if ended
        else "{name} is not valid JSON: it breaks at line {line}, column {column}."
    )
    remedy = (
        "The file may be cut off; save or upload it again."
        if ended
        else "Look there for a missing quote, comma or bracket."
    )
    raise UserError(
        problem, remedy, name=name, line=error.lineno + line_offset, column=error.colno
    ) from error


def _parse_jsonl(content: str, name: str) -> list[Record]:
    records: list[Record] = []
    for number, line in enumerate(content.split("\n"), 1):
        if line.strip():
            try:
                item = _json(line)
            except json.JSONDecodeError as error:
                _broken(error, line, name, number - 1)
            except (ValueError, RecursionError) as error:
                raise _unusual(name) from error
            records.append(as_record(item, len(records) + 1, name))
    return records


def _parse_csv(content: str, name: str) -> list[Record]:
    header = content.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max("\t;,", key=header.count)
    reader = csv.DictReader(
        io.StringIO(content.lstrip("\r\n"), newline=""), delimiter=delimiter, strict=True
    )
    records: list[Record] = []
    try:
        for row, cells in enumerate(reader, 1):
            if None in cells or None in cells.values():
                raise UserError(
                    "Row {row} of {name} has more or fewer cells than the header.",
                    "Put texts that hold a separator or a line break in double quotes.",
                    row=row,
                    name=name,
                )
            records.append({key.strip().casefold(): value for key, value in cells.items()})
    except csv.Error as error:
        raise UserError(
            "{name} is not a valid table: line {line} cannot be read.",
            "Look there for a missing double quote, or save the file again as CSV.",
            name=name,
            line=reader.line_num,
        ) from error
    return records


def as_record(item: object, row: int, name: str) -> Record:
    """The item, when it is an object.

    Raises:
        UserError: it is anything else.
    """
    if isinstance(item, dict):
        return item
    raise UserError(
        "Row {row} of {name} is not an object with named fields.",
        "Write every conversation as {example}.",
        row=row,
        name=name,
        example='{"messages": [ … ]}',
    )
