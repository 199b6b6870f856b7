"""One line of text as the persona keeps it: visible, composed, and free of tricks."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

# Joiners hold emoji and some scripts together; every other format character (bidirectional marks
# and overrides, zero-width spaces) can make a name look like another one.
_JOINERS: Final = "\u200c\u200d"
_TEMPLATE_MARK: Final = re.compile(r"<\|.*?\|>|</?s>|\[/?INST\]")


def clean(value: str) -> str:
    """One visible line: composed letters, single spaces, no control or bidirectional characters."""
    spaced = " ".join(unicodedata.normalize("NFC", value).split())
    kept = (c for c in spaced if c in _JOINERS or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))
    return " ".join("".join(kept).split()).strip(" " + _JOINERS)


def _one_line(value: object) -> object:
    if not isinstance(value, str):
        return value
    cleaned = clean(value)
    if _TEMPLATE_MARK.search(cleaned):
        raise ValueError("template mark")
    return cleaned


def blank(value: object) -> bool:
    """Whether a field was left without a value."""
    return value is None or (isinstance(value, str) and not clean(value))


LINE: Final = BeforeValidator(_one_line)
Sentence = Annotated[str, Field(min_length=1, max_length=200), LINE]
Phrase = Annotated[str, Field(min_length=1, max_length=60), LINE]
