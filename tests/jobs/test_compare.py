"""Comparing a tiny trained run with its base, its merged model and another run, as jobs."""

from __future__ import annotations

import pytest

from core import compare
from core.run import Run
from tests.jobs.test_journey import core, write_job


@pytest.fixture(scope="module")
def two(tmp_path_factory, tiny_model):
    """Two trained runs of one workspace, the first one merged."""
    home = tmp_path_factory.mktemp("home")
    for name, epochs in (("one", 12), ("two", 2)):
        config = write_job(home / f"mine-{name}", tiny_model, max_epochs=epochs)
        run = home / "runs" / name
        done = core(home, "train", str(config), "--work-dir", str(run))
        assert done.returncode == 0, done.stderr + done.stdout
    done = core(home, "merge", str(home / "runs" / "one"))
    assert done.returncode == 0, done.stderr + done.stdout
    return home, Run(home / "runs" / "one")


def test_base_adapter_and_merged_answer_the_same_question(two):
    home, run = two
    asked = ("--prompt", "Who are you, 3?", "--prompt", "Hello!", "--max-new-tokens", "10")
    done = core(home, "compare", "one", *asked)
    assert done.returncode == 0, done.stderr + done.stdout
    found = compare.load(run)
    assert found is not None
    assert [s.source for s in found.sides] == ["base", "adapter", "merged"]
    assert found.questions == ("Who are you, 3?", "Hello!")
    base, adapter, merged = found.answers[0]
    assert "Nova" in adapter
    assert adapter == merged != base
    assert adapter in done.stdout


def test_a_weakened_adapter_and_another_run_are_compared_too(two):
    home, run = two
    sides = ("adapter@0", "base", "two/adapter", "adapter")
    asked = ("--prompt", "Who are you, 3?", "--max-new-tokens", "10")
    done = core(home, "compare", "one", *sides, *asked)
    assert done.returncode == 0, done.stderr + done.stdout
    found = compare.load(run)
    assert found is not None
    none, base, other, full = found.answers[0]
    assert none == base
    assert found.sides[2].of.name == "two"
    assert len({base, other, full}) > 1


@pytest.mark.parametrize("side", ["nobody/adapter", "adapter@2", "adapter:99", "whatever"])
def test_a_side_that_is_not_there_is_a_clear_mistake(two, side):
    home, _ = two
    done = core(home, "compare", "one", "base", side, "--prompt", "Hi")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
