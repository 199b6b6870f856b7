"""YAML text to Config and back, with every mistake told at once."""

import random
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.config import catalog, source
from core.config.facts import Facts
from core.config.fields import Field, fields
from core.config.lint import lint
from core.config.schema import Config
from core.errors import UserError

PRESET = source.dump(catalog.preset(catalog.DEFAULT), comments=None)
LINE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


def _values(field: Field) -> st.SearchStrategy[Any]:
    low, high = field.low or 0, field.high or 0
    match field.kind:
        case "choice":
            return st.sampled_from(field.choices)
        case "switch":
            return st.booleans()
        case "whole number":
            return st.integers(int(low), int(high))
        case "number":
            return st.floats(low, high, exclude_min=field.above, exclude_max=field.below)
        case "two numbers":
            return st.tuples(st.floats(0, 0.999), st.floats(0, 0.999))
        case "numbers":
            return st.lists(st.integers(0, 255), max_size=4).map(tuple)
        case "texts":
            return st.lists(LINE, min_size=int(low), max_size=3).map(tuple)
        case "text":
            return LINE if low else st.text(st.characters(codec="utf-8"), max_size=30)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    parts: dict[str, dict[str, Any]] = {}
    for (part, key), field in fields().items():
        if (part, key) != ("optimizer", "eta_min") and draw(st.booleans()):
            parts.setdefault(part, {})[key] = draw(_values(field))
    if "dataset" in parts:
        pairs = len(parts["dataset"].get("input_text", ("",)))
        parts["dataset"]["output_text"] = ("{a}",) * pairs
    return Config.model_validate(parts)


@settings(max_examples=60, deadline=None)
@given(config=configs(), language=st.sampled_from(["en", "zh", None]))
def test_every_config_comes_back_from_its_yaml_unchanged(
    config: Config, language: str | None
) -> None:
    assert source.parse(source.dump(config, comments=language)) == config


def test_an_empty_text_is_the_default_config() -> None:
    for nothing in ("", "# only a comment\n", "settings:\nmodel:\n", "\ufeff"):
        assert source.parse(nothing) == Config()


def test_questions_and_answers_of_columns_must_pair() -> None:
    (fault,) = source.faults("dataset:\n  input_text: ['{a}', '{b}']\n")
    assert (fault.part, fault.key, fault.line) == ("dataset", "input_text", 2)
    assert str(fault.problem) == "input_text and output_text are not equally many."


BAD = """\
setings:
  a: 1
max_lenght: 3
settings:
  max_lenght: 9
  learning_rate: 3
  lora_r: 3
  lr:
  batch_size: true
  max_epochs: 0
  max_epochs: 5
  evaluation_inputs:
    - a

    - 5
optimizer: 5
runtime:
  deepspeed: zero3
"""


def test_all_mistakes_come_at_once_with_line_place_and_remedy() -> None:
    with pytest.raises(UserError) as caught:
        source.parse(BAD, "mine.yaml")
    said = str(caught.value)
    for sentence in (
        "mine.yaml cannot be used as it is:",
        "Line 1, setings: There is no part “setings”. Did you mean “settings”?",
        "Line 3, max_lenght: “max_lenght” stands outside the parts. "
        "Did you mean “max_length”? It belongs under “settings:”.",
        "Line 5, settings.max_lenght: There is no key “max_lenght” in the part “settings”. "
        "Did you mean “max_length”?",
        "Line 6, settings.learning_rate: There is no key “learning_rate” in the part “settings”. "
        "Did you mean “lr”?",
        "Move it under “model:”.",
        "Line 8, settings.lr: There is no value. Write a number above 0 and at most 1.",
        "Line 9, settings.batch_size: “true” cannot be used here.",
        "Line 10, settings.max_epochs: “0” is too small. Write a whole number from 1 to 1000.",
        "Line 11, settings.max_epochs: “max_epochs” is here a second time, after line 10.",
        "Line 15, settings.evaluation_inputs: “5” cannot be used here.",
        "Line 16, optimizer: The part “optimizer” holds no keys.",
        "Line 18, runtime.deepspeed: “zero3” cannot be used here. Write one of: none, ",
    ):
        assert sentence in said
    lines = [fault.line for fault in source.faults(BAD)]
    assert len(lines) == 12
    assert lines == sorted(lines, key=lambda line: line or 0)


