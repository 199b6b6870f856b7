"""Conversations as token ids: one implementation for the plan, training, scoring, chat and merge.

It needs only `tokenizers` and the model's own Jinja template, so that the page can count tokens
and show what is learned without loading torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

from core.dataset import Message
from core.errors import UserError
from core.templates import NAMED, Template


@dataclass(frozen=True)
class Encoded:
    """Token ids of a conversation and which of them are learned (predicted in the loss)."""

    ids: tuple[int, ...]
    learned: tuple[bool, ...]

    def cut(self, length: int) -> Encoded:
        """The first `length` tokens."""
        return Encoded(self.ids[:length], self.learned[:length])


class ChatTokenizer:
    """A model folder's tokenizer together with the prompt template that the run is locked to."""

    def __init__(
        self, tokenizer: Tokenizer, special: Mapping[str, str], source: str | Template
    ) -> None:
        self.tokenizer = tokenizer
        self.source = source
        self._special = special
        self._jinja = None if isinstance(source, Template) else _compile(source)
        eos = special.get("eos_token", "")
        ends = [eos, *source.stop] if isinstance(source, Template) else [eos]
        found = (tokenizer.token_to_id(end) for end in ends if end)
        self.stop_ids = tuple(dict.fromkeys(i for i in found if i is not None))

    @classmethod
    def load(cls, folder: Path, prompt_template: str = "auto") -> ChatTokenizer:
        """Read tokenizer.json and the chat template of a model folder.

        Raises:
            UserError: a file is missing, or the template name is unknown.
        """
        return _load(folder, prompt_template, _stamp(folder))

    def render(self, messages: Sequence[Message], *, answer_next: bool = False) -> str:
        """The conversation as text; `answer_next` ends it where the assistant would begin."""
        if isinstance(self.source, Template):
            return self.source.render(messages, answer_next=answer_next)
        assert self._jinja is not None
        try:
            return str(
                self._jinja.render(
                    messages=[{"role": m.role, "content": m.content} for m in messages],
                    add_generation_prompt=answer_next,
                    **self._special,
                )
            )
        except TemplateError as error:
            raise UserError(
                "The model's prompt template refuses this conversation: {reason}.",
                "Choose another prompt_template, or change the conversation.",
                reason=error,
            ) from error

    def prompt(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Ids up to where the assistant answers; the same pieces as in training."""
        encoded = self.encode(messages, answer_next=True)
        return encoded.ids

    def encode(self, messages: Sequence[Message], *, answer_next: bool = False) -> Encoded:
        """Ids of a conversation; learned are the assistant's words and the end of its turn.

        Each assistant turn starts a new piece of text, because a chat asks the model to go on
        from exactly there.

        Raises:
            UserError: the template rewrites earlier turns, so that what is learned is not clear.
        """
        ids: list[int] = []
        learned: list[bool] = []
        done = ""
        for i, message in enumerate(messages):
            if message.role != "assistant":
                continue
            before = self.render(messages[:i], answer_next=True)
            after = self.render(messages[: i + 1])
            if not (before.startswith(done) and after.startswith(before)):
                raise UserError(
                    "The model's prompt template rewrites earlier turns of a conversation.",
                    "Set prompt_template to a named one, or use single-turn conversations.",
                )
            asked = self._ids(before[len(done) :])
            answered, tail = self._split_end(after[len(before) :])
            ids += asked + answered + tail
            learned += [False] * len(asked) + [True] * len(answered) + [False] * len(tail)
            done = after
        rest = self.render(messages, answer_next=answer_next)
        if len(rest) > len(done):
            asked = self._ids(rest[len(done) :])
            ids += asked
            learned += [False] * len(asked)
        return Encoded(tuple(ids), tuple(learned))

    def decode(self, ids: Sequence[int], *, special: bool = False) -> str:
        """Text of ids; without the special tokens unless asked for."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=not special))

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids) if text else []

    def _split_end(self, text: str) -> tuple[list[int], list[int]]:
        """An answer's ids up to and with its first stop token, and what the template adds after."""
        ids = self._ids(text)
        for i, token in enumerate(ids):
            if token in self.stop_ids:
                return ids[: i + 1], ids[i + 1 :]
        return ids, []


def _stamp(folder: Path) -> tuple[float, ...]:
    names = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
    return tuple((folder / n).stat().st_mtime if (folder / n).exists() else 0 for n in names)


@lru_cache(maxsize=8)
def _load(folder: Path, prompt_template: str, stamp: tuple[float, ...]) -> ChatTokenizer:
    file = folder / "tokenizer.json"
    if not file.exists():
        raise UserError(
            "The model folder {folder} has no tokenizer.json.",
            "Choose a folder that holds a whole model.",
            folder=folder.name,
        )
    settings = _json(folder / "tokenizer_config.json")
    special = {}
    for key in ("bos_token", "eos_token", "unk_token", "pad_token"):
        value = settings.get(key)
        special[key] = value.get("content", "") if isinstance(value, dict) else value or ""
    if prompt_template != "auto":
        if prompt_template not in NAMED:
            raise UserError(
                "There is no prompt template named “{name}”.",
                "Use auto, or one of: {names}.",
                name=prompt_template,
                names=", ".join(NAMED),
            )
        named = NAMED[prompt_template]
        # A template without an end mark ends its answers with the tokenizer's own.
        named = named if named.suffix else replace(named, suffix=special["eos_token"])
        return ChatTokenizer(Tokenizer.from_file(str(file)), special, named)
    jinja = folder / "chat_template.jinja"
    source = jinja.read_text("utf-8") if jinja.exists() else settings.get("chat_template")
    if not isinstance(source, str) or not source.strip():
        raise UserError(
            "The model in {folder} brings no prompt template.",
            "It is probably a base model: choose a chat model, or set prompt_template.",
            folder=folder.name,
        )
    return ChatTokenizer(Tokenizer.from_file(str(file)), special, source)


def _compile(source: str) -> Any:
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.filters["tojson"] = lambda x, **_: json.dumps(x, ensure_ascii=False)
    environment.globals["raise_exception"] = _raise
    try:
        return environment.from_string(source)
    except TemplateError as error:
        raise UserError(
            "The model's prompt template is broken: {reason}.",
            "Choose another model, or set prompt_template to a named one.",
            reason=error,
        ) from error


def _raise(message: str) -> None:
    raise TemplateError(message)


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text("utf-8")) if path.exists() else {}
