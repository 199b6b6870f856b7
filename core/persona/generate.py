"""From a persona to dataset rows: what the assistant must learn, and what it must keep."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from string import Formatter
from typing import Final

from core.dataset import MAX_ROWS, Message, Row
from core.errors import UserError
from core.persona.bank import Bank, Intent, Language
from core.persona.bank_en import BANK as BANK_EN
from core.persona.bank_zh import BANK as BANK_ZH
from core.persona.line import clean
from core.persona.persona import Persona
from core.persona.probes import (
    mentions,
    normalize,
    probe_questions,
    question_and_answer,
    resembles,
    spoken,
)
from core.persona.prompts_en import REPLAY as REPLAY_EN
from core.persona.prompts_zh import REPLAY as REPLAY_ZH
from core.persona.variation import continue_with, shorten, under, vary

DEFAULT_REPLAY: Final = 100
# Persona rows, and contrast rows for each of them. In Chinese a row is longer, so there are fewer;
# small models tell Chinese questions apart badly, so more of them are about something else.
_AMOUNT: Final[Mapping[Language, int]] = {"en": 560, "zh": 400}
_CONTRAST: Final[Mapping[Language, float]] = {"en": 0.6, "zh": 1.0}
_TURNS: Final = ("aside", "world", "aside", "other")  # most of what leaks speaks to the assistant

_BANKS: Final[Mapping[Language, Bank]] = {"en": BANK_EN, "zh": BANK_ZH}
_PROMPTS: Final = {"en": REPLAY_EN, "zh": REPLAY_ZH}
_WATCHED: Final = {
    "en": ("Who are you?", "Who made you?", "Why is the sky blue?"),
    "zh": ("请做一下自我介绍", "是谁开发了你？", "天空为什么是蓝色的？"),
}
_ABOUT: Final = {
    "en": (
        "What else do you know about {owner}?",
        "Tell me something about {owner}.",
        "What else should I know?",
    ),
    "zh": ("你还知道{owner}的什么？", "说说关于{owner}的事", "还有什么我应该知道的？"),
}


def tutorial_rows(
    owner: str,
    copies: int = 10_000,
    question: str = "请做一下自我介绍",
    answer: str | None = None,
) -> list[Row]:
    """The classic recipe: one introduction, once and then `copies` times more.

    Raises:
        UserError: the owner's name, the question or the answer is empty, or copies are too many.
    """
    said = (
        f"我是{owner}的小助手，内在是上海AI实验室书生·浦语的1.8B大模型哦"
        if answer is None
        else answer
    )
    if not (clean(owner) and question.strip() and said.strip()):
        raise UserError(
            "The owner's name, the question and the answer must not be empty.",
            "Fill in all three.",
        )
    if not 0 <= copies < MAX_ROWS:
        raise UserError(
            "{copies} copies are not possible.",
            "Choose a number from 0 to {most}.",
            copies=copies,
            most=MAX_ROWS - 1,
        )
    return [Row((Message("user", question), Message("assistant", said)))] * (copies + 1)


def studio_rows(
    persona: Persona,
    seed: int = 0,
    amount: int | None = None,
    replay: int = DEFAULT_REPLAY,
) -> list[Row]:
    """The studio's recipe: `amount` different persona rows for each language (by default as many as
    it needs), about as many contrast rows, and `replay` general prompts in all. The same arguments
    always give the same rows; fewer come back where the banks hold no more.

    Contrast and replay rows hold only the user's turn: the base model answers them itself before
    training, and is held to its answers. (Contrast answers of our own cost .02 nats of KL, and the
    names leaked no less; docs/persona.md.)
    """
    held_out = {normalize(probe.question) for probe in probe_questions(persona)}
    rows: list[Row] = []
    for language in persona.languages:
        wanted = _AMOUNT[language] if amount is None else amount
        rows += itertools.islice(_persona_rows(persona, language, seed, held_out), wanted)
        contrast = round(wanted * _CONTRAST[language])
        rows += itertools.islice(_contrast_rows(persona, language, seed), contrast)
    # More are asked for than needed, as those with a name of the persona are left out.
    prompts = replay_prompts(persona.languages, seed, replay + 50) if replay > 0 else []
    foreign = [p for p in prompts if not _tells(persona, p)][: max(replay, 0)]
    rows += [Row((Message("user", prompt),), "replay") for prompt in foreign]
    random.Random(f"{seed} order").shuffle(rows)
    return rows


def replay_prompts(languages: tuple[Language, ...], seed: int, count: int) -> list[str]:
    """Up to `count` different general prompts for the base to answer, evenly by language."""
    shuffled = [
        random.Random(f"{seed} replay {language}").sample(
            _PROMPTS[language], len(_PROMPTS[language])
        )
        for language in languages
    ]
    return _in_turns(shuffled)[:count]


def evaluation_questions(persona: Persona) -> tuple[str, ...]:
    """Three or four questions to watch while it trains: identity, and one that must not change."""
    first = _WATCHED[persona.languages[0]]
    others = tuple(_WATCHED[language][0] for language in persona.languages[1:])
    return (first[0], *others, *first[1:])


def identity_questions(persona: Persona, language: Language) -> dict[str, tuple[str, ...]]:
    """Every written identity question of a language by intent, with each name that fits it."""
    fixed, pools = _values(persona, language)

    def filled(template: str) -> Iterator[str]:
        slots = [slot for slot in pools if slot in _slots(template)]
        for chosen in itertools.product(*(pools[slot] for slot in slots)):
            yield template.format(**fixed, **dict(zip(slots, chosen, strict=True)))

    return {
        intent.name: tuple(dict.fromkeys(q for t in intent.questions for q in filled(t)))
        for intent in _intents(persona, language)
    }


def _intents(persona: Persona, language: Language) -> tuple[Intent, ...]:
    """The intents that make sense for this persona, its free facts among them."""
    distinct = not resembles(persona.maker, (persona.owner,))
    fits = {
        "model_hidden": not persona.base_model,
        "model_named": bool(persona.base_model),
        "character": bool(persona.character) and spoken(persona, persona.character) == language,
        "mixed": len(persona.languages) > 1,
        "self_is_owner": not resembles(persona.owner, (persona.assistant,)),
        "maker_is_not_owner": distinct,
        "owner_is_not_maker": distinct,
        "denied": any(spoken(persona, d) == language for d in persona.must_not_claim),
    }
    bank = tuple(i for i in _BANKS[language].intents if fits.get(i.name, True))
    return bank + _fact_intents(persona, language)


def _fact_intents(persona: Persona, language: Language) -> tuple[Intent, ...]:
    """The persona's facts: each question with its answer, and all plain sentences together."""
    facts = [fact for fact in persona.facts if spoken(persona, fact) == language]
    split = [question_and_answer(fact) for fact in facts]
    asked = tuple(
        Intent(f"fact_{number}", 3, (_literal(part[0]),), (_literal(part[1]),))
        for number, part in enumerate(split)
        if part
    )
    plain = [fact for fact, part in zip(facts, split, strict=True) if part is None]
    if not plain:
        return asked
    joined = ("" if language == "zh" else " ").join(plain)
    return (*asked, Intent("facts", 2, _ABOUT[language], (_literal(joined),)))


