"""A dataset: conversations in the OpenAI `messages` form, read strictly and written plainly."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal, get_args

from core.dataset_formats import Columns, Layout, detect, turns, weights
from core.dataset_text import Record, decode, parse, read
from core.errors import UserError
from core.files import write_atomic

Format = Literal["auto", Layout]
Role = Literal["system", "user", "assistant"]
Kind = Literal["persona", "contrast", "replay"]

ROLES: Final = ("system", "user", "assistant")
MAX_BYTES: Final = 64 * 2**20
MAX_ROWS: Final = 200_000

_PLACEHOLDER: Final = re.compile(r"\{\{\s*(name|author)\s*\}\}", re.IGNORECASE)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True)
class Message:
    """One turn. An answer with `learned` off is read and not learned: OpenAI's `weight` of 0."""

    role: Role
    content: str
    learned: bool = True

    def to_json(self) -> dict[str, object]:
        """As OpenAI writes it; the weight stands only where it is not the default."""
        record: dict[str, object] = {"role": self.role, "content": self.content}
        return record if self.learned else {**record, "weight": 0}


@dataclass(frozen=True)
class Row:
    """One conversation. `kind` says why it is here: what to learn, what it must not be mixed up
    with, what must stay as it is."""

    messages: tuple[Message, ...]
    kind: Kind = "persona"

    @property
    def held(self) -> bool:
        """Whether the tuned model is held to the base's own words here, rather than taught."""
        return self.kind == "replay" or self.messages[-1].role != "assistant"

    def to_json(self) -> dict[str, object]:
        """As one OpenAI record; the kind is written only where it is not the default."""
        record: dict[str, object] = {"messages": [m.to_json() for m in self.messages]}
        return record if self.kind == "persona" else {**record, "kind": self.kind}


def dumps(rows: Iterable[Row]) -> str:
    """The file's text: as `json.dump(…, ensure_ascii=False, indent=4)`, no final newline."""
    return json.dumps([row.to_json() for row in rows], ensure_ascii=False, indent=4)


def unique(rows: Sequence[Row]) -> dict[Row, int]:
    """Each different row with its number of copies, in order of first appearance."""
    return dict(Counter(rows))


def load(
    path: Path,
    format: Format = "auto",
    name: str | None = None,
    columns: Columns | None = None,
    most: int = MAX_ROWS + 1,
    left_out: list[UserError] | None = None,
) -> list[Row]:
    """Read a dataset file of any known layout (see `core.dataset_formats`), strictly.

    `name` is what errors call the file; by default its last part, never the whole path.
    `columns` says how a conversation is made of a record in the format “columns”; without it,
    the columns are known by their names. At most `most` records are used.
    With a list `left_out`, records that cannot be used are told there and passed over, as long as
    one can be used.
    Placeholders such as {{name}} are left in: see `fill_placeholders` and `check`.

    Raises:
        UserError: the file or one of its rows cannot be used; the row's number is named.
    """
    shown = name or path.name
    records = parse(decode(read(path, shown, MAX_BYTES), shown), shown)
    if not records:
        raise UserError(
            "{name} is empty.", "Choose a file with at least one conversation.", name=shown
        )
    del records[most:]
    _check_count(len(records), shown)
    layout = detect(records[0], shown) if format == "auto" else format
    rows: list[Row] = []
    faults: list[UserError] = []
    for number, record in enumerate(records, 1):
        try:
            rows += _rows_of(record, layout, columns, number, shown)
        except UserError as error:
            if left_out is None:
                raise
            faults.append(error)
    if not rows:
        raise faults[0]
    if left_out is not None:
        left_out += faults
    return rows


def _rows_of(
    record: Record, layout: Layout, columns: Columns | None, number: int, name: str
) -> list[Row]:
    rows = []
    if layout == "columns" and columns:
        talks = columns.fill(record, number, name)
    else:
        talks = [turns(record, layout, number, name)]
    for talk in talks:
        learned = weights(record, number, name) if layout == "messages" else [True] * len(talk)
        messages = tuple(
            Message(_role(role), content, on)
            for (role, content), on in zip(talk, learned, strict=True)
        )
        row = Row(messages, _kind(record.get("kind"), number, name))
        _check_row(row, number, name)
        rows.append(row)
    return rows


