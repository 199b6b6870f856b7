"""The page's sentences and its one edge for errors."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import gradio as gr
import pytest

import app
from core.errors import UserError
from core.ui import speech

UI = Path(app.__file__).parent / "core" / "ui"


def sentences() -> set[str]:
    """Every English sentence that a file of the page says with t("…")."""
    found = set()
    for file in UI.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "t" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def table() -> dict[str, str]:
    files = sorted((UI.parent / "locale" / "zh").glob("*.json"))
    return {k: v for file in files for k, v in json.loads(file.read_text("utf-8")).items()}


def test_every_sentence_of_the_page_has_its_chinese():
    assert sorted(sentences() - table().keys()) == []


def test_every_chinese_sentence_has_the_slots_of_its_english():
    def slots(text: str) -> set[str]:
        return {part.partition("}")[0] for part in text.split("{")[1:]}

    chinese = json.loads((UI.parent / "locale" / "zh" / "ui.json").read_text("utf-8"))
    assert [k for k, v in chinese.items() if slots(k) != slots(v)] == []


@pytest.fixture
def notices(monkeypatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda message, **named: found.append(message))
    return found


def test_a_user_s_mistake_becomes_a_notice_in_the_page_s_language(notices):
    @speech.guard("zh")
    def handler():
        raise UserError("There are no conversations yet.", "Try again in a moment.")

    assert handler() == gr.skip()
    assert notices == ["还没有对话。 请稍后再试。"]


def test_a_notice_never_carries_html_from_outside(notices):
    @speech.guard("en")
    def handler():
        raise UserError("{name} is empty.", "Try again.", name="<script>")

    handler()
    assert notices == ["&lt;script&gt; is empty. Try again."]


def test_our_own_mistake_is_one_honest_sentence_and_a_log_entry(notices, caplog):
    @speech.guard("en")
    def handler():
        raise ZeroDivisionError("secret detail")

    handler()
    assert "on our side" in notices[0] and "secret" not in notices[0]
    assert "secret detail" in caplog.text


def test_a_stream_that_fails_keeps_what_it_gave(notices):
    @speech.guard("en")
    def handler():
        yield 1
        raise UserError("{name} is empty.", "Try again.", name="x")

    assert list(handler()) == [1, gr.skip()]
    assert notices


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("de, zh-TW;q=0.5, en;q=0.2", "zh"),
        ("en;q=0.1, zh;q=0.9", "zh"),
        ("fr", "en"),
        ("", "en"),
        ("zh;q=nonsense", "en"),
    ],
)
def test_the_first_address_picks_the_browser_s_language(accepted, language):
    assert app.preferred(accepted) == language
