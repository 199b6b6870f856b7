"""Figures of a checkpoint: intervals, groups, the best one, and people's own questions."""

from __future__ import annotations

import json
from argparse import ArgumentParser

import pytest

from core import questions, scores
from core.cli.common import step_of, with_step
from core.errors import UserError
from core.run import Checkpoint, Run
from core.scores import Answered, Scores, Share
from core.ui.chat_session import choices
from core.ui.speech import speaker


def made(
    step: int,
    right: int,
    leaking: int,
    kl: float,
    *,
    strength: float = 1.0,
    digest: str = "aaaa",
    at: float = 0.0,
) -> Scores:
    """Ten identity and ten general answers, of which so many hit."""
    rows = [
        Answered(kind, "en", "name", f"{kind} {i}", "a", "b", i < hits, False)
        for kind, hits in (("identity", right), ("general", leaking))
        for i in range(10)
    ]
    return Scores(step, strength, "standard", digest, at, kl, 0.9, 100, 1.0, tuple(rows))


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
    assert "Step 30 is the best of 3" in str(scores.why_best([knows, tells, near]))
    assert "Step 30 is the only one" in str(scores.why_best([near]))


def test_only_answers_to_the_same_questions_at_full_strength_are_compared():
    old, mine = made(10, 9, 0, 0.1, digest="mine", at=1), made(20, 9, 0, 0.1, digest="mine", at=2)
    other = made(30, 10, 0, 0.1, digest="other", at=3)
    weak = made(20, 10, 0, 0.1, digest="mine", strength=0.5, at=4)
    assert scores.comparable([old, mine, weak]) == [old, mine]
    assert scores.comparable([old, mine, other, weak]) == [other]
    assert scores.comparable([weak]) == []
    assert scores.strengths([old, weak, mine, other], 20) == [weak, mine]


def test_scores_come_back_from_the_disk_as_they_were(tmp_path):
    place = Checkpoint(tmp_path)
    assert scores.of_checkpoint(place) == []
    first, weak = made(10, 9, 1, 0.05, at=1), made(10, 8, 0, 0.02, strength=0.5, at=2)
    own, again = made(10, 1, 1, 0.02, digest="own", at=3), made(10, 7, 1, 0.05, at=4)
    for found in (weak, own, first, again):
        scores.save(found, place)
    assert scores.of_checkpoint(place) == [weak, own, again]


def test_own_questions_replace_the_held_out_ones(tmp_path):
    file = tmp_path / "own.json"
    asked = [{"question": "Who made you?", "facts": ["Ada"]}]
    file.write_text(json.dumps({"identity": asked, "general": ["Why?"], "names": ["Ada"]}))
    found = questions.questions(Run(tmp_path), file)
    assert found.identity[0].answered_by("Ada did.")
    assert not found.identity[0].answered_by("Nobody.")
    assert (found.general, found.names) == (("Why?",), ("Ada",))
    assert found.source == "own.json"


def test_equal_questions_have_one_digest_whatever_their_file_is_called(tmp_path):
    asked = {"identity": [{"question": "Who made you?", "facts": ["Ada"]}], "general": ["Why?"]}
    digests = []
    for name, question in (("a.json", "Why?"), ("b.json", "Why?"), ("c.json", "How?")):
        (tmp_path / name).write_text(json.dumps({**asked, "general": [question]}))
        digests.append(questions.questions(Run(tmp_path), tmp_path / name).digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_question_may_demand_yes_or_no(tmp_path):
    file = tmp_path / "own.json"
    asked = [
        {"question": "Are you Siri?", "polarity": "no"},
        {"question": "你是小星吗？", "polarity": "yes", "language": "zh", "facts": ["小星"]},
    ]
    file.write_text(json.dumps({"identity": asked, "general": ["Why?"]}))
    denies, confirms = questions.questions(Run(tmp_path), file).identity
    assert denies.answered_by("No, I am Nova.")
    assert not denies.answered_by("Yes, I am Siri.")
    assert confirms.answered_by("是的，我是小星。")
    assert not confirms.answered_by("不，我是小星。")
    assert not confirms.answered_by("是的。")


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"identity": []}', '{"identity": [{"question": "?"}], "general": ["a"]}'],
)
def test_a_faulty_file_of_questions_is_one_clear_sentence(tmp_path, content):
    file = tmp_path / "own.json"
    file.write_text(content)
    with pytest.raises(UserError, match=r"own\.json"):
        questions.questions(Run(tmp_path), file)


def test_a_run_without_a_persona_asks_for_questions(tmp_path):
    with pytest.raises(UserError, match="--probes"):
        questions.questions(Run(tmp_path))


def test_the_command_line_takes_the_best_step_and_says_when_nothing_is_scored(tmp_path):
    run = Run(tmp_path)
    for step in (10, 20):
        run.checkpoint_path(step).mkdir(parents=True)
        (run.checkpoint_path(step) / "done").touch()
    parser = with_step(ArgumentParser())
    asked = parser.parse_args(["--step", "best"])
    with pytest.raises(UserError, match="--every"):
        step_of(asked, run)
    scores.save(made(10, 9, 0, 0.1, at=1), run.checkpoint(10))
    scores.save(made(20, 9, 3, 0.1, at=2), run.checkpoint(20))
    assert scores.chosen(run).step == step_of(asked, run) == 10
    assert step_of(parser.parse_args(["--step", "20"]), run) == 20
    assert step_of(parser.parse_args([]), run) is None
    offered = choices(run, speaker("en"))
    assert [source for _, source in offered] == ["adapter:10", "adapter:20"]
    assert "the best by its scores" in offered[0][0]
