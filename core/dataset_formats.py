"""Other people's layouts, turned into plain (role, content) turns; `core.dataset` checks them.

Layouts, by the keys of a record:
messages      `messages`: [{role, content}], as OpenAI writes it
sharegpt      `conversations`: [{from, value}], human and gpt, optionally `system` beside it
conversation  `conversation`: [{system?, input, output}], XTuner's own
alpaca        `instruction`, `input`, `output`, optionally `system` and `history`
moss          `chat`: {turn_1: {Human, MOSS}, turn_2: …}, as MOSS was taught
oasst1        `text`: “### Human: … ### Assistant: …”
columns       a question and an answer under one of the names in `COLUMNS`, optionally `system`
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from core.dataset_text import Record, as_record
from core.errors import UserError

Layout = Literal["messages", "sharegpt", "conversation", "alpaca", "moss", "oasst1", "columns"]
Turn = tuple[str, str]

COLUMNS: Final = (
    ("input", "output"),
    ("question", "answer"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("query", "response"),
    ("instruction", "response"),
    ("user", "assistant"),
    ("问题", "回答"),
    ("问题", "答案"),
)
_SHAREGPT_ROLES: Final = {
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "system": "system",
}
_KEY: Final = {
    "messages": "messages",
    "sharegpt": "conversations",
    "conversation": "conversation",
    "alpaca": "instruction",
    "moss": "chat",
    "oasst1": "text",
}
_SPEAKER: Final = re.compile(r"###\s*(Human|Assistant):")
_MOSS_MARKS: Final = re.compile(r"^<\|(?:Human|MOSS)\|>:\s*|\s*<eo[hm]>\s*$")
_SLOT: Final = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Columns:
    """Conversations made of a record's fields: “{field}” in a template stands for its value.

    One conversation for each pair of `input_text` and `output_text`; `system_text` starts all of
    them, unless it is empty.
    """

    input_text: tuple[str, ...] = ("{input}",)
    output_text: tuple[str, ...] = ("{output}",)
    system_text: str = ""

    def fill(self, record: Record, row: int, name: str) -> list[list[Turn]]:
        """The record's conversations.

        Raises:
            UserError: a template names a field that the record does not have, or the numbers of
                templates differ.
        """
        if len(self.input_text) != len(self.output_text):
            raise UserError(
                "There are {inputs} templates for questions and {outputs} for answers.",
                "Give as many output_text as input_text.",
                inputs=len(self.input_text),
                outputs=len(self.output_text),
            )

        def filled(template: str) -> str:
            def value(slot: re.Match[str]) -> str:
                # The header of a table is read in small letters.
                column = slot[1] if slot[1] in record else slot[1].casefold()
                if column not in record:
                    raise UserError(
                        "Row {row} of {name} has no column “{column}”.",
                        "Its columns are {columns}: change the template or the file.",
                        row=row,
                        name=name,
                        column=slot[1],
                        columns=", ".join(str(key)[:40] for key in list(record)[:12]),
                    )
                return _text(record[column], row, name)

            return _SLOT.sub(value, template)

        system = _system({"system": filled(self.system_text)}, row, name)
        return [
            system + _pair(filled(asked), filled(answered), row, name)
            for asked, answered in zip(self.input_text, self.output_text, strict=True)
        ]


def detect(record: Record, name: str) -> Layout:
    """The layout of a file by its first record.

    Raises:
        UserError: its keys belong to none.
    """
    if "messages" in record:
        return "messages"
    if "conversations" in record:
        return "sharegpt"
    if "conversation" in record:
        return "conversation"
    if "instruction" in record and "output" in record:
        return "alpaca"
    if isinstance(record.get("chat"), dict):
        return "moss"
    if isinstance(record.get("text"), str) and _SPEAKER.search(record["text"]):
        return "oasst1"
    if _columns(record):
        return "columns"
    raise UserError(
        "Row 1 of {name} has the fields {fields}, which are no known layout.",
        "Name them messages, conversations, instruction and output, or question and answer.",
        name=name,
        fields=", ".join(str(key)[:40] for key in list(record)[:8]) or "–",
    )


def weights(record: Record, row: int, name: str) -> list[bool]:
    """Whether each of an OpenAI record's messages is learned: not where its `weight` is 0.

    Raises:
        UserError: a weight is neither 0 nor 1.
    """
    found = []
    for item in _items(record, "messages", row, name):
        weight = as_record(item, row, name).get("weight")
        if weight not in (None, 0, 1):
            raise UserError(
                "Row {row} of {name} has a message whose weight is “{weight}”.",
                "Use 1 for an answer that is learned, 0 for one that is only read.",
                row=row,
                name=name,
                weight=str(weight)[:40],
            )
        found.append(weight != 0)
    return found


def _columns(record: Record) -> tuple[str, str] | None:
    return next((pair for pair in COLUMNS if pair[0] in record and pair[1] in record), None)


def turns(record: Record, layout: Layout, row: int, name: str) -> list[Turn]:
    """One record's turns, with roles named the OpenAI way; their order is not checked here.

    Raises:
        UserError: the record is not of this layout.
    """
    key = _KEY.get(layout)
    if (key is not None and key not in record) or (key is None and not _columns(record)):
        raise UserError(
            "Row {row} of {name} lacks the field “{field}” of the layout {layout}.",
            "Choose another format, or give every row this field.",
            row=row,
            name=name,
            field=key or "question",
            layout=layout,
        )
    asked: object
    match layout:
        case "messages":
            return [
                _turn(m, "role", "content", row, name)
                for m in _items(record, "messages", row, name)
            ]
        case "sharegpt":
            items = _items(record, "conversations", row, name)
            # Some files call the list so, and write its entries the OpenAI way.
            plain = bool(items) and isinstance(items[0], dict) and "role" in items[0]
            role, content = ("role", "content") if plain else ("from", "value")
            talk = [_turn(m, role, content, row, name) for m in items]
            return _system(record, row, name) + talk
        case "conversation":
            talk = []
            for item in _items(record, "conversation", row, name):
                entry = as_record(item, row, name)
                talk += _system(entry, row, name) + _pair(
                    entry.get("input"), entry.get("output"), row, name
                )
            return talk
        case "alpaca":
            asked, more = record.get("instruction"), record.get("input")
            if isinstance(asked, str) and isinstance(more, str) and more.strip():
                asked = f"{asked}\n{more}" if asked.strip() else more
            past: list[Turn] = []
            for item in _items(record, "history", row, name) if record.get("history") else []:
                both = item if isinstance(item, list) and len(item) == 2 else [None, None]
                past += _pair(both[0], both[1], row, name)
            # Alpaca's files say so where there is nothing to learn.
            answer = "" if record.get("output") == "<nooutput>" else record.get("output")
            return _system(record, row, name) + past + _pair(asked, answer, row, name)
        case "moss":
            chat = as_record(record["chat"], row, name)
            talk = []
            for item in chat.values():
                entry = as_record(item, row, name)
                asked, answered = (
                    _MOSS_MARKS.sub("", _text(entry.get(who), row, name))
                    for who in ("Human", "MOSS")
                )
                talk += _pair(asked, answered, row, name)
            return talk
        case "oasst1":
            _, *parts = _SPEAKER.split(_text(record["text"], row, name))
            talk = [
                ("user" if who == "Human" else "assistant", said.strip())
                for who, said in zip(parts[::2], parts[1::2], strict=True)
            ]
            # These files are full of last questions that nobody answered.
            return talk[:-1] if len(talk) > 1 and talk[-1][0] == "user" else talk
        case "columns":
            question, answer = _columns(record) or ("", "")
            return _system(record, row, name) + _pair(record[question], record[answer], row, name)


def _items(record: Record, key: str, row: int, name: str) -> list[object]:
    value = record[key]
    if isinstance(value, list):
        return value
    raise UserError(
        "Row {row} of {name}: “{field}” is not a list.",
        "Write it as [ …, … ].",
        row=row,
        name=name,
        field=key,
    )


def _turn(item: object, role_key: str, content_key: str, row: int, name: str) -> Turn:
    entry = as_record(item, row, name)
    role = entry.get(role_key)
    if not isinstance(role, str) or not role.strip():
        raise UserError(
            "Row {row} of {name} has a message without “{field}”.",
            "Say of each message who speaks: system, user or assistant.",
            row=row,
            name=name,
            field=role_key,
        )
    spoken = role.strip().casefold()
    known = (
        _SHAREGPT_ROLES if role_key == "from" else {r: r for r in ("system", "user", "assistant")}
    )
    if spoken not in known:
        raise UserError(
            "Row {row} of {name} has a message by “{role}”, an unknown role.",
            "Use {roles}, or delete the message.",
            row=row,
            name=name,
            role=role[:40],
            roles=", ".join(known),
        )
    return known[spoken], _text(entry.get(content_key), row, name)


def _pair(asked: object, answered: object, row: int, name: str) -> list[Turn]:
    return [("user", _text(asked, row, name)), ("assistant", _text(answered, row, name))]


def _system(record: Record, row: int, name: str) -> list[Turn]:
    value = record.get("system")
    given = value is not None and value != ""
    return [("system", _text(value, row, name))] if given else []


def _text(value: object, row: int, name: str) -> str:
    """A message's text; None is an empty one, and a list of text parts is joined."""
    if isinstance(value, list) and all(
        isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
        for part in value
    ):
        return "".join(part["text"] for part in value)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    raise UserError(
        "Row {row} of {name} has a message that is not text.",
        "Put its content in quotes; pictures and tool calls cannot be learned here.",
        row=row,
        name=name,
    )