def test_the_same_mistakes_are_told_in_chinese() -> None:
    with pytest.raises(UserError) as caught:
        source.parse("settings:\n  lr: 5\n")
    said = caught.value.render("zh")
    assert "第 2 行，settings.lr：“5” 太大。请写大于 0、不超过 1 的数。" in said


def test_a_rate_that_ends_above_its_peak_is_a_mistake_with_a_line() -> None:
    (fault,) = source.faults("settings:\n  lr: 1e-4\noptimizer:\n  eta_min: 0.9\n")
    assert (fault.part, fault.key, fault.line) == ("optimizer", "eta_min", 4)


@pytest.mark.parametrize(
    "hostile",
    [
        "[" * 200_000,
        "a: {" * 60_000,
        "- " * 100_000,
        "x" * 10_000_000,
        "\n".join(f"k{i}: 1" for i in range(30_000)),
        "a: &a [x]\nb: &b [*a, *a]\nsettings: *b",
        "settings: !!python/object/apply:os.system ['true']",
        "settings:\n  lr: !!float 1",
        "%YAML 1.1\n---\nsettings:\n",
        "settings:\n---\nsettings:\n",
        "settings:\n\tlr: 1",
        "settings:\n  lr: 'open",
        "settings:\n  lr: \x00",
        "- settings",
        "settings: 7",
        "? [a, b]\n: c",
        "<<: {a: 1}",
        f"settings:\n  batch_size: {'9' * 100_000}",
        "settings:\n  lr: .nan",
        "settings:\n  lr: 1" + "0" * 30,
    ],
)
def test_a_hostile_text_is_refused_within_a_second(hostile: str) -> None:
    start = time.process_time()
    assert source.faults(hostile)
    assert time.process_time() - start < 1


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="ab:-[]{}'\"#&*!|> \n%lr1.settings"))
def test_any_text_gives_a_config_or_mistakes_never_another_error(text: str) -> None:
    try:
        source.parse(text)
    except UserError:
        assert source.faults(text)
    else:
        assert source.faults(text) == []


PIECES = (
    *("\n", "  ", ":", "- ", "# ", "[", "]", "{", "}", "&a", "*a", "!!x", "|", ">", "'", '"', "\t"),
    *(
        "%",
        "---",
        "null",
        "true",
        "-1",
        "0",
        "1e309",
        ".nan",
        "9" * 30,
        "lr",
        "model:",
        "你",
        "\x00",
    ),
)


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), many=st.integers(1, 6))
def test_mutated_presets_are_read_edited_and_linted_or_refused_with_a_sentence(
    seed: int, many: int
) -> None:
    draw, changed = random.Random(seed), PRESET
    for _ in range(many):
        at = draw.randrange(len(changed))
        other = draw.randrange(len(changed))
        piece = draw.choice((draw.choice(PIECES), changed[other : other + 30], ""))
        changed = changed[:at] + piece + changed[at + draw.choice((0, 0, 1, 5, 40)) :]
    found = source.faults(changed)
    for fault in found:
        assert fault.sentence.render("zh") and fault.sentence.render("en")
    try:
        edited = source.edit(changed, {("settings", "lr"): 0.5, ("model", "lora_r"): 3})
        assert found or source.parse(edited).model.lora_r == 3
    except UserError as error:
        assert error.remedy.template
    if not found:
        facts = Facts(rows=9, unique_rows=1, has_system_turn=False, total_steps=5, tokens_p95=400)
        for finding in lint(source.parse(changed), facts):
            assert finding.text.render("zh")


def test_a_file_is_read_and_its_absence_told(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    with pytest.raises(UserError, match="There is no config at"):
        source.load(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read as text"):
        source.load(path)
    with pytest.raises(UserError, match="cannot be read as text"):
        source.load(tmp_path)
    path.write_text("settings:\n  max_epochs: 7\n", "utf-8")
    assert source.load(path).settings.max_epochs == 7