def save(rows: Iterable[Row], path: Path) -> None:
    """Write a dataset file that `load` reads back as the same rows.

    Raises:
        UserError: the folder cannot be written.
    """
    write_atomic(path, dumps(rows))


def check(rows: Sequence[Row], name: str = "dataset.json") -> None:
    """Raise unless the rows are ready to train: well formed, and without placeholders.

    Raises:
        UserError: the first fault, with its row's number.
    """
    if not rows:
        raise UserError("{name} is empty.", "Add at least one conversation.", name=name)
    _check_count(len(rows), name)
    for number, row in enumerate(rows, 1):
        _check_row(row, number, name)
        for message in row.messages:
            if found := _PLACEHOLDER.search(message.content):
                raise UserError(
                    "Row {row} of {name} still holds the placeholder {placeholder}.",
                    "Name the assistant and its maker, on the page or in a persona.yaml beside it.",
                    row=number,
                    name=name,
                    placeholder=found[0],
                )


def placeholders(rows: Iterable[Row]) -> tuple[str, ...]:
    """The placeholders that wait to be filled: "name", "author", both or none."""
    found = {
        match.casefold()
        for row in rows
        for m in row.messages
        for match in _PLACEHOLDER.findall(m.content)
    }
    return tuple(word for word in ("name", "author") if word in found)


def fill_placeholders(rows: Iterable[Row], persona_name: str, author: str) -> list[Row]:
    """The rows with {{name}} and {{author}} (in any letter case) replaced.

    LLaMA-Factory's and ms-swift's identity files are made of such rows.
    """
    values = {"name": persona_name, "author": author}

    def fill(message: Message) -> Message:
        filled = _PLACEHOLDER.sub(lambda match: values[match[1].casefold()], message.content)
        return replace(message, content=filled)

    return [Row(tuple(fill(m) for m in row.messages), row.kind) for row in rows]


def _check_count(count: int, name: str) -> None:
    if count > MAX_ROWS:
        raise UserError(
            "{name} has {count} rows, and a dataset may have {limit}.",
            "Leave some out.",
            name=name,
            count=count,
            limit=MAX_ROWS,
        )


def _role(role: str) -> Role:
    return next(known for known in get_args(Role) if known == role)


def _kind(kind: object, row: int, name: str) -> Kind:
    if kind is None or kind == "":
        return "persona"
    for known in get_args(Kind):
        if kind == known:
            return known  # type: ignore[no-any-return]
    raise UserError(
        "Row {row} of {name} is of the kind “{kind}”, which there is not.",
        "Use persona, contrast or replay, or leave the kind out.",
        row=row,
        name=name,
        kind=str(kind)[:40],
    )


def _check_row(row: Row, number: int, name: str) -> None:
    """A system text first if at all, then user and assistant in turns, the assistant last.

    A replay or contrast row may end with the user: the base model gives the answer.
    """
    roles = [message.role for message in row.messages]
    talk = roles[1:] if roles[:1] == ["system"] else roles
    fault: tuple[str, str] | None = None
    if "assistant" not in roles and row.kind == "persona":
        fault = (
            "Row {row} of {name} has no assistant message.",
            "Add one, or delete the row.",
        )
    elif "system" in talk:
        fault = (
            "Row {row} of {name} has a system message that is not its first and only one.",
            "Move it to the start, or delete it.",
        )
    elif not talk or talk[0] != "user":
        fault = (
            "Row {row} of {name} does not start with a user message.",
            "Add the question, or delete the messages before it.",
        )
    elif any(before == after for before, after in pairwise(talk)):
        fault = (
            "Row {row} of {name} has two messages in a row by the same speaker.",
            "Join them, or add the turn that is missing between them.",
        )
    elif talk[-1] != "assistant" and row.kind == "persona":
        fault = (
            "Row {row} of {name} does not end with an assistant message.",
            "Add the answer, or delete the last message.",
        )
    elif any(not message.content.strip() for message in row.messages):
        fault = (
            "Row {row} of {name} has an empty message.",
            "Write its text, or delete the row.",
        )
    elif any("\0" in m.content or _SURROGATE.search(m.content) for m in row.messages):
        fault = (
            "Row {row} of {name} has a character that is not text: a zero or half a symbol.",
            "Delete it, or type it again.",
        )
    if fault:
        raise UserError(*fault, row=number, name=name)
