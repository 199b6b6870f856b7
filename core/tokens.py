"""Conversations as token ids: one implementation for the plan, training, scoring, chat and merge.

It needs only `tokenizers` and the prompt template, so that the page can count tokens and show what
is learned without loading torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

from tokenizers import Tokenizer

from core.dataset import Message
from core.errors import UserError
from core.model_folder import read_json
from core.render import Renderer
from core.templates import NAMED

_THINK: Final = "<think>"
_THOUGHT: Final = "\n\n</think>\n\n"
_PROBE: Final = (Message("user", "Hello"), Message("assistant", "Yes"))
_MOST_BYTES: Final = 2**28


@dataclass(frozen=True)
class Encoded:
    """Token ids of a conversation and which of them are learned (predicted in the loss)."""

    ids: tuple[int, ...]
    learned: tuple[bool, ...]

    def cut(self, length: int) -> Encoded:
        """The first `length` tokens."""
        return Encoded(self.ids[:length], self.learned[:length])


class ChatTokenizer:
    """A model folder's tokenizer together with the prompt template that the run is locked to.

    `source` is the template in Jinja, whether the model's own or a named one.
    """

    def __init__(
        self, tokenizer: Tokenizer, special: Mapping[str, str], source: str, ends: Sequence[int]
    ) -> None:
        self.tokenizer = tokenizer
        self.source = source
        self._renderer = Renderer(source, special)
        self._ends = tuple(ends)

    @classmethod
    def load(cls, folder: Path, prompt_template: str = "auto") -> ChatTokenizer:
        """Read tokenizer.json and the chat template of a model folder.

        Raises:
            UserError: a file is missing or broken, or the template name is unknown.
        """
        return _load(folder, prompt_template, _stamp(folder))

    @cached_property
    def stop_ids(self) -> tuple[int, ...]:
        """Ids that end an answer: what the template puts after one, then the model's others."""
        before, after = self._renderer.render([(_PROBE[:1], True), (_PROBE, False)])
        answer = after[len(_common(before, after)) :]
        known = self.tokenizer.get_added_tokens_decoder()
        tail = self._ids(answer.rpartition(_PROBE[1].content)[2])
        own = [i for i in tail if i in known and known[i].special][:1]
        return tuple(dict.fromkeys([*own, *self._ends]))

    def render(self, messages: Sequence[Message], *, answer_next: bool = False) -> str:
        """The conversation as text; `answer_next` ends it where the assistant would begin.

        A model that thinks before it answers is given an empty thought.
        """
        return _thought(self._renderer.render([(messages, answer_next)])[0], answer_next)

    def opens_a_thought(self, messages: Sequence[Message]) -> bool:
        """Whether the template ends a prompt inside a thought, which is then ended here."""
        text = self._renderer.render([(messages, True)])[0]
        return _thought(text, True) != text

    def prompt(self, messages: Sequence[Message]) -> tuple[int, ...]:
        """Ids up to where the assistant answers; the same as in training."""
        return tuple(self._ids(self.render(messages, answer_next=True)))

    def samples(self, messages: Sequence[Message]) -> list[tuple[tuple[Message, ...], Encoded]]:
        """A conversation as it is learned: what each sample ends with, and its ids.

        One sample where the template only ever adds to what it wrote. Where it rewrites earlier
        turns (it drops their thoughts, or moves the system text), one for each answer, in the
        words in which a chat would ask for that answer.
        """
        asked, answered = self._turns(messages)
        learned = [m.learned for m in messages if m.role == "assistant"]
        done = ""
        for before, after in zip(asked, answered, strict=True):
            if not (before.startswith(done) and after.startswith(before)):
                break
            done = after
        else:
            spans = [
                (len(b), len(a)) for b, a, on in zip(asked, answered, learned, strict=True) if on
            ]
            return [(tuple(messages), self._mark(done, spans))]
        ends = [i + 1 for i, m in enumerate(messages) if m.role == "assistant"]
        return [
            (tuple(messages[:end]), self._mark(_joined(b, a), [(len(b), len(_joined(b, a)))]))
            for end, b, a, on in zip(ends, asked, answered, learned, strict=True)
            if on
        ]

    def encode(self, messages: Sequence[Message]) -> Encoded:
        """Ids of a conversation, whose answers and their end marks are learned unless switched off.

        Raises:
            UserError: the template rewrites earlier turns, so that these ids are not one text.
        """
        found = self.samples(messages)
        if len(found) > 1:
            raise UserError(
                "The model's prompt template rewrites earlier turns of a conversation.",
                "Set prompt_template to a named one, or use single-turn conversations.",
            )
        return found[0][1]

    def decode(self, ids: Sequence[int], *, special: bool = False) -> str:
        """Text of ids; without the special tokens unless asked for."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=not special))

    def _turns(self, messages: Sequence[Message]) -> tuple[list[str], list[str]]:
        """For each answer: the text that asks for it, and the text that ends with it."""
        wanted: list[tuple[Sequence[Message], bool]] = []
        for i, message in enumerate(messages):
            if message.role == "assistant":
                wanted += [(messages[:i], True), (messages[: i + 1], False)]
        texts = self._renderer.render(wanted)
        return [_thought(text, True) for text in texts[0::2]], texts[1::2]

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids) if text else []

    def _mark(self, text: str, spans: Sequence[tuple[int, int]]) -> Encoded:
        """Ids of a text; learned are its spans of characters, each to its first stop token.

        A token may not reach over a span's beginning: a chat asks the model to go on from exactly
        there. Where one would, the text is cut in two there.
        """
        ids: list[int] = []
        learned: list[bool] = []
        starts = [0]
        for begin, _ in spans:
            head = text[starts[-1] : begin]
            whole = self.tokenizer.encode(text[starts[-1] :], add_special_tokens=False)
            if whole.ids[: len(self._ids(head))] != self._ids(head):
                starts.append(begin)
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            piece = self.tokenizer.encode(text[start:end], add_special_tokens=False)
            ids += piece.ids
            inside = [(a - start, b - start) for a, b in spans if start <= a < end]
            learned += self._learned(piece.ids, piece.offsets, text[start:end], inside)
        if learned and learned[-1] and ids[-1] not in self.stop_ids:
            # A template that marks only beginnings: without this, no answer would ever end.
            ids += self.stop_ids[:1]
            learned += [True] * len(self.stop_ids[:1])
        return Encoded(tuple(ids), tuple(learned))

    def _learned(
        self,
        ids: Sequence[int],
        offsets: Sequence[tuple[int, int]],
        text: str,
        spans: Sequence[tuple[int, int]],
    ) -> list[bool]:
        marks = [False] * len(ids)
        for begin, end in spans:
            first = len(self._ids(text[:begin]))
            for i in range(first, len(ids)):
                over = offsets[i][0] >= end
                # What begins the next turn may be what ends this one.
                marks[i] = not over or ids[i] in self.stop_ids
                if over or ids[i] in self.stop_ids:
                    break
        return marks


def _thought(text: str, answer_next: bool) -> str:
    """A prompt that ends inside a thought, with the thought ended: it is to answer at once."""
    if answer_next and text.rstrip().endswith(_THINK):
        return text.rstrip() + _THOUGHT
    return text


def _common(before: str, after: str) -> str:
    """What two texts begin with alike, up to a thought that only the first one holds."""
    return before if after.startswith(before) else before.partition(_THINK)[0]


def _joined(before: str, after: str) -> str:
    """A prompt and its answer, the latter taken from a text that writes the prompt otherwise."""
    shared = _common(before, after)
    if not after.startswith(shared):
        raise UserError(
            "The model's prompt template writes a question otherwise once it is answered.",
            "Set prompt_template to a named one.",
        )
    return before + after[len(shared) :]


def _stamp(folder: Path) -> tuple[float, ...]:
    names = (
        *("tokenizer.json", "tokenizer_config.json"),
        *("chat_template.jinja", "generation_config.json"),
    )
    return tuple((folder / n).stat().st_mtime if (folder / n).exists() else 0 for n in names)


@lru_cache(maxsize=8)
def _load(folder: Path, prompt_template: str, stamp: tuple[float, ...]) -> ChatTokenizer:
    tokenizer = _tokenizer(folder)
    settings = read_json(folder / "tokenizer_config.json")
    special = {}
    for key in ("bos_token", "eos_token", "unk_token", "pad_token"):
        value = settings.get(key)
        value = value.get("content") if isinstance(value, dict) else value
        special[key] = value if isinstance(value, str) else ""
    ends = [tokenizer.token_to_id(special["eos_token"])] if special["eos_token"] else []
    own = read_json(folder / "generation_config.json").get("eos_token_id")
    ends += [i for i in (own if isinstance(own, list) else [own]) if isinstance(i, int)]
    if prompt_template == "auto":
        return ChatTokenizer(tokenizer, special, _own_template(folder, settings), _ids(ends))
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
    bos = tokenizer.token_to_id(special["bos_token"]) if special["bos_token"] else None
    first = tokenizer.encode("").ids[:1]
    source = named.jinja(bos=bos is not None and first == [bos])
    stops = [tokenizer.token_to_id(text) for text in named.stop]
    return ChatTokenizer(tokenizer, special, source, _ids([*stops, *ends]))


def _ids(found: Sequence[int | None]) -> list[int]:
    return [i for i in found if i is not None]


def _tokenizer(folder: Path) -> Tokenizer:
    file = folder / "tokenizer.json"
    if not file.exists():
        raise UserError(
            "The model folder {folder} has no tokenizer.json.",
            "Choose a folder that holds a whole model.",
            folder=folder.name,
        )
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ValueError("it is far too large")
        return Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises nothing narrower
        raise UserError(
            "{file} of {folder} cannot be read ({reason}).",
            "Choose another model, or download this one again.",
            file=file.name,
            folder=folder.name,
            reason=str(error)[:200],
        ) from error


def _own_template(folder: Path, settings: Mapping[str, Any]) -> str:
    jinja = folder / "chat_template.jinja"
    source = jinja.read_text("utf-8") if jinja.exists() else settings.get("chat_template")
    if isinstance(source, list):  # several by name, as some models have for tools
        source = {t.get("name"): t.get("template") for t in source}.get("default")
    if not isinstance(source, str) or not source.strip():
        raise UserError(
            "The model in {folder} brings no prompt template.",
            "It is probably a base model: choose a chat model, or set prompt_template.",
            folder=folder.name,
        )
    return source
