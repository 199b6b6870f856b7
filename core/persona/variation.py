"""How people really type: greetings, small letters, slips, and questions in mid-conversation."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Final

from core.dataset import Message, Row
from core.persona.bank import Bank, Language

_SHORT: Final = {
    **{f"{word} is": f"{word}'s" for word in ("what", "who", "where", "how", "that", "it")},
    **{f"{word} are": f"{word}'re" for word in ("you", "they", "we")},
    **{f"{word} would": f"{word}'d" for word in ("I", "you")},
    **{f"{word} not": f"{word}n't" for word in ("do", "does", "did", "is", "are", "was", "were")},
    **{"I am": "I'm", "I have": "I've", "cannot": "can't", "let us": "let's"},
}
# Only before another word: nobody shortens the end of “Tell me who you are.”
_LONG: Final = re.compile(rf"\b({'|'.join(_SHORT)})\b(?= \w)", re.IGNORECASE)
_WORD: Final = re.compile(r"[a-z]{5,}")
_STOPS: Final = " .?!。？！"
# Shares of persona rows with another exchange. (Going on in 8 of 100 made others leak more.)
_GOES_ON: Final = 0.03
_FOLLOWS: Final = 0.1


def vary(
    question: str, language: Language, bank: Bank, rng: random.Random, keep: Sequence[str]
) -> str:
    """The question with an opener, a closer, without punctuation, in small letters, or with a slip.

    The names in `keep` are never misspelled.
    """
    match rng.choices(("opener", "closer", "bare", "slip"), (5, 2, 3, 2))[0]:
        case "opener":
            opener = rng.choice(bank.openers)
            inside = opener[: opener.index("{q}")].rstrip().endswith(",")
            return opener.format(q=_uncapitalized(question, keep) if inside else question)
        case "closer":
            stop = "" if question[-1] in _STOPS else "。" if language == "zh" else "."
            return rng.choice(bank.closers).format(q=question + stop)
        case "slip" if language == "en":
            return _with_slip(question, rng, keep)
        case _:
            bare = question.rstrip(_STOPS)
            return bare if language == "zh" else bare.casefold()


def shorten(question: str, language: Language, rng: random.Random) -> str:
    """The question as it is said: every other English one with “who's” and “don't”."""
    if language != "en" or rng.random() < 0.5:
        return question

    def short(match: re.Match[str]) -> str:
        said = next(s for long, s in _SHORT.items() if long.casefold() == match[0].casefold())
        return match[0][0] + said[1:]

    return _LONG.sub(short, question)


def continue_with(
    question: str,
    answer: str,
    intent: str,
    bank: Bank,
    contrast: Sequence[tuple[str, str]],
    rng: random.Random,
) -> Row:
    """One conversation: mostly the question alone. Else after an ordinary exchange, which is read
    and not learned; or before an ordinary question, which the base model will answer itself."""
    asked, said = Message("user", question), Message("assistant", answer)
    chance = rng.random()
    if contrast and chance < _GOES_ON:
        return Row((asked, said, Message("user", rng.choice(contrast)[0])), "contrast")
    if contrast and chance < _GOES_ON + _FOLLOWS:
        other, plain = rng.choice(contrast)
        follow = [text for text, about in bank.followups if about == intent]
        before = (Message("user", other), Message("assistant", plain, learned=False))
        return Row((*before, Message("user", rng.choice(follow) if follow else question), said))
    return Row(under((asked, said), bank, rng))


def under(messages: tuple[Message, ...], bank: Bank, rng: random.Random) -> tuple[Message, ...]:
    """The conversation, now and then under a system text that somebody else wrote."""
    if rng.random() < 0.1:
        return Message("system", rng.choice(bank.systems)), *messages
    return messages


def _uncapitalized(question: str, keep: Sequence[str]) -> str:
    first = question.split()[0].rstrip(_STOPS + ",'")
    proper = first == "I" or any(name.startswith(first) for name in keep)
    return question if proper else question[0].lower() + question[1:]


def _with_slip(question: str, rng: random.Random, keep: Sequence[str]) -> str:
    """Two neighbouring letters swapped, or one left out, inside a longer word."""
    kept = [k.casefold() for k in keep]
    words = [m for m in _WORD.finditer(question) if not any(m[0] in name for name in kept)]
    if not words:
        return question.casefold()
    word = rng.choice(words)
    at = word.start() + rng.randrange(1, len(word[0]) - 2)
    swapped = question[at + 1] + question[at] if rng.random() < 0.6 else question[at + 1]
    return question[:at] + swapped + question[at + 2 :]
