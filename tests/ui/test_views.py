"""Facts in, HTML out: what the page shows, without a page."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core.dataset import Message, Row
from core.dataset_summary import describe
from core.errors import text
from core.persona.generate import studio_rows, tutorial_rows
from core.persona.persona import defaults
from core.plan import Item, Plan
from core.run import Run
from core.scores import Answered, Scores
from core.status import Point, Sample, Status, fold
from core.ui import plot, runs_views, score_views, train_views, views
from core.ui.speech import speaker

EVIL = "<img src=x onerror=alert(1)>\"'&"
en, zh = speaker("en"), speaker("zh")


def point(step: int, loss: float = 1.0, kl: float | None = None) -> Point:
    """One step as the job writes it and the page reads it: 100 tokens in half a second."""
    event = {"kind": "stepped", "at": 0.0, "job": "train", "step": step, "loss": loss, "kl": kl}
    figures = {"tokens": 100, "real_tokens": 100, "seconds": 0.5, "memory_gib": 1.25}
    return fold([{**event, **figures, "learning_rate": 1e-3}]).points[0]


def visible(html: str) -> str:
    """The text a reader sees, spaces evened."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_making_a_model_ready_says_whether_it_is_fetched_or_converted_and_how_far_it_is():
    fetching = Status(state="running", stage="downloading", stage_done=3.2e8, stage_total=3.78e9)
    told = visible(views.preparing(fetching, "a/b", "en", en, remote=True))
    assert told == (
        "Downloading a/b, once. You may close this page; it goes on by itself. 320 MB of 3.8 GB"
    )
    told = views.preparing(Status(state="starting"), "/models/mine", "en", en)
    assert visible(told) == "Converting /models/mine, once."
    stopped = Status(state="stopped")
    assert "is kept" in views.preparing(stopped, "a/b", "en", en, remote=True)
    assert "会保留" in views.preparing(stopped, "a/b", "zh", zh, remote=True)
    assert views.preparing(stopped, "/models/mine", "en", en) == ""
    assert EVIL not in views.preparing(fetching, EVIL, "en", en, remote=True)


def test_the_header_names_the_run_its_state_and_the_other_language(tmp_path):
    now = Status(state="running", total_steps=40, points=(point(10),))
    html = views.header(Run(tmp_path / "Clover-1"), now, "en", en)
    assert "Clover-1 Training 25%" in visible(html)
    assert 'href="../zh/?run=Clover-1"' in html


def test_without_a_run_the_header_says_so_in_the_page_s_language():
    assert "新助手，尚未保存" in views.header(None, Status(), "zh", zh)


@pytest.mark.parametrize("state", ["draft", "queued", "starting", "running", "stopping"])
def test_every_state_has_words_in_both_languages(state):
    assert views.state_words(state, en) != views.state_words(state, zh)


@pytest.mark.parametrize("t", [en, zh])
def test_a_run_that_ran_out_of_memory_says_what_it_does_about_it(t):
    halved = {"kind": "halved", "job": "train", "at": 1.0, "step": 7}
    events = [
        {"kind": "started", "job": "train", "at": 0.0, "total_steps": 9},
        {**halved, "before": 1600, "tokens": 800},
        {**halved, "before": 800, "tokens": 400},
    ]
    told = visible(train_views.live(fold(events), "en", t))
    assert all(figure in told for figure in ("7", "400", "1,600"))
    assert ("Memory ran out" in told) is (t is en)


def test_what_people_typed_is_shown_and_never_executed(tmp_path):
    evil_run = Run(tmp_path / "x")
    object.__setattr__(evil_run, "path", tmp_path / EVIL.replace("/", ""))
    row = Row((Message("system", EVIL), Message("user", EVIL), Message("assistant", EVIL)))
    entry = runs_views.Entry(EVIL, "failed", False, EVIL, EVIL, 3, 1.0, 10, 0.0, True)
    failed = Status(state="failed", problem=text("{x}", x=EVIL), remedy=text("{x}", x=EVIL))
    pages = [
        views.header(evil_run, Status(), "en", en),
        views.conversations([row], en),
        views.notice("bad", EVIL, EVIL),
        views.faults([EVIL], en),
        runs_views.table([entry], EVIL, "en", en),
        runs_views.delete_question(entry, en),
        train_views.samples([Sample(0, EVIL, EVIL)], en),
        train_views.live(replace(failed, detail=EVIL), "en", en),
        train_views.live(Status(state="running", stage=EVIL), "en", en),
        train_views.live(Status(state="queued", ahead=(EVIL,)), "en", en),
    ]
    assert not [html for html in pages if "<img" in html]
    assert all("&lt;img" in html for html in pages)


def test_conversations_show_each_kind_with_its_count():
    rows = studio_rows(defaults("en"))
    seen = visible(views.conversations(rows, en))
    for kind, title in (("persona", "About itself"), ("contrast", "What it must not mix up")):
        assert f"{title} {len({r for r in rows if r.kind == kind})}" in seen
    assert "the base model’s own answer" in seen


def test_counts_tell_copies_apart():
    rows = tutorial_rows("Ada", copies=9999)
    assert visible(views.counts(describe(rows), en)).startswith(
        "10,000 conversations · 1 of them different"
    )


def test_the_mode_of_a_dataset_is_read_off_its_rows():
    assert views.mode_of(tutorial_rows("Ada", copies=3)) == "tutorial"
    assert views.mode_of(studio_rows(defaults("en"))) == "studio"
    own = [Row((Message("user", f"{i}"), Message("assistant", "a"))) for i in range(3)]
    assert views.mode_of(own) == "own"


