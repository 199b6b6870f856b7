"""Locks, events, status and the queue: what the page shows is read off the disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

from core import events, studio
from core.errors import UserError, text, translate
from core.files import Lock, inside, safe_name, write_atomic
from core.queue import Ticket, line
from core.run import Run, all_runs, create, delete, find
from core.status import fold, status


def step(number: int, **more):
    """A `stepped` event as the job writes it."""
    fields = {"loss": 1.0 / number, "learning_rate": 1e-3, "tokens": 100, "real_tokens": 700}
    return {**fields, "step": number, "seconds": 2.0, "memory_gib": 1.5, **more}


@pytest.fixture
def run(tmp_path):
    return create(tmp_path / "runs", "Nova & 小星")


def test_a_lock_has_one_taker_and_is_free_when_its_process_dies(tmp_path):
    path = tmp_path / "job.lock"
    code = f"from core.files import Lock; from pathlib import Path; Lock.take(Path({str(path)!r}))"
    code += "; print('held', flush=True); import time; time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    assert Lock.held(path)
    assert Lock.take(path) is None
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert not Lock.held(path)
    taken = Lock.take(path)
    assert taken is not None
    taken.release()


def test_a_child_that_inherits_the_lock_keeps_it_held(tmp_path):
    path = tmp_path / "job.lock"
    lock = Lock.take(path)
    child = subprocess.Popen(["sleep", "60"], pass_fds=(lock.descriptor,))
    lock.release()
    assert Lock.held(path)
    child.kill()
    child.wait()
    assert not Lock.held(path)


def test_a_torn_line_is_skipped_and_the_next_event_is_whole(run):
    run.emit("started", "train", total_steps=4)
    with run.events_file.open("a") as file:
        file.write('{"kind": "stepped", "at"')
    run.emit("saved", "train", step=2)
    assert [e["kind"] for e in run.events()] == ["started", "saved"]


def test_an_unknown_kind_of_event_is_our_mistake(run):
    with pytest.raises(ValueError, match="happened"):
        run.emit("happened", "train")


def test_new_events_are_read_from_where_the_last_reading_ended(run):
    run.emit("started", "train", total_steps=4)
    first, offset = events.since(run.events_file, 0)
    run.emit("stepped", "train", **step(1))
    second, _ = events.since(run.events_file, offset)
    assert [e["kind"] for e in first + second] == ["started", "stepped"]


def test_status_tells_progress_speed_and_what_remains(run):
    run.emit("requested", "train", command=["x"])
    run.emit("started", "train", total_steps=10, from_step=0)
    for number in (1, 2, 3, 4):
        run.emit("stepped", "train", **step(number))
    now = fold(run.events())
    assert (now.state, now.step, now.total_steps) == ("running", 4, 10)
    assert now.points[-1].tokens_per_second == 50
    assert now.points[-1].rows_tokens_per_second == 350
    assert now.eta_seconds == pytest.approx(12.0)


def test_a_run_whose_processes_are_gone_without_a_word_is_failed(run):
    run.emit("started", "train", total_steps=10)
    run.emit("stepped", "train", **step(1))
    now = status(run)
    assert now.state == "failed"
    assert "killed" in str(now.problem)
    assert "Resume" in str(now.remedy)


def test_a_resumed_run_forgets_the_steps_after_its_checkpoint(run):
    run.emit("started", "train", total_steps=10, from_step=0)
    for number in (1, 2, 3):
        run.emit("stepped", "train", **step(number))
    run.emit("requested", "train", command=["x"])
    run.emit("started", "train", total_steps=10, from_step=2)
    assert [p.step for p in fold(run.events()).points] == [1, 2]


def test_merging_is_told_apart_from_training(run):
    run.emit("finished", "train")
    run.emit("failed", "merge", problem=text("a").to_json(), remedy=text("b").to_json())
    assert status(run).state == "finished"
    assert status(run, "merge").state == "failed"


def test_the_line_is_first_in_first_out_and_forgets_the_dead(tmp_path):
    first = Ticket.draw(tmp_path, "one", "train")
    second = Ticket.draw(tmp_path, "two", "chat")
    assert first.ahead() == []
    assert [w.run for w in second.ahead()] == ["one"]
    assert [w.run for w in first.behind()] == ["two"]
    dead = tmp_path / f"{0:020d}-1.json"
    dead.write_text(json.dumps({"run": "dead", "job": "train"}))
    assert [w.run for w in line(tmp_path)] == ["one", "two"]
    assert not dead.exists()
    first.give_back()
    assert second.ahead() == []
    second.give_back()


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".hidden", "/etc"])
def test_no_name_from_outside_leads_out_of_the_workspace(tmp_path, name):
    with pytest.raises(UserError, match="not a valid name"):
        inside(tmp_path, name)


def test_a_link_in_the_workspace_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(UserError, match="not a valid name"):
        find(tmp_path, "link")


def test_titles_of_any_script_become_safe_names():
    assert safe_name("../小星 / etc") == "小星-etc"
    assert safe_name("  ") == "run"
    assert len(safe_name("x" * 500)) == 60


def test_two_runs_of_one_title_do_not_meet(tmp_path):
    one, two = create(tmp_path, "Nova"), create(tmp_path, "Nova")
    assert one.path != two.path
    assert {r.name for r in all_runs(tmp_path)} == {one.name, two.name}
    delete(one)
    assert [r.name for r in all_runs(tmp_path)] == [two.name]


def test_a_working_run_cannot_be_deleted(run):
    lock = Lock.take(run.lock_file)
    with pytest.raises(UserError, match="is working"):
        delete(run)
    lock.release()
    assert Run(run.path).path.exists()


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "config.yaml"
    write_atomic(file, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="is full"):
        write_atomic(file, "new")
    assert file.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["config.yaml"]


def test_a_sentence_keeps_its_values_in_every_language():
    error = UserError("There is no run named {name}.", "Pick one from the list.", name="小星")
    assert str(error) == "There is no run named 小星. Pick one from the list."
    assert error.render("zh") == "没有名为 小星 的任务。 请从列表中选择。"
    assert translate("nobody wrote this", "zh") == "nobody wrote this"


def test_a_click_while_a_finished_job_is_still_leaving_is_no_fault(settings):
    run = studio.new_run(settings, "leaving")
    run.emit("started", "train", total_steps=1)
    lock = Lock.join(run.lock_file)
    with pytest.raises(UserError, match="already working"):
        studio.merge(run, settings)
    run.emit("finished", "train")
    threading.Timer(0.5, lock.release).start()
    with pytest.raises(UserError) as refused:  # it is free, and has nothing to merge
        studio.merge(run, settings)
    assert "already working" not in str(refused.value)