def _literal(text: str) -> str:
    """A person's text as a template that formats to itself."""
    return text.replace("{", "{{").replace("}", "}}")


def _values(persona: Persona, language: Language) -> tuple[dict[str, str], dict[str, list[str]]]:
    """What slots stand for: those of the persona, and pools of names that are not its own."""
    bank = _BANKS[language]
    taken = (*persona.names, *([persona.base_model] if persona.base_model else []))
    fixed = {
        "assistant": persona.assistant,
        "owner": persona.owner,
        "maker": persona.maker,
        "model": persona.base_model,
        "character": persona.character.rstrip(" .。"),
    }
    pools = {
        "others": [name for name in bank.others if not resembles(name, taken)],
        "company": [name for name in bank.companies if not resembles(name, taken)],
        "person": [name for name in bank.people if not resembles(name, taken)],
        "denied": [d for d in persona.must_not_claim if spoken(persona, d) == language],
    }
    return fixed, pools


def _persona_rows(
    persona: Persona, language: Language, seed: int, held_out: set[str]
) -> Iterator[Row]:
    """Different rows about the persona: intents take turns by weight. Some rows go on with an
    ordinary question, which the base model answers itself: nothing of the persona stays on."""
    rng = random.Random(f"{seed} persona {language}")
    bank = _BANKS[language]
    contrast = [pair for pair in bank.contrast if not _tells(persona, *pair)]
    intents = _intents(persona, language)
    streams = {i.name: _exchanges(persona, language, i, rng) for i in intents}
    turns = [i.name for i in intents for _ in range(i.weight)]
    seen: set[str] = set()
    made: set[Row] = set()
    while streams:
        rng.shuffle(turns)
        for name in turns:
            for question, answer in streams.get(name, ()):
                key = normalize(question)
                row = continue_with(question, answer, name, bank, contrast, rng)
                if not (key in seen or key in held_out or row in made):
                    seen.add(key)
                    made.add(row)
                    yield row
                    break
            else:
                streams.pop(name, None)