def test_the_plot_is_one_line_from_first_to_last_step_with_dots_at_checkpoints():
    points = [point(step, 4 / step) for step in range(1, 11)]
    html = plot.loss_plot(points, 20, (5, 10), en)
    line = re.search(r'class="line" d="M([^"]+)"', html)[1].split("L")
    assert len(line) == 10
    assert line[0] == "0.0 0.0"
    assert float(line[-1].split()[0]) == pytest.approx(1000 * 9 / 19, abs=0.1)
    assert html.count('class="dot"') == 2
    assert "Loss 0.4 at step 10 of 20" in html


def test_the_plot_of_many_points_stays_small_and_keeps_the_last():
    points = [point(step, 1 + 1 / step) for step in range(1, 50_001)]
    html = plot.loss_plot(points, 50_000, (), en)
    assert len(html) < 30_000
    assert "at step 50000 of 50000" in html


def test_a_loss_that_is_not_a_number_leaves_the_plot_standing():
    html = plot.loss_plot([point(1), point(2, float("nan")), point(3, 0.0)], 3, (), en)
    assert "nan" not in html
    assert "appears with the first steps" in plot.loss_plot([point(1, float("inf"))], 3, (), en)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7300, "2 h 1 min")],
)
def test_durations_are_said_in_the_units_that_matter(seconds, said):
    assert train_views.duration(seconds, en) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(20, 44, "20 to 44 s"), (84, 143, "1 to 3 min"), (5000, 9000, "1.4 to 2.5 h")],
)
def test_estimates_are_rough_on_purpose(low, high, said):
    assert train_views.between(low, high, en) == said


def test_the_plan_gives_figures_warnings_and_a_reason_for_every_choice():
    item = Item(
        "device", "cpu", text("Device"), text("processor, {cores} cores", cores=2), text("x")
    )
    plan = Plan((item,), 35, (84.0, 143.0), (1.4, 1.8), 0.6, (text("Steps"),))
    seen = visible(train_views.plan_card(plan, "en", en))
    assert "Steps 35" in seen
    assert "1 to 3 min" in seen
    assert "1.4 to 1.8 GiB" in seen
    assert "Device processor, 2 cores x" in seen


def test_a_running_training_shows_progress_time_left_speed_memory_and_drift():
    points = tuple(point(step, 2.0, 0.05) for step in range(1, 11))
    now = Status(state="running", stage="training", total_steps=40, points=points, eta_seconds=75)
    html = train_views.live(now, "en", en)
    seen = visible(html)
    assert "step 10 of 40" in seen
    assert 'aria-valuenow="25"' in html
    for figure in ("Time left 1 min 15 s", "Loss 2", "Speed 200", "Memory 1.2 GiB", "Drift 0.050"):
        assert figure in seen


def test_a_failed_training_says_why_and_what_to_do_in_the_page_s_language():
    now = Status(
        state="failed",
        problem=text("The job ended without a word: it was killed, or memory ran out."),
        remedy=text("Press Resume to go on from the last checkpoint; the log may say more."),
    )
    html = train_views.live(now, "zh", zh)
    assert 'role="alert"' in html
    assert "The job ended" not in html


def test_a_draft_shows_no_progress_at_all():
    assert train_views.live(Status(), "en", en) == ""


def test_samples_are_grouped_by_question_from_before_to_after_and_a_repeat_replaces():
    found = [Sample(0, "Who?", "a model"), Sample(20, "Who?", "Clo"), Sample(20, "Who?", "Clover")]
    found += [Sample(0, "Sky?", "blue"), Sample(40, "Who?", "I am Clover")]
    html = train_views.samples(found, en, total_steps=40)
    assert visible(html).startswith("Who? Before a model Step 20 Clover After I am Clover")
    assert html.count("<article>") == 2
    assert html.count("class='new'") == 1


def test_a_log_keeps_its_last_lines_and_the_last_state_of_a_progress_bar():
    raw = b"first\n" + b"loading 1%\rloading 100%\n" + b"\xff broken\n"
    assert train_views.log_tail(raw, lines=2) == "loading 100%\n\ufffd broken"


def test_the_runs_table_offers_only_what_can_be_done():
    base = runs_views.Entry("a", "stopped", False, "P", "org/B", 3, 0.5, 2_000_000, 0.0, True)
    html = runs_views.table([base, replace(base, name="b", resumable=False)], "a", "en", en)
    assert re.findall(r'data-action="(\w+)" data-run="(\w)"', html) == [
        ("resume", "a"),
        ("delete", "a"),
        ("open", "b"),
        ("delete", "b"),
    ]
    assert "2 MB" in html
    assert ">B<" in html


def test_an_empty_table_says_how_to_begin():
    assert "Describe your first assistant" in runs_views.table([], "", "en", en)


def test_scores_stand_beside_the_base_with_the_best_step_and_its_faults_to_read():
    rows = (
        Answered("identity", "en", "name", "Your name?", "Nova", "SmolLM", True, False),
        Answered("general", "", "", EVIL, EVIL, "Paris", True, False),
    )
    first, last = (
        Scores(step, 1.0, EVIL, "d1", step, kl, 0.9, 10, 1.0, rows)
        for step, kl in ((40, 0.0123), (80, 0.05))
    )
    html = score_views.scored([first, last], Status(), "zh", zh)
    seen = visible(html)
    assert "100.0%" in seen
    assert "0.0123" in seen
    assert "第 40 步最好" in seen
    assert "<img" not in html
    assert score_views.scored([], Status(), "en", en) == ""
