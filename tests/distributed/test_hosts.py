"""Two hosts, each a network namespace: the printed commands train, stop, go on, and end in time."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path

import pytest

from core import studio
from core.launch_script import Cluster, Job, by_hand
from core.run import Run
from core.settings import Settings
from core.status import status
from tests import processes
from tests.distributed.conftest import EPOCHS, Host
from tests.distributed.test_stages import NATS

pytestmark = pytest.mark.distributed

Started = list[subprocess.Popen[bytes]]


def begin(run: Run, settings: Settings, hosts: tuple[Host, Host], config: Path) -> Started:
    """What `launch-script` prints, typed on each host."""
    cluster = Cluster(2, 1, hosts=tuple(h.address for h in hosts))
    text = by_hand(Job(config, run.path, settings.home), cluster)
    planning, *lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert hosts[0].start(planning, run.log_of("train")).wait() == 0
    return [h.start(line, run.log_of("train")) for h, line in zip(hosts, lines, strict=True)]


def config_of(tmp_path: Path, tiny_model: Path, way: str, epochs: int) -> Path:
    """A config with its dataset beside it, as a person has them; one process a host."""
    given = processes.made(tmp_path / "given", tiny_model, processes=1, way=way, epochs=epochs)
    return given.config_file


def gone(started: Started, run: Run) -> None:
    """All processes of both hosts have ended."""
    for process in started:
        process.wait(30)
    processes.until(lambda: not processes.left(run), 5)
    assert not run.alive


@pytest.mark.parametrize("way", ["none", "deepspeed_zero1", "deepspeed_zero2", "deepspeed_zero3"])
def test_two_hosts_learn_as_one_process_stop_go_on_as_one_and_merge(
    way: str, tmp_path: Path, settings: Settings, tiny_model: Path, hosts, alone, tell
) -> None:
    run = Run(tmp_path / "run")
    run.path.mkdir()
    started = begin(run, settings, hosts, config_of(tmp_path, tiny_model, way, EPOCHS))
    processes.until(lambda: status(run).step >= 3 or any(p.poll() for p in started))
    studio.stop(run)
    gone(started, run)
    assert status(run).state == "stopped", run.log_of("train").read_text("utf-8")[-3000:]
    assert [e["processes"] for e in run.events() if e["kind"] == "started"] == [2]
    done = processes.losses(run)
    studio.set_split(run, "none", 1)
    done += processes.trained(run, settings, resume=True)
    assert len(done) == len(alone["nf4"])
    studio.merge(run, settings)
    assert processes.ended(run, "merge") == "finished" and run.is_merged
    gap = max(abs(a - b) for a, b in zip(done, alone["nf4"], strict=True))
    tell(run, (way, "nf4", 2, 2), gap, "none on 1")
    assert gap <= NATS


@pytest.mark.parametrize("how", ["killed", "unplugged"])
def test_a_host_that_is_gone_ends_the_run_within_30_seconds(
    how: str, tmp_path: Path, settings: Settings, tiny_model: Path, hosts
) -> None:
    run = Run(tmp_path / "run")
    run.path.mkdir()
    near, far = hosts
    started = begin(run, settings, hosts, config_of(tmp_path, tiny_model, "none", 1000))
    processes.until(lambda: status(run).step >= 3 or any(p.poll() for p in started))
    began = time.monotonic()
    if how == "killed":
        for pid in far.pids():
            processes.kill(pid)
    else:
        subprocess.run(["ip", "-n", far.name, "link", "set", "studio0", "down"], check=True)
    processes.until(lambda: status(run).state == "failed", 60)
    assert time.monotonic() - began < 30
    assert re.match(r"Process \d of 2 ended without a word", str(status(run).problem))
    processes.until(lambda: not processes.ranks(run), 10)
    started[0].wait(30)
    assert not near.pids()
    for pid in far.pids():  # cut off, its torchrun waits for the other's: only its ranks are gone
        assert how == "unplugged"
        processes.kill(pid)
    gone(started, run)
