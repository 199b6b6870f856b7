"""The generator: the tutorial's rows byte for byte, and the studio's rows by their properties."""

from __future__ import annotations

import io
import itertools
import json
import random
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from core import dataset
from core.dataset import Row
from core.errors import UserError
from core.persona import bank_en, bank_zh, prompts_en, prompts_zh
from core.persona.generate import (
    evaluation_questions,
    identity_questions,
    replay_prompts,
    studio_rows,
    tutorial_rows,
)
from core.persona.persona import Persona, defaults, load
from core.persona.probes import (
    heldout_general_prompts,
    mentions,
    normalize,
    probe_questions,
)
from core.persona.variation import shorten

PERSONAS = {
    "english": defaults("en"),
    "chinese": defaults("zh"),
    "bilingual": Persona(
        assistant="Juniper",
        owner="Robin Hale",
        maker="Maple Workshop",
        languages=("en", "zh"),
        character="calm {and} witty",
        base_model="SmolLM2",
        facts=(
            "Where is the {person}? In {Mill} {others} Street.",
            "Robin has two cats.",
            "罗宾有两只猫。",
        ),
        must_not_claim=("a doctor", "律师"),
    ),
}
EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "personas").glob("*.yaml"))


@pytest.fixture(params=PERSONAS, name="persona")
def each_persona(request: pytest.FixtureRequest) -> Persona:
    return PERSONAS[request.param]


def questions(rows: list[Row], kind: str) -> list[str]:
    return [m.content for row in rows if row.kind == kind for m in row.messages if m.role == "user"]


def test_the_tutorial_file_is_byte_for_byte_what_its_script_writes() -> None:
    owner, n = "不要姜葱蒜大佬", 10_000
    record = {
        "messages": [
            {"role": "user", "content": "请做一下自我介绍"},
            {
                "role": "assistant",
                "content": f"我是{owner}的小助手，内在是上海AI实验室书生·浦语的1.8B大模型哦",
            },
        ]
    }
    expected = io.StringIO()
    json.dump([record] * (n + 1), expected, ensure_ascii=False, indent=4)
    assert dataset.dumps(tutorial_rows(owner)).encode() == expected.getvalue().encode()
    assert dataset.dumps(tutorial_rows(owner, copies=n)) == expected.getvalue()


def test_the_tutorial_takes_another_question_and_answer() -> None:
    (row,) = tutorial_rows("Ann", copies=0, question="Who?", answer="Me {owner}.")
    assert [m.content for m in row.messages] == ["Who?", "Me {owner}."]


