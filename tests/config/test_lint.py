"""Each trap is found where it is, nowhere else, and its fix removes it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.config import catalog, source
from core.config.cards import cards
from core.config.facts import Facts, facts_of
from core.config.lint import Finding, lint
from core.config.schema import Config
from core.dataset import Message, Row
from core.model_folder import kind
from core.templates import NAMED
from core.work import chosen

GOOD = Facts(
    rows=320,
    unique_rows=320,
    has_system_turn=False,
    replay_rows=120,
    persona_share=0.6,
    total_steps=100,
    tokens_p95=80,
    chat=True,
    family="smollm2",
)


def _persona(**settings: Any) -> Config:
    config = catalog.preset(catalog.DEFAULT)
    return config.model_copy(update={"settings": config.settings.model_copy(update=settings)})


def _codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def test_the_default_preset_with_its_usual_data_has_no_trap() -> None:
    assert lint(_persona(), GOOD) == []


def test_the_tutorial_with_its_ten_thousand_copies_is_told_to_overfit() -> None:
    config = catalog.preset("internlm2_chat_1_8b_qlora_persona_tutorial_e2")
    facts = Facts(rows=10_001, unique_rows=1, has_system_turn=False, total_steps=48, chat=True)
    (finding,) = lint(config, facts)
    assert finding.code == "copied-to-death"
    assert finding.fix == {("dataset", "max_copies"): 100}
    assert "10,001 times" in str(finding.text)


TRAPS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"prompt_template": "default"}, {}, "chat-model-default-template"),
    ({"prompt_template": "llama3_chat"}, {}, "template-of-another-family"),
    (
        {"prompt_template": "qwen_chat"},
        {"chat": False, "family": "llama3"},
        "template-of-another-family",
    ),
    ({"lr": 0.01}, {}, "rate-too-high"),
    ({"lr": 2e-5}, {"total_steps": 5000}, "rate-too-low"),
    ({"lr": 5e-5}, {"rows": 91, "total_steps": 18}, "too-little-training"),
    ({"lr": 5e-5, "accumulative_counts": 16}, {"total_steps": 18}, "too-little-training"),
    ({"max_length": 64}, {}, "rows-cut-short"),
    ({"SYSTEM": "You are kind."}, {}, "system-in-no-row"),
    ({"save_steps": 500}, {}, "saves-after-the-end"),
    ({"evaluation_freq": 500}, {}, "answers-after-the-end"),
    ({}, {"persona_share": 0.01}, "persona-diluted"),
    ({}, {"unique_rows": 1}, "copied-to-death"),
    ({}, {"replay_rows": 0}, "weight-without-replay"),
]


@pytest.mark.parametrize(("settings", "facts", "code"), TRAPS)
def test_a_trap_is_found_alone_and_its_fix_mends_it(
    settings: dict[str, Any], facts: dict[str, Any], code: str
) -> None:
    quiet = {"save_steps": -1, "evaluation_freq": -1}
    config, known = _persona(**(quiet | settings)), replace(GOOD, **facts)
    (finding,) = lint(config, known)
    assert finding.code == code
    assert finding.text.render("zh") != str(finding.text)
    if finding.fix:
        mended = source.parse(source.edit(source.dump(config), finding.fix))
        if code in ("copied-to-death", "persona-diluted"):
            return  # their fix changes what is learned, as the next test shows
        if code != "too-little-training":
            assert lint(mended, known) == []
            return
        # The step count follows the config, so the amount of learning is compared.
        gain = (
            (mended.settings.lr / config.settings.lr)
            * (config.settings.accumulative_counts / mended.settings.accumulative_counts)
            * (mended.settings.max_epochs / config.settings.max_epochs)
        )
        assert (known.total_steps or 0) * config.settings.lr * gain >= 0.0039


def test_a_persona_copied_to_death_or_diluted_is_mended_by_what_is_learned() -> None:
    said = Row((Message("user", "Who are you?"), Message("assistant", "Jo.")))
    others = [Row((Message("user", f"Why {i}?"),), "replay") for i in range(100)]
    for rows, code in (([said] * 900, "copied-to-death"), ([said, *others], "persona-diluted")):
        config = _persona(evaluation_freq=-1, save_steps=-1)
        found = {f.code: f for f in lint(config, facts_of(config, chosen(rows, config)))}
        mended = source.parse(source.edit(source.dump(config), found[code].fix or {}))
        assert code not in _codes(lint(mended, facts_of(mended, chosen(rows, mended))))
        assert chosen(rows, mended)[said] == min(rows.count(said), 100)


def test_replay_rows_without_weight_are_told() -> None:
    config = source.parse("settings:\n  lr: 0.002\n")
    (finding,) = lint(config, GOOD)
    assert finding.code == "replay-without-weight"
    assert finding.fix == {("dataset", "kl_weight"): 3.0}


def test_a_reversed_share_of_no_weight_is_told() -> None:
    config = source.parse("dataset:\n  kl_reverse: 0.5\n")
    found = {f.code: f for f in lint(config, replace(GOOD, replay_rows=0))}
    assert found["reverse-without-weight"].fix == {("dataset", "kl_reverse"): 0.0}


def test_each_named_template_is_told_with_every_family_that_it_was_not_made_for() -> None:
    families = {card.family for card in cards().values()}
    for template in NAMED:
        config = _persona(prompt_template=template)
        told = {f for f in families if lint(config, replace(GOOD, chat=False, family=f))}
        assert (told == set()) if template == "default" else len(told) >= len(families) - 2
    for card in cards().values():
        config = _persona(prompt_template=card.template)
        assert not lint(config, replace(GOOD, chat=card.chat, family=card.family))


def test_a_model_folder_tells_its_family_and_whether_it_talks(tmp_path: Path) -> None:
    def made(architecture: str, template: str | None) -> tuple[bool | None, str | None]:
        (tmp_path / "config.json").write_text(json.dumps({"architectures": [architecture]}))
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
        return kind(tmp_path)

    assert made("InternLM2ForCausalLM", "{{ messages }}") == (True, "internlm2")
    assert made("InternLM2ForCausalLM", None) == (False, "internlm2")
    assert made("Qwen2ForCausalLM", "{{ messages }}") == (None, "qwen2")  # its bases have one too
    assert made("LlamaForCausalLM", "{{ messages }}") == (True, None)
    (tmp_path / "config.json").write_text("[" * 50)
    assert kind(tmp_path) == kind(tmp_path / "missing") == (None, None)


def test_what_is_unknown_is_not_guessed() -> None:
    assert lint(Config(), Facts(rows=10, unique_rows=10, has_system_turn=False)) == []


def test_facts_come_from_the_rows_and_the_models_card() -> None:
    said = Row((Message("user", "Who are you?"), Message("assistant", "Jo.")))
    replay = Row((Message("system", "x"), Message("user", "Why?")), "replay")
    facts = facts_of(Config(), {said: 3, replay: 1}, total_steps=7)
    assert facts == Facts(
        rows=4,
        unique_rows=2,
        has_system_turn=True,
        replay_rows=1,
        persona_share=0.75,
        total_steps=7,
        chat=True,
        family="smollm2",
    )
    assert facts_of(Config(), {said: 1}).persona_share is None


def test_the_traps_of_a_guessed_length_wait_until_they_are_sure() -> None:
    config, guess = _persona(save_steps=150, evaluation_freq=-1), replace(GOOD, guessed=True)
    assert lint(config, guess) == []
    (finding,) = lint(_persona(save_steps=500, evaluation_freq=-1), guess)
    assert "the training has about 100 steps" in str(finding.text)
    assert "总共只有 约 100 步" in finding.text.render("zh")
