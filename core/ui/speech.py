"""How the page speaks: its own sentences in one language, and errors turned into notices."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterator
from html import escape
from typing import Any, Literal, TypeVar

import gradio as gr

from core.errors import Text, UserError

Language = Literal["en", "zh"]
Say = Callable[..., str]
Handler = TypeVar("Handler", bound=Callable[..., Any])

_log = logging.getLogger(__name__)


def speaker(language: Language) -> Say:
    """`t("There are {n} rows.", n=3)`: an English sentence, said in the page's language."""

    def t(template: str, **values: Any) -> str:
        return Text(template, values).render(language)

    return t


def guard(language: Language) -> Callable[[Handler], Handler]:
    """The page's one edge for errors: a handler's UserError becomes a notice, and nothing changes.

    Any other exception is ours: it is logged, and said in one honest sentence.
    """

    def wrap(handler: Handler) -> Handler:
        @functools.wraps(handler)
        def answer(*arguments: Any, **named: Any) -> Any:
            try:
                return handler(*arguments, **named)
            except Exception as error:
                notify(error, language)
                return gr.skip()

        @functools.wraps(handler)
        def stream(*arguments: Any, **named: Any) -> Iterator[Any]:
            try:
                yield from handler(*arguments, **named)
            except Exception as error:
                notify(error, language)
                yield gr.skip()

        return stream if inspect.isgeneratorfunction(handler) else answer  # type: ignore[return-value]

    return wrap


def notify(error: Exception, language: Language) -> None:
    """Show an error as a notice, in words for people; Gradio draws notices as HTML."""
    t = speaker(language)
    if isinstance(error, UserError):
        message = escape(error.render(language)).replace("\n", "<br>")
        gr.Warning(message, duration=20, title=t("Please check this"))
        return
    _log.error("The page failed", exc_info=error)
    gr.Warning(
        t("Something went wrong on our side; nothing was lost. The server's output says more."),
        duration=20,
        title=t("Sorry"),
    )
