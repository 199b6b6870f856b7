"""The dilution meter: shares, the rule, and a warning on either side of it."""

from __future__ import annotations

import re

import pytest

from core.dataset import Message, Row
from core.dataset_summary import describe
from core.persona.generate import studio_rows, tutorial_rows
from core.persona.persona import Persona, defaults
from core.ui.mix_views import mix
from core.ui.speech import speaker

en = speaker("en")


def shares(html: str) -> list[float]:
    """The widths of the three parts, in percent."""
    return [float(width) for width in re.findall(r'style="width:([\d.]+)%"', html)]


def row(number: int, kind="persona") -> Row:
    asked = Message("user", f"What is {number}?")
    if kind != "persona":
        return Row((asked,), kind)
    return Row((asked, Message("assistant", "I am Nova.")))


@pytest.mark.parametrize("languages", [("en",), ("zh",), ("en", "zh")])
def test_the_studio_s_conversations_follow_the_rule_and_need_no_warning(languages):
    persona = Persona(assistant="Nova", owner="Ada", languages=languages)
    rows = studio_rows(persona)
    html = mix(describe(rows), en)
    taught, contrast, replay = shares(html)
    assert taught == pytest.approx(
        100 * sum(r.kind == "persona" for r in rows) / len(rows), abs=0.06
    )
    assert 40 < taught < 60
    assert contrast > 15
    assert replay > 4
    assert sum((taught, contrast, replay)) == pytest.approx(100, abs=0.2)
    assert "The rule:" in html
    assert "notice" not in html


def test_too_little_of_the_persona_is_called_diluted():
    rows = [row(i) for i in range(10)] + [row(100 + i, "replay") for i in range(90)]
    html = mix(describe(rows), en)
    assert shares(html) == [10, 0, 90]
    assert "Diluted: only 10%" in html
    assert "max_replay" in html


def test_too_little_of_anything_else_is_called_too_strong():
    rows = [row(i) for i in range(90)] + [row(100 + i, "contrast") for i in range(10)]
    assert "Too strong: 90%" in mix(describe(rows), en)
    assert "Too strong: 100%" in mix(describe(tutorial_rows("Ada", copies=9)), en)


def test_one_s_own_conversations_are_not_measured_by_it():
    assert mix(describe([row(i) for i in range(5)]), en) == ""


def test_the_meter_speaks_chinese():
    html = mix(describe(studio_rows(defaults("zh"))), speaker("zh"))
    assert "规则" in html
    assert not re.search("rule|About", html)
