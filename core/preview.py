"""What the model is shown of one conversation: its text in pieces, ids, and what is learned."""

from __future__ import annotations

from dataclasses import dataclass

from core.config.schema import Config
from core.conversations import Conversations
from core.dataset import Message
from core.errors import UserError
from core.models import folder, ready
from core.settings import Settings
from core.tokens import ChatTokenizer, Encoded
from core.work import chosen, encode_row


@dataclass(frozen=True)
class Piece:
    """The fewest tokens that make whole letters together; `cut` ones are beyond max_length."""

    text: str
    ids: tuple[int, ...]
    learned: bool
    cut: bool = False


@dataclass(frozen=True)
class Preview:
    """One different row of a dataset, with its copies and the number of different rows."""

    number: int
    rows: int
    copies: int
    pieces: tuple[Piece, ...]

    @property
    def tokens(self) -> int:
        """How many tokens the row has."""
        return sum(len(piece.ids) for piece in self.pieces)

    @property
    def learned(self) -> int:
        """How many of them are learned."""
        return sum(len(piece.ids) for piece in self.pieces if piece.learned and not piece.cut)


def preview(config: Config, known: Conversations, settings: Settings, number: int = 1) -> Preview:
    """The different row of this number (from 1, at most the last) as training will see it.

    Raises:
        UserError: the model is not on this machine, or its template refuses the row.
    """
    s = config.settings
    model = s.pretrained_model_name_or_path
    if not ready(settings, model):
        raise UserError(
            "The model {model} is not on this machine, so its tokens cannot be shown.",
            "They show once it is ready.",
            model=model,
        )
    counts = chosen(known.rows, config)
    number = max(1, min(number, len(counts)))
    row = list(counts)[number - 1]
    tokenizer = ChatTokenizer.load(folder(settings, model), s.prompt_template)
    messages = row.messages
    if s.SYSTEM and messages[0].role != "system":
        messages = (Message("system", s.SYSTEM), *messages)
    samples = encode_row(messages, tokenizer, row.kind)
    pieces = tuple(p for _, one in samples for p in _pieces(one, tokenizer, s.max_length))
    return Preview(number, len(counts), counts[row], pieces)


def _pieces(encoded: Encoded, tokenizer: ChatTokenizer, length: int) -> tuple[Piece, ...]:
    found: list[Piece] = []
    ids: tuple[int, ...] = ()
    start = 0
    for i, (token, learned) in enumerate(zip(encoded.ids, encoded.learned, strict=True)):
        ids = (*ids, token)
        text = tokenizer.decode(ids, special=True)
        ends = i + 1 == len(encoded.ids) or encoded.learned[i + 1] != learned or i + 1 == length
        # A letter may be made of several tokens; alone they read as this sign.
        if ends or not text.endswith("\ufffd") or len(ids) > 4:
            found.append(Piece(text, ids, learned, cut=start >= length))
            ids, start = (), i + 1
    return tuple(found)
