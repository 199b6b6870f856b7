"""Scoring an answer: the facts it must hold, its polarity, and what leaks."""

from __future__ import annotations

import pytest

from core.persona.persona import Persona
from core.persona.probes import (
    Probe,
    leaks,
    mentions,
    normalize,
    probe_questions,
    question_and_answer,
)

PERSONA = Persona(
    assistant="Juniper",
    owner="Robin Hale",
    maker="Maple Workshop",
    languages=("en", "zh"),
    facts=("Where is the shop? In Mill Street.",),
    must_not_claim=("a doctor",),
)


def test_a_yes_no_probe_needs_the_right_polarity_and_the_fact() -> None:
    probe = Probe("Is it Tom?", "en", ("Juniper",), "no", ("no",))
    assert probe.answered_by("No, I am JUNIPER.")
    assert not probe.answered_by("Yes, I am Juniper.")
    assert not probe.answered_by("Not sure. I am Juniper.")
    assert not probe.answered_by("No, I am Tom.")


def test_every_fact_and_denial_of_the_persona_is_probed() -> None:
    probes = {probe.intent: probe for probe in probe_questions(PERSONA)}
    assert probes["fact"].facts == ("In Mill Street",)
    assert "a doctor" in probes["denied"].question
    assert {"introduce", "name", "owner", "maker", "model", "yes", "no"} <= set(probes)


def test_both_languages_have_at_least_thirty_probes() -> None:
    for language in ("en", "zh"):
        assert sum(p.language == language for p in probe_questions(PERSONA)) >= 30


def test_a_persona_is_not_asked_to_deny_its_own_name() -> None:
    persona = PERSONA.model_copy(update={"assistant": "Siri"})
    assert not any("Siri" in p.question for p in probe_questions(persona) if p.intent == "no")


@pytest.mark.parametrize(
    ("sentence", "name", "found"),
    [
        ("I am Al.", "Al", True),
        ("I also help.", "Al", False),
        ("我叫Al，你好", "Al", True),
        ("我是小满的朋友", "小满", True),
        ("I am ＭＯＭＯ", "Momo", True),
        ("", "Momo", False),
    ],
)
def test_names_are_found_as_words(sentence: str, name: str, found: bool) -> None:
    assert mentions(sentence, name) is found


def test_a_name_that_the_question_holds_does_not_leak() -> None:
    assert leaks(PERSONA.names, "Why is the sky blue?", "I am Juniper.")
    assert not leaks(PERSONA.names, "What is a juniper?", "Juniper is a shrub.")
    assert not leaks(PERSONA.names, "Why is the sky blue?", "Because of scattering.")


def test_questions_are_the_same_whatever_their_case_and_punctuation() -> None:
    assert normalize("Who are YOU?!") == normalize("who are you")
    assert normalize("你是谁？") == normalize("你是谁")


def test_a_fact_with_a_question_is_taken_apart() -> None:
    assert question_and_answer("店在哪里？在磨坊街。") == ("店在哪里？", "在磨坊街。")
    assert question_and_answer("Robin has two cats.") is None
