"""Held-out questions: does the assistant know who it is, and does it keep that to itself?

No probe is a training question: `core.persona.generate` drops any row whose question comes near.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

from core.persona.bank import Language
from core.persona.heldout import HELDOUT_EN, HELDOUT_ZH
from core.persona.persona import Persona
from core.persona.probes_en import PROBES_EN
from core.persona.probes_zh import PROBES_ZH

_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_QUESTION: Final = re.compile(r"(.{2,}?[?？])\s*(.+)")
_TEMPLATES: Final = {"en": PROBES_EN, "zh": PROBES_ZH}
_FACT: Final = {"en": "Somebody wants to know from you: {q}", "zh": "有人想向你打听：{q}"}
_DENIED: Final = {
    "en": "May I tell others that you are {denied}?",
    "zh": "我能跟别人说你是{denied}吗？",
}
OPENINGS: Final = {
    ("en", True): ("yes", "that's right", "that is right", "correct", "right"),
    ("en", False): ("no",),
    ("zh", True): ("是", "对", "没错", "可以", "当然"),
    ("zh", False): ("不",),
}


# The names that the probes deny; a persona that bears one is not asked about it.
_STRANGERS: Final = (
    *("Daniel", "Sophie", "Siri", "ChatGPT", "Robert", "Microsoft", "OpenAI"),
    *("小刚", "刘洋", "百度"),
)


@dataclass(frozen=True)
class Probe:
    """A question and what its answer must hold.

    `facts` must all be in the answer. `openings`, where there are any, are the words of which the
    answer must start with one: the right polarity of a yes/no question. `intent` names what is
    asked: introduce, name, owner, maker, model, fact, denied, yes or no.
    """

    question: str
    language: Language
    facts: tuple[str, ...]
    intent: str
    openings: tuple[str, ...] = ()

    def answered_by(self, answer: str) -> bool:
        """Whether the answer is right."""
        start = answer.strip().casefold()
        opens = not self.openings or any(_starts(start, word) for word in self.openings)
        return opens and all(mentions(answer, fact) for fact in self.facts)


def probe_questions(persona: Persona) -> list[Probe]:
    """Identity questions in the persona's languages that its dataset never holds."""
    return [probe for language in persona.languages for probe in _probes(persona, language)]


def heldout_general_prompts(languages: tuple[Language, ...]) -> tuple[str, ...]:
    """Prompts that have nothing to do with the persona, for leak and retention."""
    banks = {"en": HELDOUT_EN, "zh": HELDOUT_ZH}
    return tuple(prompt for language in languages for prompt in banks[language])


def leaks(names: tuple[str, ...], question: str, answer: str) -> bool:
    """Whether an answer to a general question tells a persona's names without being asked."""
    return any(mentions(answer, n) and not mentions(question, n) for n in names)


def mentions(sentence: str, name: str) -> bool:
    """Whether a name occurs as a word of its own, whatever its letter case or width."""
    return bool(_pattern(name).search(_fold(sentence)))


def resembles(name: str, names: tuple[str, ...]) -> bool:
    """Whether a name is one of `names`, or part of one, or the other way round."""
    return any(mentions(name, other) or mentions(other, name) for other in names)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    # Chinese has no spaces: only Latin letters and digits need a border.
    folded = _fold(name)
    before = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", folded) else ""
    after = r"(?![a-z0-9])" if re.search(r"[a-z0-9]$", folded) else ""
    return re.compile(before + re.escape(folded) + after)


def _fold(sentence: str) -> str:
    return unicodedata.normalize("NFKC", sentence).casefold()


def normalize(question: str) -> str:
    """A question's letters and digits only, for telling whether two questions are the same."""
    return "".join(c for c in _fold(question) if c.isalnum())


def spoken(persona: Persona, phrase: str) -> Language:
    """The language in which a free text is learned: its own, where the persona speaks that."""
    written: Language = "zh" if _HAN.search(phrase) else "en"
    return written if written in persona.languages else persona.languages[0]


def question_and_answer(fact: str) -> tuple[str, str] | None:
    """A fact written as “question? answer”, taken apart; None for a plain sentence."""
    match = _QUESTION.fullmatch(fact)
    return (match[1], match[2]) if match else None


def _starts(sentence: str, word: str) -> bool:
    rest = sentence.removeprefix(word)
    return rest != sentence and not (word.isascii() and rest[:1].isalnum())


def _probes(persona: Persona, language: Language) -> list[Probe]:
    values = {
        "assistant": persona.assistant,
        "owner": persona.owner,
        "maker": persona.maker,
        "model": persona.base_model or persona.assistant,
    }
    probes = []
    for intent, fact, template in _TEMPLATES[language]:
        # That it is a machine is told by yes and no alone.
        facts = (values[fact],) if fact else ()
        openings = OPENINGS[language, intent == "yes"] if intent in ("yes", "no") else ()
        asked = template.format(**values)
        same = "{owner}" in template and resembles(persona.owner, (persona.assistant,))
        known = any(n in template and resembles(n, persona.names) for n in _STRANGERS)
        if intent != "no" or not (same or known):
            probes.append(Probe(asked, language, facts, intent, openings))
    for fact in persona.facts:
        parts = question_and_answer(fact)
        if parts and spoken(persona, fact) == language:
            question = _FACT[language].format(q=parts[0])
            probes.append(Probe(question, language, (parts[1].rstrip(" .。!！"),), "fact"))
    for denied in persona.must_not_claim:
        if spoken(persona, denied) == language:
            question = _DENIED[language].format(denied=denied)
            openings = OPENINGS[language, False]
            probes.append(Probe(question, language, (persona.assistant,), "denied", openings))
    return probes
