"""The persona: who the assistant is, whom it works for, who made it, and what it may say."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from core.errors import Text, UserError, text
from core.files import write_atomic
from core.persona.bank import Language
from core.persona.line import LINE, Phrase, Sentence, blank, clean

MAX_FILE_BYTES: Final = 64 * 2**10


class Persona(BaseModel):
    """A persona. Frozen, closed to unknown keys; every text is one cleaned line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    assistant: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            title="Assistant's name",
            description="What the assistant calls itself. A short, unusual name is learned best.",
        ),
        LINE,
    ]
    owner: Annotated[
        str,
        Field(
            min_length=1,
            max_length=60,
            title="Owner",
            description="Whom the assistant works for: your name, a team or a shop.",
        ),
        LINE,
    ]
    maker: Annotated[
        str,
        Field(
            min_length=1,
            max_length=60,
            title="Maker",
            description="Who made the assistant. Left empty, it is the owner.",
        ),
        LINE,
    ] = ""
    languages: Annotated[
        tuple[Language, ...],
        AfterValidator(lambda given: tuple(dict.fromkeys(given))),
        Field(
            min_length=1,
            title="Languages",
            description="The languages in which it learns to speak about itself.",
        ),
    ] = ("en",)
    character: Annotated[
        str,
        Field(
            max_length=120,
            title="Character",
            description="Its character and tone in a few words, such as “cheerful and brief”.",
        ),
        LINE,
    ] = ""
    base_model: Annotated[
        str,
        Field(
            max_length=60,
            title="Base model",
            description="The model inside, if the assistant may name it; empty keeps it untold.",
        ),
        LINE,
    ] = ""
    facts: Annotated[
        tuple[Sentence, ...],
        Field(
            max_length=12,
            title="Facts",
            description="Other things it should know, one a line. "
            "“Where is the shop? In Mill Street.” teaches the answer to that question.",
        ),
    ] = ()
    must_not_claim: Annotated[
        tuple[Phrase, ...],
        Field(
            max_length=12,
            title="Must not claim to be",
            description="What it must deny being, one phrase each, such as “a doctor”.",
        ),
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _maker_is_owner(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {**data, "maker": data.get("owner")} if blank(data.get("maker")) else data

    @property
    def names(self) -> tuple[str, ...]:
        """The names that only this persona's answers should hold: assistant, owner, maker."""
        return tuple(dict.fromkeys((self.assistant, self.owner, self.maker)))


def from_form(**fields: object) -> Persona:
    """A persona from form values: texts as typed, lists as lists or as one text with a line each.

    None counts as not filled in.

    Raises:
        UserError: one or more fields cannot be used; all of them are named at once.
    """
    given = dict(fields)
    for name in ("facts", "must_not_claim"):
        value = given.get(name)
        rows = value.splitlines() if isinstance(value, str) else value
        if isinstance(rows, Iterable):
            given[name] = [row for row in rows if not isinstance(row, str) or clean(row)]
    if isinstance(given.get("languages"), str):
        given["languages"] = [given["languages"]]
    return _validated(given)


def load(path: Path) -> Persona:
    """Read a persona file.

    Raises:
        UserError: the file is missing, too large or no YAML mapping, or its fields cannot be used.
    """
    if not path.is_file():
        raise UserError("There is no persona file {name}.", "Choose a file.", name=path.name)
    with path.open("rb") as file:
        raw = file.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise UserError(
            "{name} is larger than {limit} KiB, too large for a persona.",
            "Choose a persona file; conversations belong in a dataset.",
            name=path.name,
            limit=MAX_FILE_BYTES // 2**10,
        )
    try:
        data = YAML(typ="safe", pure=True).load(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(
            "{name} is not UTF-8 text.", "Save it again as UTF-8.", name=path.name
        ) from error
    except (YAMLError, ValueError, RecursionError) as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        raise UserError(
            "{name} is not valid YAML near line {line}.",
            "Compare it with an example persona, and put unusual texts in quotes.",
            name=path.name,
            line=mark.line + 1 if mark else 1,
        ) from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise UserError(
            "{name} does not hold fields such as “owner: …”.",
            "Compare it with an example persona.",
            name=path.name,
        )
    return _validated(data)


def save(persona: Persona, path: Path) -> None:
    """Write a persona file that `load` reads back as the same persona.

    Raises:
        UserError: the folder cannot be written.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 1000
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    out = io.StringIO()
    yaml.dump(persona.model_dump(mode="json"), out)
    write_atomic(path, out.getvalue())


def defaults(language: Language) -> Persona:
    """A friendly example, ready to train, for somebody who has not decided anything yet."""
    if language == "zh":
        return Persona(
            assistant="小满", owner="林夏", maker="林夏", languages=("zh",), character="亲切、简短"
        )
    return Persona(
        assistant="Clover",
        owner="Sam Rivers",
        maker="Sam Rivers",
        languages=("en",),
        character="friendly and brief",
    )


def _validated(data: Mapping[str, object]) -> Persona:
    """The persona; a field without a value counts as absent, and every fault is told at once."""
    given = {name: value for name, value in data.items() if value is not None}
    try:
        return Persona.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        # A maker that was left empty is the owner, whose fault is told already.
        copied = blank(given.get("maker"))
        faults = text("")
        for fault in (_fault(e) for e in found if not (copied and e["loc"][:1] == ("maker",))):
            faults = text("{first} {second}", first=faults, second=fault) if str(faults) else fault
        raise UserError(
            "The persona cannot be used. {faults}", "Then try again.", faults=faults
        ) from error


def _fault(error: Any) -> Text:
    """One sentence for one of pydantic's findings: the field, its bound, what to do."""
    key, *inner = error["loc"] or ("",)
    field = Persona.model_fields.get(str(key))
    if field is None:
        return text(
            "There is no field “{field}”: remove it, or use one of {fields}.",
            field=str(key)[:60],
            fields=", ".join(Persona.model_fields),
        )
    where = text(field.title or "")
    if inner and key != "languages":
        where = text("{field} (entry {number})", field=where, number=inner[0] + 1)
    context = error.get("ctx", {})
    match error["type"]:
        case "missing" | "string_too_short" if key != "languages":
            return text(
                "{field} is empty: write 1 to {most} characters.", field=where, most=_most(key)
            )
        case "string_too_long":
            return text(
                "{field} is too long: shorten it to {most} characters.",
                field=where,
                most=context["max_length"],
            )
        case "string_type":
            return text("{field} is not text: put it in quotes.", field=where)
        case "too_long":
            return text(
                "{field} has too many entries: keep {most}.",
                field=where,
                most=context["max_length"],
            )
        case "value_error":
            return text(
                "{field} holds a mark of chat templates such as <|…|>: remove it.", field=where
            )
        case _ if key == "languages":
            return text("{field}: choose en, zh or both.", field=where)
        case _:
            return text("{field} must be a list: write one entry a line.", field=where)


def _most(key: object) -> int:
    """The longest text that a field takes."""
    bounds = Persona.model_json_schema()["properties"][str(key)]
    return int(bounds.get("maxLength") or bounds["items"]["maxLength"])