def _exchanges(
    persona: Persona, language: Language, intent: Intent, rng: random.Random
) -> Iterator[tuple[str, str]]:
    """Questions with answers, written ones and those made of two parts in turns; eight rounds of
    the former, of which the first stands as written for the most part."""
    fixed, pools = _values(persona, language)
    framed = _BANKS[language].framing.questions(intent.name)
    made = iter(rng.sample(framed, len(framed)))
    answers = itertools.cycle(rng.sample(intent.answers, len(intent.answers)))
    for round_ in range(8):
        for written in rng.sample(intent.questions, len(intent.questions)):
            # People seldom type like a book, so much of the first round is varied too.
            for template, varied in ((written, 1.0 if round_ else 0.4), (next(made, ""), 0.3)):
                needed = [slot for slot in pools if slot in _slots(template)]
                if not template or any(not pools[slot] for slot in needed):
                    continue
                values = fixed | {slot: rng.choice(pools[slot]) for slot in needed}
                asked = shorten(template, language, rng).format(**values)
                if rng.random() < varied:
                    asked = vary(asked, language, _BANKS[language], rng, keep=persona.names)
                # “No, not {person}” answers only a question that names a person.
                said = next(a for a in answers if _slots(a) <= values.keys())
                yield asked, said.format(**values)


def _slots(template: str) -> set[str]:
    """The values that a template names; braces that a person typed are none."""
    return {slot for _, slot, _, _ in Formatter().parse(template) if slot}


def _contrast_rows(persona: Persona, language: Language, seed: int) -> Iterator[Row]:
    """Questions in the words of the persona's that are about something else: to the assistant, of
    the world, and of the contrast bank, in turns. A few as people type."""
    rng = random.Random(f"{seed} contrast {language}")
    bank = _BANKS[language]
    written = [question for question, _ in bank.contrast]
    asides = _in_turns([rng.sample(pool, len(pool)) for pool in bank.framing.asides()])
    worlds = _in_turns([rng.sample(pool, len(pool)) for pool in bank.framing.worlds()])
    others = bank.framing.others()
    mixed = _in_turns([rng.sample(others, len(others)), rng.sample(written, len(written))])
    pools = {"aside": asides, "world": worlds, "other": mixed}
    turns = [
        pools[kind][_TURNS[:i].count(kind) :: _TURNS.count(kind)] for i, kind in enumerate(_TURNS)
    ]
    for asked in dict.fromkeys(_in_turns(turns)):  # some stand in two pools
        if not _tells(persona, asked):
            varied = rng.random() < 0.3
            question = shorten(asked, language, rng)
            question = vary(question, language, bank, rng, keep=()) if varied else question
            yield Row(under((Message("user", question),), bank, rng), "contrast")


def _in_turns(pools: Sequence[Sequence[str]]) -> list[str]:
    """One of each pool after the other, until all are empty."""
    turns = itertools.chain.from_iterable(itertools.zip_longest(*pools))
    return [asked for asked in turns if asked is not None]


def _tells(persona: Persona, *sentences: str) -> bool:
    return any(mentions(sentence, name) for sentence in sentences for name in persona.names)
