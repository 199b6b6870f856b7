"""What changed between two configs: by key, and as the text diff that a person reads."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from core.config.fields import Value, fields, value_of
from core.config.schema import Config


@dataclass(frozen=True)
class Change:
    """One key whose value differs."""

    part: str
    key: str
    before: Value
    after: Value


def changes(before: Config, after: Config) -> list[Change]:
    """Every key whose value differs, in the order of the parts."""
    return [
        Change(part, key, value_of(before, part, key), value_of(after, part, key))
        for part, key in fields()
        if value_of(before, part, key) != value_of(after, part, key)
    ]


def text_diff(before: str, after: str, *, names: tuple[str, str] = ("before", "after")) -> str:
    """The unified diff of two YAML texts; empty when they are equal."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")
    return "".join(f"{line}\n" for line in lines)
