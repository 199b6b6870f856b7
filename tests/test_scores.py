"""Figures of a checkpoint: intervals, groups, the best one, and people's own questions."""

from __future__ import annotations

import json

import pytest

from core import scores
from core.errors import UserError
from core.run import Checkpoint, Run
from core.scores import Answered, Scores, Share


def made(step: int, right: int, leaking: int, kl: float) -> Scores:
    """Ten identity and ten general answers, of which so many hit."""
    rows = [
        Answered(kind, "en", "name", f"{kind} {i}", "a", "b", i < hits, False)
        for kind, hits in (("identity", right), ("general", leaking))
        for i in range(10)
    ]
    return Scores(step, kl, 0.9, 100, 1.0, tuple(rows))


def test_the_interval_is_wilsons():
    assert Share(9, 10).interval == pytest.approx((0.5958, 0.9821), abs=1e-4)
    assert Share(0, 300).interval == pytest.approx((0.0, 0.01264), abs=1e-4)
    assert Share(0, 0).interval == (0.0, 1.0)


def test_recall_and_leak_count_their_own_questions_on_their_own_side():
    found = made(1, 7, 2, 0.1)
    assert (found.recall().count, found.leak().count) == (7, 2)
    assert found.recall("base").count == found.leak("base").count == 0
    assert found.recall(language="zh").total == 0


def test_the_best_checkpoint_knows_most_and_tells_least():
    knows, tells, near = made(10, 9, 0, 0.05), made(20, 10, 2, 0.01), made(30, 9, 0, 0.02)
    assert scores.best([knows, tells]) is knows
    assert scores.best([knows, tells, near]) is near
    assert "Step 30" in str(scores.why_best([knows, tells, near]))


def test_scores_come_back_from_the_disk_as_they_were(tmp_path):
    place = Checkpoint(tmp_path)
    assert scores.load(place) is None
    scores.save(made(10, 9, 1, 0.05), place)
    assert scores.load(place) == made(10, 9, 1, 0.05)


def test_own_questions_replace_the_held_out_ones(tmp_path):
    file = tmp_path / "own.json"
    asked = [{"question": "Who made you?", "facts": ["Ada"]}]
    file.write_text(json.dumps({"identity": asked, "general": ["Why?"], "names": ["Ada"]}))
    found = scores.questions(Run(tmp_path), file)
    assert found.identity[0].answered_by("Ada did.")
    assert not found.identity[0].answered_by("Nobody.")
    assert (found.general, found.names) == (("Why?",), ("Ada",))


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"identity": []}', '{"identity": [{"question": "?"}], "general": ["a"]}'],
)
def test_a_faulty_file_of_questions_is_one_clear_sentence(tmp_path, content):
    file = tmp_path / "own.json"
    file.write_text(content)
    with pytest.raises(UserError, match=r"own\.json"):
        scores.questions(Run(tmp_path), file)


def test_a_run_without_a_persona_asks_for_questions(tmp_path):
    with pytest.raises(UserError, match="--probes"):
        scores.questions(Run(tmp_path))
