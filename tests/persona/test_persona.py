"""The persona: fields, files, forms, and errors that name every fault at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import UserError
from core.persona.persona import Persona, defaults, from_form, load, save

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "personas").glob("*.yaml"))


def test_the_three_example_personas_are_there() -> None:
    assert [path.stem for path in EXAMPLES] == ["bilingual", "chinese", "english"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_persona_loads_and_survives_saving(path: Path, tmp_path: Path) -> None:
    persona = load(path)
    save(persona, tmp_path / "persona.yaml")
    assert load(tmp_path / "persona.yaml") == persona


def test_a_saved_persona_reads_in_the_order_of_its_fields(tmp_path: Path) -> None:
    save(defaults("zh"), tmp_path / "persona.yaml")
    lines = (tmp_path / "persona.yaml").read_text("utf-8").splitlines()
    assert lines[:5] == ["assistant: 小满", "owner: 林夏", "maker: 林夏", "languages:", "- zh"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_default_persona_is_complete_and_speaks_its_language(language: Any) -> None:
    persona = defaults(language)
    assert persona.languages == (language,)
    assert persona == Persona.model_validate(persona.model_dump())


def test_a_maker_left_empty_is_the_owner() -> None:
    assert from_form(assistant="Momo", owner="Ann").maker == "Ann"
    assert from_form(assistant="Momo", owner="Ann", maker="  ").maker == "Ann"
    assert from_form(assistant="Momo", owner="Ann", maker="Bo").maker == "Bo"


def test_control_and_bidirectional_characters_are_taken_out() -> None:
    persona = from_form(assistant="Mo\u202emo\u200b", owner=" Ann\n\tLee\x07 ", maker="\u2067Bo")
    assert (persona.assistant, persona.owner, persona.maker) == ("Momo", "Ann Lee", "Bo")


def test_an_emoji_family_stays_whole() -> None:
    family = "👩\u200d👧"
    assert from_form(assistant=family, owner="Ann").assistant == family


def test_form_lists_come_as_lines_or_lists_and_blank_lines_do_not_count() -> None:
    typed = from_form(assistant="Momo", owner="Ann", facts="One.\n\n Two. \n", languages="zh")
    assert typed.facts == ("One.", "Two.")
    assert typed.languages == ("zh",)
    assert from_form(assistant="Momo", owner="Ann", facts=["One.", ""]).facts == ("One.",)


def test_a_language_chosen_twice_counts_once() -> None:
    chosen = from_form(assistant="M", owner="A", languages=["zh", "en", "zh"]).languages
    assert chosen == ("zh", "en")


def test_all_faults_are_told_in_one_error_with_field_bound_and_remedy() -> None:
    with pytest.raises(UserError) as caught:
        from_form(
            assistant="",
            owner="x" * 61,
            languages=[],
            facts=["y" * 201],
            must_not_claim=["z"] * 13,
            base_model=7,
            colour="red",
        )
    message = str(caught.value)
    assert "Assistant's name is empty: write 1 to 40 characters." in message
    assert "Owner is too long: shorten it to 60 characters." in message
    assert "Maker" not in message
    assert "Languages: choose en, zh or both." in message
    assert "Facts (entry 1) is too long: shorten it to 200 characters." in message
    assert "Must not claim to be has too many entries: keep 12." in message
    assert "Base model is not text: put it in quotes." in message
    assert "There is no field “colour”" in message


def test_the_same_faults_are_told_in_chinese() -> None:
    with pytest.raises(UserError) as caught:
        from_form(assistant="", owner="林夏", languages=["fr"])
    assert caught.value.render("zh") == (
        "这个人设不能使用。“助手的名字”为空：请写 1 到 40 个字符。"
        "“语言”：请选择 en、zh 或两者。 改好后请重试。"
    )


@pytest.mark.parametrize("mark", ["<|im_end|>", "</s>", "[INST]"])
def test_a_mark_of_chat_templates_is_refused(mark: str) -> None:
    with pytest.raises(UserError, match="Owner holds a mark of chat templates"):
        from_form(assistant="Momo", owner=f"Ann{mark}")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not hold fields"),
        (b"- a\n- b\n", "does not hold fields"),
        (b"1: a\n", "does not hold fields"),
        (b"owner: [\n", "not valid YAML near line"),
        (b"owner: a\nowner: b\n", "not valid YAML near line 2"),
        (b"\xff\xfe\xff", "not UTF-8"),
        (b"assistant: Momo\nowner: 12\n", "Owner is not text: put it in quotes."),
        (b"assistant: Momo\nowner:\n", "Owner is empty"),
        (b"assistant: Momo\nowner: Ann\nfacts: One\n", "Facts must be a list"),
        (b"owner: !!python/object:os.system x\nassistant: a\n", "not valid YAML"),
        (b"x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_file_that_is_no_persona_is_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        load(path)
    assert str(tmp_path) not in str(caught.value)


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no persona file mine\.yaml"):
        load(tmp_path / "mine.yaml")


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*Persona.model_fields, "x"]),
        st.text(max_size=70)
        | st.none()
        | st.integers()
        | st.lists(st.text(max_size=9), max_size=3),
    )
)
def test_any_form_gives_a_persona_or_a_user_error(fields: dict[str, object]) -> None:
    try:
        persona = from_form(**fields)
    except UserError as error:
        assert error.render("zh")
    else:
        assert all(name.strip() for name in persona.names)


@given(st.text(min_size=1, max_size=30), st.lists(st.text(max_size=50), max_size=3))
def test_any_persona_survives_its_file(
    tmp_path_factory: pytest.TempPathFactory, name: str, facts: list[str]
) -> None:
    try:
        persona = from_form(assistant=name, owner=name, facts=facts)
    except UserError:
        return
    path = tmp_path_factory.mktemp("persona") / "persona.yaml"
    save(persona, path)
    assert load(path) == persona
