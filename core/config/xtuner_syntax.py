"""The syntax of XTuner's Python configs, measured before it is parsed, never run."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from contextlib import suppress
from typing import Final, NoReturn

from core.config.document import MAX_BYTES
from core.errors import Text, UserError, text

_MAX_STATEMENT_TOKENS: Final = 4000
_MAX_BRACKETS: Final = 40


def parse(source: str, name: str) -> ast.Module:
    """The syntax tree of a config file, once it is sure that the parser can bear it.

    Raises:
        UserError: it is too large, too deep or no Python; with the line.
    """
    try:
        if len(source.encode("utf-8", "replace")) > MAX_BYTES:
            with suppress(SyntaxError, tokenize.TokenError):  # it breaks off in the middle
                _measure(source[:MAX_BYTES], name)
            refuse(
                name,
                source.count("\n", 0, MAX_BYTES) + 1,
                text("the file goes on beyond {size} KiB", size=MAX_BYTES // 2**10),
            )
        _measure(source, name)
        with warnings.catch_warnings():  # Python's opinion of a stranger's style is no news
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, tokenize.TokenError, RecursionError, MemoryError) as error:
        broken = isinstance(error, tokenize.TokenError)  # it holds its place as (line, column)
        line = error.args[1][0] if broken else getattr(error, "lineno", None) or 1
        raise UserError(
            "Line {line} of {name} is not valid Python.",
            "Choose a config file of XTuner 0.1, unchanged in its form.",
            name=name,
            line=line,
        ) from error


def _measure(source: str, name: str) -> None:
    """Refuse what would exhaust the parser, which recurses in C, before it sees the text."""
    brackets = tokens = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        tokens = 0 if token.type == tokenize.NEWLINE else tokens + 1
        if token.type == tokenize.OP:
            brackets += (token.string in "([{") - (token.string in ")]}")
        if brackets > _MAX_BRACKETS or tokens > _MAX_STATEMENT_TOKENS:
            refuse(name, token.start[0], text("it is nested too deeply or too long"))


def refuse(name: str, line: int, what: Text) -> NoReturn:
    """Raise the one error for all that is not read, with its line."""
    raise UserError(
        "Line {line} of {name}: {what}, so it is not read.",
        "Configs are read as data and never run: write the value itself there.",
        name=name,
        line=line,
        what=what,
    )
