"""The one error type that people are meant to read, and the texts that pages translate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

_LOCALE: Final = Path(__file__).parent / "locale"


@cache
def _table(language: str) -> Mapping[str, str]:
    table: dict[str, str] = {}
    for path in sorted((_LOCALE / language).glob("*.json")):
        table.update(json.loads(path.read_text(encoding="utf-8")))
    return table


def translate(template: str, language: str) -> str:
    """The template's text in `language` ("en", "zh"); the English itself where none is written."""
    return template if language == "en" else _table(language).get(template, template)


@dataclass(frozen=True)
class Text:
    """A sentence in English (`template`, str.format style) whose values fill any translation of it.

    The English sentence is the key of its translations in core/locale/<language>/*.json, so that
    code reads as prose and a test can list the sentences that still lack a translation.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def render(self, language: str = "en") -> str:
        """The sentence with its values; a value that is itself a Text is rendered too."""
        values = {
            k: v.render(language) if isinstance(v, Text) else v for k, v in self.values.items()
        }
        template = translate(self.template, language)
        return template.format(**values) if values else template

    def __str__(self) -> str:
        return self.render()

    def to_json(self) -> dict[str, Any]:
        """As plain data, for events and plans."""
        return {
            "text": self.template,
            "values": {
                k: v.to_json() if isinstance(v, Text) else v for k, v in self.values.items()
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Text:
        """The inverse of `to_json`."""
        values = {
            k: cls.from_json(v) if isinstance(v, dict) and "text" in v else v
            for k, v in data["values"].items()
        }
        return cls(data["text"], values)


def text(template: str, **values: Any) -> Text:
    """Shorthand for a Text: `text("Row {row} is empty.", row=3)`."""
    return Text(template, values)


def memory_ran_out(error: BaseException) -> bool:
    """Whether an error, or one that it was raised after, says that memory ran out.

    torch has a type of its own for a GPU and none for the processor, and is not imported here.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, MemoryError) or type(seen).__name__ == "OutOfMemoryError":
            return True
        if isinstance(seen, RuntimeError) and "can't allocate memory" in str(seen):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


class UserError(Exception):
    """A mistake that the person can mend: what is wrong and where, then what to do now.

    `problem` and `remedy` are English templates filled by `values`; `render(language)` gives both
    sentences. Every other exception is ours.
    """

    def __init__(self, problem: str, remedy: str, /, **values: Any) -> None:
        self.problem = Text(problem, values)
        self.remedy = Text(remedy, values)
        super().__init__(self.render())

    def render(self, language: str = "en") -> str:
        """Both sentences in one language."""
        return f"{self.problem.render(language)} {self.remedy.render(language)}"
