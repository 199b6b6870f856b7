"""Values change in a person's own text; everything around them stays."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import source
from core.config.fields import fields, value_of
from core.config.schema import Config
from core.config.writer import inline
from core.errors import UserError

MINE = """\
# my own config
settings:   # part one
    max_epochs:   3     # three times
    lr: 2e-4

    # a long remark: with a colon
    SYSTEM: |   # block
        You are Jo.

        Be brief.
    # the questions
    evaluation_inputs:
        - "Who?"   # first
        - Why?
    # after the questions
    save_steps:    # nothing yet: really
    betas: [0.9,   0.99]

# part two
model: {lora_r: 8, lora_alpha: 16}   # flow
dataset:
"""


def test_only_the_value_changes_and_comments_and_spaces_stay() -> None:
    assert source.edit(MINE, {("settings", "max_epochs"): 5}) == MINE.replace(
        "max_epochs:   3     #", "max_epochs:   5     #"
    )
    assert source.edit(MINE, {("settings", "lr"): 0.0002}) == MINE
    assert source.edit(MINE, {("settings", "betas"): (0.9, 0.95)}) == MINE.replace(
        "[0.9,   0.99]", "[0.9, 0.95]"
    )
    assert source.edit(MINE, {("model", "lora_r"): 16}) == MINE.replace("lora_r: 8", "lora_r: 16")


def test_blocks_lists_and_empty_values_can_change_kind() -> None:
    changed = source.edit(
        MINE,
        {
            ("settings", "SYSTEM"): "one\ntwo: #",
            ("settings", "evaluation_inputs"): ("你是谁？", "- b", "c"),
            ("settings", "save_steps"): 30,
            ("model", "lora_dropout"): 0.1,
            ("dataset", "format"): "alpaca",
            ("runtime", "seed"): 7,
        },
    )
    config = source.parse(changed)
    assert config.settings.SYSTEM == "one\ntwo: #"
    assert config.settings.evaluation_inputs == ("你是谁？", "- b", "c")
    assert config.settings.save_steps == 30
    assert config.model.lora_dropout == 0.1
    assert config.dataset.format == "alpaca"
    assert config.runtime.seed == 7
    for comment in (
        "# my own",
        "# part one",
        "# three times",
        "with a colon",
        "# the questions",
        "# after the questions",
        "# nothing yet: really",
        "# part two",
        "# flow",
    ):
        assert comment in changed
    emptied = source.edit(MINE, {("settings", "evaluation_inputs"): ()})
    assert "evaluation_inputs: []\n    # after" in emptied


def test_new_keys_join_their_part_with_its_indent_and_line_endings() -> None:
    windows = "settings:\r\n   lr: 0.1 # mine\r\n\r\n# the end\r\n"
    changed = source.edit(windows, {("settings", "max_epochs"): 2, ("model", "lora_r"): 4})
    assert changed == (
        "settings:\r\n   lr: 0.1 # mine\r\n   max_epochs: 2\r\n\r\n# the end\r\n\r\n"
        "model:\r\n  lora_r: 4\r\n"
    )
    assert source.edit("", {("model", "lora_r"): 4}) == "model:\n  lora_r: 4\n"
    for empty in ("model:", "model: {}", "model: null # none", "model: # hm: x\n# y\nruntime:\n"):
        assert source.parse(source.edit(empty, {("model", "lora_r"): 4})).model.lora_r == 4


def test_a_broken_text_or_an_unknown_key_is_refused() -> None:
    with pytest.raises(UserError, match="cannot be changed here: Line 1"):
        source.edit("a: [", {("model", "lora_r"): 4})
    with pytest.raises(UserError, match="layout"):
        source.edit("{settings: {lr: 1}}", {("model", "lora_r"): 4})
    with pytest.raises(KeyError):
        source.edit("", {("model", "rank"): 4})


@settings(max_examples=80, deadline=None)
@given(text=st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_can_be_written_on_one_line(text: str) -> None:
    assert "\n" not in inline(text)
    assert source.parse(f"settings:\n  SYSTEM: {inline(text)}\n").settings.SYSTEM == text


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_field_of_a_dumped_config_can_be_edited_alone(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(sorted(fields())))
    new: dict[str, Any] = {
        "whole number": 33,
        "number": 1.5 if place[1] == "opening_weight" else 0.0001,
        "switch": not fields()[place].default,
        "text": "words: and # more",
        "choice": fields()[place].choices[-1:] and fields()[place].choices[-1],
        "texts": ("x", "y: z"),
        "two numbers": (0.5, 0.25),
        "numbers": (0, 2),
    }
    value = new[fields()[place].kind]
    if place in (("dataset", "input_text"), ("dataset", "output_text")):
        value = ("x: y",)  # they pair
    text = source.dump(Config())
    changed = source.edit(text, {place: value})
    parsed = source.parse(changed)
    assert value_of(parsed, *place) == value
    others = [p for p in fields() if p != place]
    assert all(value_of(parsed, *p) == value_of(Config(), *p) for p in others)
    assert [x for x in changed.splitlines() if "#" in x and "words: and" not in x] == [
        x for x in text.splitlines() if "#" in x
    ]
