"""Fields as data: complete, bounded, and told in two languages."""

import ast
import json
from pathlib import Path

import pytest

from core.config.fields import fields, value_of
from core.config.schema import PARTS, Config
from core.config.titles import TITLES

ROOT = Path(__file__).parents[2]
ZH = json.loads((ROOT / "core/locale/zh/config.json").read_text("utf-8"))


def _templates() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "core/config").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("text", "UserError"):
                sentences = node.args[: 2 if getattr(node.func, "id", "") == "UserError" else 1]
                found |= {str(a.value) for a in sentences if isinstance(a, ast.Constant)}
    return found


def test_every_field_of_every_part_has_help_an_expectation_and_its_default() -> None:
    assert {part for part, _ in fields()} == set(PARTS)
    for (part, key), field in fields().items():
        assert field.help.template
        assert str(field.expects).startswith("Write ")
        assert value_of(Config(), part, key) == field.default


def test_numbers_have_both_bounds_and_choices_are_listed() -> None:
    for field in fields().values():
        if field.kind in ("number", "whole number"):
            assert field.low is not None and field.high is not None
    assert fields()["model", "quantization"].choices == ("nf4", "none")
    assert fields()["optimizer", "optim_type"].choices == ("AdamW",)


_WORDS = {t.template for f in fields().values() for t in (f.title, f.help)}


def test_every_field_has_a_short_title_of_its_own() -> None:
    assert set(TITLES) == {key for _, key in fields()}
    titles = [f.title.template for f in fields().values()]
    assert len(set(titles)) == len(titles)
    assert all(len(title) <= 32 for title in titles)


@pytest.mark.parametrize(
    "sentence",
    sorted({*PARTS.values(), *_WORDS, *_templates()}),
)
def test_every_sentence_of_the_config_is_translated_with_the_same_values(sentence: str) -> None:
    assert sentence in ZH
    if sentence not in _WORDS:
        names = {part.split("}")[0] for part in sentence.split("{")[1:]}
        assert names == {part.split("}")[0] for part in ZH[sentence].split("{")[1:]}
