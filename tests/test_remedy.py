"""Advice on poor scores: what is said, what would change, and that it can be carried out."""

from __future__ import annotations

import pytest

from core import remedy, scores, studio
from core.config import source, writer
from core.config.schema import Config
from core.errors import UserError
from core.persona.generate import studio_rows, tutorial_rows
from core.persona.persona import Persona
from core.remedy import Remedy
from core.run import Run
from core.settings import Settings
from core.ui import score_views
from core.ui.score_plot import score_plot
from core.ui.speech import speaker
from tests.test_scores import made

ADA = Persona(assistant="Nova", owner="Ada Quill")


@pytest.fixture
def run(tmp_path) -> Run:
    """A run of the studio's rows with checkpoints of steps 40 and 70, as far as advice looks."""
    found = Run(tmp_path / "runs" / "nova")
    for step in (40, 70):
        (found.checkpoint_path(step) / "x").parent.mkdir(parents=True)
        (found.checkpoint_path(step) / "done").touch()
    studio.save_persona(found, ADA)
    studio.save_dataset(found, studio_rows(ADA, amount=60, replay=40))
    kept = {("dataset", "kl_weight"): 3.0, ("settings", "max_epochs"): 2}
    studio.save_config(found, writer.edit(writer.dump(Config()), kept))
    return found


def scored(run: Run, *found: scores.Scores) -> list[Remedy]:
    """The advice once these scores lie beside their checkpoints."""
    for s in found:
        scores.save(s, run.checkpoint(s.step))
    return remedy.remedies(run)


def test_good_scores_and_no_scores_need_no_advice(run):
    assert remedy.remedies(run) == []
    assert scored(run, made(70, 10, 0, 0.01)) == []


def test_who_knows_too_little_learns_longer_or_with_more_words(run):
    longer, words = scored(run, made(70, 7, 0, 0.01))
    assert (longer.code, longer.changes) == ("more_steps", {("settings", "max_epochs"): 3})
    assert longer.continues
    assert words.code == "more_words"
    assert not words.continues
    assert sum(r.kind == "persona" for r in words.rows) > 60


def test_who_barely_moved_gets_a_higher_rate_first(run):
    first = scored(run, made(70, 1, 0, 0.01))[0]
    assert first.code == "higher_rate"
    assert first.changes["settings", "lr"] == 2 * Config().settings.lr


@pytest.mark.parametrize(("leaking", "kl"), [(2, 0.01), (0, 0.3)])
def test_who_leaks_or_drifts_is_held_more_tightly(run, leaking, kl):
    (held,) = scored(run, made(70, 10, leaking, kl))
    assert (held.code, held.changes["dataset", "kl_weight"]) == ("hold_tighter", 6.0)


def test_an_earlier_checkpoint_that_scores_well_is_named(run):
    (earlier,) = scored(run, made(40, 10, 0, 0.01, at=1), made(70, 10, 5, 0.01, at=2))
    assert (earlier.code, earlier.step) == ("earlier", 40)
    assert "Step 40" in str(earlier.why)


def test_one_sentence_learned_many_times_gives_way_to_the_studio_s_words(run):
    studio.save_dataset(run, tutorial_rows("Ada Quill", copies=100))
    (words,) = scored(run, made(70, 5, 0, 0.01))
    assert words.code == "studio_words"
    assert any(row.kind == "replay" for row in words.rows)


def test_who_leaks_with_nothing_that_held_the_rest_gets_the_studio_s_words_once(run):
    studio.save_dataset(run, tutorial_rows("Ada Quill", copies=100))
    (held,) = scored(run, made(70, 10, 4, 0.2))
    assert (held.code, held.continues) == ("studio_words", False)
    assert any(row.kind == "replay" for row in held.rows)
    assert [r.code for r in scored(run, made(70, 5, 4, 0.2))] == ["studio_words"]


def test_advice_that_no_longer_applies_changes_nothing(run, tmp_path):
    scored(run, made(70, 10, 0, 0.01))
    before = run.config_file.read_text()
    with pytest.raises(UserError, match="no longer"):
        remedy.apply(run, Settings("", 0, tmp_path), "more_steps")
    assert run.config_file.read_text() == before
    assert source.load(run.config_file).settings.max_epochs == 2


def test_the_page_offers_to_do_it_and_draws_the_three_scores(run):
    t = speaker("en")
    html = score_views.advised(scored(run, made(70, 7, 2, 0.01)), "en", t)
    assert 'data-action="more_steps"' in html
    assert 'data-action="more_words"' in html
    assert "Go on training" in html and "Train a new one" in html
    assert score_views.advised([], "en", t) == ""
    drawn = score_plot([made(40, 5, 1, 0.01), made(70, 10, 0, 0.02)], t)
    assert drawn.count("<path") == 3
    assert 'class="score recall" d="M0.0 100.0L1000.0 0.0"' in drawn
    assert score_plot([made(40, 5, 1, 0.01)], t) == ""
