"""Several GPUs and processes as the page has them: chosen, started, one killed, gone on with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.config import source
from core.settings import Settings
from tests import processes
from tests.browser.conftest import serve
from tests.browser.studio import MINUTE, open_page

pytestmark = pytest.mark.browser


@pytest.fixture
def two_gpus(tmp_path: Path, builtin_home: Path, monkeypatch):
    """The page on a machine whose nvidia-smi tells of two GPUs."""
    program = tmp_path / "nvidia-smi"
    rows = [f"H100, 81920, 8100{i}, 9.0, {i}, GPU-{i}" for i in range(2)]
    program.write_text("#!/bin/sh\nprintf '" + "\\n".join(rows) + "\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    yield from serve(builtin_home)


def made(home: Path, name: str, model: Path, **asked):
    """A run in the studio's workspace."""
    folder = Settings("", 0, home).runs / name
    shutil.rmtree(folder, ignore_errors=True)
    return processes.made(folder, model, **asked)


def test_gpus_are_ticked_and_the_command_shows_them(browser, two_gpus, tiny_model):
    run = made(two_gpus.home, "cards", tiny_model, processes=0)
    page = open_page(browser, f"{two_gpus.url}/en/?run={run.name}&tab=train")
    command = page.locator("#train-plan .command pre")
    expect(command).to_contain_text("--nproc-per-node=2", timeout=MINUTE)
    page.locator("#train-split > button").click()
    page.get_by_label("1 · H100 · 79/80 GiB").check()
    expect(command).to_contain_text("env CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES=1")
    expect(command).not_to_contain_text("nproc")
    assert source.load(run.config_file).runtime.gpus == (1,)
    page.reload()
    page.locator("#train-split > button").click()
    expect(page.get_by_label("1 · H100 · 79/80 GiB")).to_be_checked(timeout=MINUTE)
    page.context.close()


def test_a_killed_process_is_told_within_30_seconds_and_resume_goes_on(browser, server, tiny_model):
    run = made(server.home, "killed", tiny_model, epochs=1000, save_steps=2)
    page = open_page(browser, f"{server.url}/en/?run={run.name}&tab=train")
    expect(page.locator("#train-start")).to_be_enabled(timeout=MINUTE)
    page.locator("#train-start").click()
    processes.until(lambda: run.alive)
    processes.at_step(run, 4)
    processes.kill(processes.ranks(run)[1])
    said = page.locator("#train-live .notice.bad")
    expect(said).to_contain_text("Process 2 of 2 ended without a word", timeout=30_000)
    processes.until(lambda: not run.alive)
    page.locator("#train-resume").click(timeout=MINUTE)
    processes.until(lambda: run.alive)
    processes.at_step(run, run.checkpoint().step + 1)
    page.locator("#train-stop").click()
    assert processes.ended(run) == "stopped"
    assert not processes.left(run)
    page.context.close()
