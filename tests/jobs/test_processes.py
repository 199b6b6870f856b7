"""Two processes train as one does; and when one is killed, the run ends, says why, and goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from core import studio
from core.status import status
from tests import processes

pytestmark = pytest.mark.slow

FAULT = '''
"""Makes rank 1 fail in the middle of its work, once a file says so."""
import ctypes, os, threading, time

class DiskOnFire(Exception):
    def __str__(self):
        return "the disk of this process is on fire"

def wait():
    while not os.path.exists(os.environ["FAULT"]):
        time.sleep(0.05)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(threading.main_thread().ident), ctypes.py_object(DiskOnFire)
    )

if os.environ.get("RANK") == "1":
    threading.Thread(target=wait, daemon=True).start()
'''


def test_two_processes_with_zero_2_learn_what_one_learns_stop_and_go_on_as_one(
    tmp_path, settings, tiny_model
):
    alone = processes.made(tmp_path / "alone", tiny_model, processes=1, epochs=4)
    expected = processes.trained(alone, settings)
    run = processes.made(tmp_path / "two", tiny_model, way="deepspeed_zero2", epochs=4)
    plan = studio.train(run, settings)
    requested = next(e for e in run.events() if e["kind"] == "requested")
    assert tuple(requested["command"]) == plan.command, "what is shown is what runs"
    processes.at_step(run, 2)
    assert len(processes.ranks(run)) == 2
    studio.stop(run)
    assert processes.ended(run) == "stopped"
    done = processes.losses(run)
    studio.set_split(run, "none", 1)
    done += processes.trained(run, settings, resume=True)
    assert len(done) == len(expected)
    assert done == pytest.approx(expected, abs=0.01)
    memory = [e["ranks"] for e in run.events() if e.get("name") == "memory"]
    assert [len(each) for each in memory] == [2, 1]


def test_a_killed_process_ends_the_run_by_name_and_resume_goes_on(going, settings):
    began = time.monotonic()
    processes.kill(processes.ranks(going)[1])
    processes.failed(going, began)
    assert "Process 2 of 2 ended without a word" in str(status(going).problem)
    processes.resumed(going, settings)


def test_the_error_of_one_process_is_told_not_what_followed_from_it(
    tmp_path: Path, settings, tiny_model, monkeypatch
):
    (tmp_path / "sitecustomize.py").write_text(FAULT, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("FAULT", str(tmp_path / "now"))
    run = processes.made(tmp_path / "run", tiny_model, epochs=1000)
    studio.train(run, settings)
    processes.at_step(run, 2)
    began = time.monotonic()
    (tmp_path / "now").touch()
    first, *_ = processes.failed(run, began)
    said = str(status(run).problem)
    assert said.startswith("Process 2 of 2: ")
    assert said.endswith("DiskOnFire: the disk of this process is on fire")
    assert "DiskOnFire" in first["detail"]
    assert "DiskOnFire" in run.log_of("train").read_text("utf-8")
