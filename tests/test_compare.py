"""Several models side by side: what can be asked, what differs, and what the page shows of it."""

from __future__ import annotations

import pytest

from core import compare
from core.compare import Comparison, Side
from core.errors import UserError
from core.run import Run
from core.ui import compare_pane
from core.ui.speech import speaker

EVIL = "<img src=x onerror=alert(1)>"


def trained(path) -> Run:
    """A run with a checkpoint of step 7."""
    run = Run(path)
    (run.checkpoint_path(7) / "done").parent.mkdir(parents=True)
    (run.checkpoint_path(7) / "done").touch()
    return run


def test_what_differs_is_found_by_words_and_in_chinese_by_characters():
    assert compare.pieces("I am Nova.", "I am Clover.") == [
        ("I am ", False),
        ("Clover", True),
        (".", False),
    ]
    assert compare.pieces("我是小星", "我是小满") == [("我是小", False), ("满", True)]
    assert compare.pieces("", "a b") == [("a b", True)]
    text = "Line one\n\n  two_three — 42"
    assert "".join(piece for piece, _ in compare.pieces("one 42", text)) == text


def test_a_comparison_names_the_newest_step_and_drops_equal_sides(tmp_path):
    run = str(trained(tmp_path / "a").path)
    asked = compare.ask(
        ["Who are you? ", ""], [Side(run, "base"), Side(run, "adapter"), Side(run, "base")]
    )
    assert asked.questions == ("Who are you?",)
    assert asked.sides == (Side(run, "base"), Side(run, "adapter", 7))
    assert asked.answers == ((None, None),)


@pytest.mark.parametrize(
    ("questions", "sources"),
    [([], ("base", "adapter")), (["?"], ("base",)), (["?"], ("base", "merged"))],
)
def test_what_cannot_be_compared_is_refused(tmp_path, questions, sources):
    run = str(trained(tmp_path).path)
    with pytest.raises(UserError):
        compare.ask(questions, [Side(run, s) for s in sources])


def test_a_comparison_comes_back_from_the_disk_as_it_was(tmp_path):
    run = trained(tmp_path)
    assert compare.load(run) is None
    path = str(run.path)
    asked = compare.ask(["a", "b"], [Side(path, "base"), Side(path, "adapter", 7, 0.5)])
    half = asked.answered(1, {0: "x", 1: "y"})
    compare.save(half, run)
    assert compare.load(run) == half
    assert half.answers == ((None, "x"), (None, "y"))


def test_the_page_marks_differences_and_lets_no_html_through():
    sides = (Side("/x/run", "base"), Side("/x/run", "adapter", 7, 0.5))
    said = (("I am here", f"I am {EVIL}"), (None, "late"))
    found = Comparison((f"Who? {EVIL}", "Next"), sides, 80, 0.0, 0, said)
    html = compare_pane.shown(found, speaker("en"))
    assert "<img" not in html
    assert "I am <mark>" in html
    assert "strength 0.5 · run" in html
    assert "…" in html


def test_every_model_of_this_and_other_runs_is_offered(tmp_path):
    t = speaker("en")
    here, there = trained(tmp_path / "here"), trained(tmp_path / "there")
    assert compare_pane.choices(None, [], t) == []
    assert compare_pane.choices(Run(tmp_path / "new"), [here], t) == []
    offered = [value for _, value in compare_pane.choices(here, [here, there], t)]
    assert offered == ["here/base", "here/adapter:7", "there/adapter:7"]