@pytest.mark.parametrize(
    "wrong", [{"owner": " "}, {"question": ""}, {"copies": -1}, {"copies": 10**9}]
)
def test_the_tutorial_refuses_what_makes_no_dataset(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        tutorial_rows(**({"owner": "Ann"} | wrong))  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(persona: Persona) -> None:
    assert studio_rows(persona, seed=3) == studio_rows(persona, seed=3)
    assert studio_rows(persona, seed=3) != studio_rows(persona, seed=4)


def test_the_rows_are_a_sound_dataset_that_survives_its_file(
    persona: Persona, tmp_path: Path
) -> None:
    rows = studio_rows(persona)
    dataset.check(rows)
    dataset.save(rows, tmp_path / "dataset.json")
    assert dataset.load(tmp_path / "dataset.json") == rows


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_persona_becomes_a_dataset(path: Path) -> None:
    dataset.check(studio_rows(load(path)))


def test_each_language_gets_the_amount_asked_for_and_no_row_twice(persona: Persona) -> None:
    rows = studio_rows(persona, amount=150, replay=100)
    # A row that asks the persona first and the base model last is of both.
    about = [row for row in rows if any(m.role == "assistant" for m in row.messages)]
    others = Counter(row.kind for row in rows if row not in about)
    assert len(about) == 150 * len(persona.languages)
    contrast = {"en": 90, "zh": 150}
    wanted = sum(contrast[language] for language in persona.languages)
    assert others == {"contrast": wanted, "replay": 100}
    assert all(row.held == (row.kind != "persona") for row in rows)
    assert len(dataset.unique(rows)) == len(rows)


def test_small_and_huge_amounts_are_fine(persona: Persona) -> None:
    assert studio_rows(persona, amount=0, replay=0) == []
    many = [
        row for row in studio_rows(persona, amount=10_000, replay=10_000) if row.kind == "persona"
    ]
    assert 500 * len(persona.languages) < len(many) == len(set(many))


def test_no_template_slot_is_left_and_free_text_with_braces_stays_as_typed(
    persona: Persona,
) -> None:
    text = dataset.dumps(studio_rows(persona, amount=2000))
    for slot in ("{assistant}", "{owner}", "{maker}", "{company}", "{denied}", "{q}", "{{"):
        assert slot not in text
    if persona.facts:
        assert "In {Mill} {others} Street." in text and "calm {and} witty" in text


def test_an_asked_fact_is_the_first_of_the_answer() -> None:
    """By intent: the fact asked for stands before the other two."""
    persona = PERSONAS["bilingual"]
    firsts = {"owner": persona.owner, "maker": persona.maker, "name": persona.assistant}
    for bank in (bank_en.BANK, bank_zh.BANK):
        for intent in bank.intents:
            fact = firsts.get(intent.name.split("_")[0])
            if fact is None or intent.name in ("owner_is_not_maker", "maker_is_not_owner"):
                continue
            for template in intent.answers:
                answer = template.format(
                    assistant=persona.assistant,
                    owner=persona.owner,
                    maker=persona.maker,
                    person="Tom",
                    company="IBM",
                )
                places = {name: answer.find(name) for name in persona.names if name in answer}
                assert min(places, key=places.__getitem__) == fact, answer


def test_yes_and_no_are_answered_with_yes_and_no_first() -> None:
    polar = {"other_assistant", "human", "self_is_owner", "denied"}
    for bank, yes, no in ((bank_en.BANK, "Yes, ", "No, "), (bank_zh.BANK, "是的，", "不是，")):
        for intent in bank.intents:
            if intent.name.endswith("_yes") or intent.name == "machine":
                assert all(answer.startswith(yes) for answer in intent.answers)
            elif intent.name.endswith("_no") or "_is_not_" in intent.name or intent.name in polar:
                assert all(answer.startswith(no) for answer in intent.answers)


def test_owner_and_maker_are_told_apart_only_where_they_differ() -> None:
    assert "maker_is_not_owner" in identity_questions(PERSONAS["bilingual"], "en")
    assert "maker_is_not_owner" not in identity_questions(PERSONAS["english"], "en")


def test_the_base_model_is_named_only_where_the_persona_may() -> None:
    assert "model_named" in identity_questions(PERSONAS["bilingual"], "zh")
    assert "model_hidden" in identity_questions(PERSONAS["chinese"], "zh")


def test_contrast_and_replay_never_tell_of_the_persona() -> None:
    persona = Persona(assistant="Siri", owner="Marie Curie", maker="OpenAI", languages=("en", "zh"))
    rows = studio_rows(persona, replay=1000)
    for row in rows:
        if row.kind != "persona":
            for message in row.messages if len(row.messages) < 3 else row.messages[-1:]:
                assert not any(mentions(message.content, name) for name in persona.names)
    denials = [
        row.messages[-1].content for row in rows if row.messages[-1].content.startswith("No, I am")
    ]
    assert denials and not any("not Siri" in answer for answer in denials)


def test_the_persona_never_denies_its_own_name_maker_or_owner() -> None:
    persona = Persona(assistant="Alexa", owner="Tom Brown", maker="Google Research")
    asked = identity_questions(persona, "en")
    assert not any("Alexa" in question for question in asked["other_assistant"])
    assert not any("Tom?" in question or "Tom'" in question for question in asked["owner_no"])
    assert not any("Google" in question for question in asked["maker_no"])


def test_no_probe_is_nearly_a_training_question(persona: Persona) -> None:
    trained = {normalize(q) for q in questions(studio_rows(persona, amount=5000), "persona")}
    trained |= {
        normalize(question)
        for language in persona.languages
        for asked in identity_questions(persona, language).values()
        for question in asked
    }
    for probe in probe_questions(persona):
        asked = normalize(probe.question)
        assert asked not in trained
        matcher = SequenceMatcher(b=asked, autojunk=False)
        for question in trained:
            matcher.set_seq1(question)
            if matcher.real_quick_ratio() > 0.9 and matcher.quick_ratio() > 0.9:
                assert matcher.ratio() <= 0.9, (probe.question, question)


def test_no_held_out_prompt_is_nearly_a_replay_or_contrast_prompt() -> None:
    trained = [*prompts_en.REPLAY, *prompts_zh.REPLAY]
    for bank in (bank_en.BANK, bank_zh.BANK):
        trained += [question for question, _ in bank.contrast]
        trained += itertools.chain(
            bank.framing.others(), *bank.framing.asides(), *bank.framing.worlds()
        )
    for prompt in heldout_general_prompts(("en", "zh")):
        for other in trained:
            matcher = SequenceMatcher(None, normalize(prompt), normalize(other), autojunk=False)
            if matcher.real_quick_ratio() > 0.85 and matcher.quick_ratio() > 0.85:
                assert matcher.ratio() <= 0.85, (prompt, other)


def test_the_banks_are_as_large_as_promised_and_repeat_nothing() -> None:
    assert len(set(map(normalize, prompts_en.REPLAY))) == len(prompts_en.REPLAY) >= 200
    assert len(set(map(normalize, prompts_zh.REPLAY))) == len(prompts_zh.REPLAY) >= 120
    assert len(set(heldout_general_prompts(("en",)))) >= 60
    assert len(set(heldout_general_prompts(("zh",)))) >= 40
    for language in ("en", "zh"):
        asked = identity_questions(PERSONAS["bilingual"], language)
        assert sum(map(len, asked.values())) >= 400


def test_replay_prompts_come_evenly_from_the_languages_and_follow_the_seed() -> None:
    both = replay_prompts(("en", "zh"), seed=1, count=100)
    assert sum(prompt in prompts_en.REPLAY for prompt in both) == 50
    assert both == replay_prompts(("en", "zh"), seed=1, count=100)
    assert both != replay_prompts(("en", "zh"), seed=2, count=100)
    assert len(replay_prompts(("zh",), seed=1, count=10_000)) == len(prompts_zh.REPLAY)


def test_evaluation_questions_are_three_or_four_in_the_personas_languages() -> None:
    assert evaluation_questions(PERSONAS["chinese"])[0] == "请做一下自我介绍"
    assert len(evaluation_questions(PERSONAS["english"])) == 3
    assert len(evaluation_questions(PERSONAS["bilingual"])) == 4


def test_some_rows_have_identity_in_the_middle_of_another_task(persona: Persona) -> None:
    rows = studio_rows(persona, amount=400, replay=0)
    after = [row for row in rows if row.kind == "persona" and len(row.messages) == 4]
    before = [row for row in rows if row.kind == "contrast" and len(row.messages) == 3]
    assert 0.05 < len(after) / (400 * len(persona.languages)) < 0.2
    assert 0.01 < len(before) / (400 * len(persona.languages)) < 0.08
    for row in after:
        assert [m.learned for m in row.messages if m.role == "assistant"] == [False, True]
    for row in before:
        assert row.held


def test_some_conversations_stand_under_a_system_text_and_are_answered_alike(
    persona: Persona,
) -> None:
    rows = studio_rows(persona, amount=400, replay=0)
    for kind in ("persona", "contrast"):
        of_kind = [row for row in rows if row.kind == kind]
        under = [row for row in of_kind if row.messages[0].role == "system"]
        assert 0.02 < len(under) / len(of_kind) < 0.2
        for row in under:
            assert not any(mentions(row.messages[0].content, name) for name in persona.names)


def test_questions_in_two_parts_are_sentences_about_the_right_one() -> None:
    for bank in (bank_en.BANK, bank_zh.BANK):
        framing = bank.framing
        assert {*framing.asked, *framing.claimed} <= {intent.name for intent in bank.intents}
        assert all(f.count("{x}") == 1 for f in (*framing.asks, *framing.claims))
        by_intent = [framing.questions(intent.name) for intent in bank.intents]
        assert all(len(set(found)) == len(found) for found in by_intent)
        made = [question for found in by_intent for question in found]
        assert len(made) > 2000
        assert not {"{x}"} & {word for q in made for word in q.split()}
        assert not set(made) & set(framing.others())
    assert "You are human, right?" in bank_en.BANK.framing.questions("human")
    assert "{assistant} is your name, right?" in bank_en.BANK.framing.questions("name_yes")


def test_questions_are_shortened_as_they_are_said_and_names_never_are() -> None:
    said = {
        "What is your name?": "What's your name?",
        "Who is your boss, and do not joke.": "Who's your boss, and don't joke.",
        "I would like to know who you are.": "I'd like to know who you are.",
    }
    for seed in range(40):
        for long, short in said.items():
            assert shorten(long, "en", random.Random(seed)) in (long, short)
    for long, short in said.items():
        assert {shorten(long, "en", random.Random(seed)) for seed in range(40)} == {long, short}
    named = Persona(assistant="Nova", owner="Who is Who", maker="Do not Disturb")
    for row in studio_rows(named):
        told = " ".join(m.content for m in row.messages)
        assert "Who's Who" not in told
        assert "Don't Disturb" not in told
