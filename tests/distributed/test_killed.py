"""`kill -9` of whatever keeps a training together: it ends, says why, and goes on."""

from __future__ import annotations

import time

import pytest

from core import studio
from core.status import status
from tests import processes

pytestmark = pytest.mark.distributed


def test_a_killed_rank_0_is_told_by_the_others(going, settings):
    began = time.monotonic()
    processes.kill(processes.ranks(going)[0])
    processes.failed(going, began)
    assert "Process 1 of 2 ended without a word" in str(status(going).problem)
    processes.resumed(going, settings)


def test_a_killed_torchrun_leaves_no_process_behind(going, settings):
    began = time.monotonic()
    processes.kill(processes.launcher(going))
    processes.failed(going, began)
    assert "torchrun" in str(status(going).problem)
    processes.resumed(going, settings)


def test_torchrun_killed_while_its_processes_start_leaves_none_behind(
    tmp_path, settings, tiny_model
):
    run = processes.made(tmp_path / "run", tiny_model, epochs=1000)
    studio.train(run, settings)
    processes.until(lambda: len(processes.ranks(run)) == 2)
    began = time.monotonic()
    processes.kill(processes.launcher(run))
    processes.failed(run, began)
    assert "torchrun" in str(status(run).problem)
