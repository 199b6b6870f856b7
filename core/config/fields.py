"""Every field of the config as plain data, for forms, comments and error sentences."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from core.config.schema import PARTS, Config
from core.config.titles import TITLES
from core.errors import Text, text

Kind = Literal[
    "whole number", "number", "switch", "text", "choice", "texts", "two numbers", "numbers"
]
Value = str | int | float | bool | tuple[str, ...] | tuple[float, ...]

_KINDS: Final[dict[str, Kind]] = {
    "integer": "whole number",
    "number": "number",
    "boolean": "switch",
    "string": "text",
}


@dataclass(frozen=True)
class Field:
    """One key of one part: its kind, default, title in the form, help and bounds.

    `low` and `high` bound numbers, the length of a text, or the number of texts; `above` and
    `below` say that the bound itself is not allowed. `open`: the name of a .json file may stand
    there instead of one of the choices.
    """

    part: str
    key: str
    kind: Kind
    default: Value
    title: Text
    help: Text
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False
    open: bool = False

    @property
    def expects(self) -> Text:
        """What to write there, as an order."""
        if self.kind == "choice" and self.open:
            return text(
                "Write one of: {choices}; or the name of a .json file.",
                choices=", ".join(self.choices),
            )
        if self.kind == "choice":
            return text("Write one of: {choices}.", choices=", ".join(self.choices))
        if self.kind == "switch":
            return text("Write true or false.")
        if self.kind == "two numbers":
            return text("Write two numbers from 0 to below 1, for example [0.9, 0.999].")
        if self.kind == "numbers":
            return text("Write a list of numbers from 0 to 255, for example [0, 1].")
        if self.kind == "texts":
            return text(
                "Write a list of at most {count} texts of at most {length} characters each.",
                count=f"{self.high:g}",
                length=_item(self.part, self.key).get("maxLength"),
            )
        if self.kind == "text" and self.low:
            return text("Write a text of 1 to {high} characters.", high=f"{self.high:.0f}")
        if self.kind == "text":
            return text("Write a text of at most {high} characters.", high=f"{self.high:.0f}")
        if self.kind == "whole number":
            return text(
                "Write a whole number from {low} to {high}.",
                low=f"{self.low:.0f}",
                high=f"{self.high:.0f}",
            )
        low, high = f"{self.low:g}", f"{self.high:g}"
        if self.above:
            return text("Write a number above {low} and at most {high}.", low=low, high=high)
        if self.below:
            return text("Write a number from {low} to below {high}.", low=low, high=high)
        return text("Write a number from {low} to {high}.", low=low, high=high)


@cache
def fields() -> dict[tuple[str, str], Field]:
    """All fields by part and key, in the order of the parts."""
    return {
        (part, key): _field(part, key, schema)
        for part in PARTS
        for key, schema in _properties(part).items()
    }


def value_of(config: Config, part: str, key: str) -> Value:
    """The value that a config has there. KeyError for an unknown part or key."""
    value: Value = getattr(getattr(config, part), fields()[part, key].key)
    return value


@cache
def _properties(part: str) -> dict[str, Any]:
    schema: dict[str, Any] = type(getattr(Config(), part)).model_json_schema()["properties"]
    return schema


def _item(part: str, key: str) -> dict[str, Any]:
    item: dict[str, Any] = _properties(part)[key].get("items", {})
    return item


def _field(part: str, key: str, schema: dict[str, Any]) -> Field:
    choices = tuple(schema.get("enum", schema.get("examples", ())))
    choices = choices or ((schema["const"],) if "const" in schema else ())
    kind: Kind
    if choices:
        kind = "choice"
    elif schema["type"] == "array":
        of_numbers = schema.get("items", {}).get("type") == "integer"
        kind = "two numbers" if "prefixItems" in schema else "numbers" if of_numbers else "texts"
    else:
        kind = _KINDS[schema["type"]]
    lows = [
        schema[k] for k in ("minimum", "exclusiveMinimum", "minLength", "minItems") if k in schema
    ]
    highs = [
        schema[k] for k in ("maximum", "exclusiveMaximum", "maxLength", "maxItems") if k in schema
    ]
    return Field(
        part=part,
        key=key,
        kind=kind,
        default=getattr(getattr(Config(), part), key),
        title=TITLES.get(key, text(key)),
        help=text(schema["description"]),
        choices=choices,
        low=lows[0] if lows else None,
        high=highs[0] if highs else None,
        above="exclusiveMinimum" in schema,
        below="exclusiveMaximum" in schema,
        open="examples" in schema,
    )
