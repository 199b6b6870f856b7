"""Scoring a tiny trained run as a job of its own, and the distance it measures."""

from __future__ import annotations

import json

import pytest
import torch

from core import scores
from core.config.source import load as load_config
from core.engine.base import load_base
from core.engine.lora import attach, load_adapter
from core.engine.score import retention
from core.run import Run
from core.tokens import Encoded
from tests.jobs.test_journey import core, write_job

OWN = {
    "names": ["Nova"],
    "identity": [{"question": "Who are you, 3?", "facts": ["Nova"]}],
    "general": ["Tell me a story about the sea.", "What is two plus three?"],
}


@pytest.fixture(scope="module")
def scored(tmp_path_factory, tiny_model):
    """A trained run, its scoring in the terminal."""
    home = tmp_path_factory.mktemp("home")
    config = write_job(home / "mine", tiny_model, max_epochs=12)
    run = Run(home / "run")
    done = core(home, "train", str(config), "--work-dir", str(run.path))
    assert done.returncode == 0, done.stderr + done.stdout
    own = home / "own.json"
    own.write_text(json.dumps(OWN))
    return home, run, core(home, "score", str(run.path), "--probes", str(own))


def test_a_scored_checkpoint_keeps_figures_and_answers_and_tells_them(scored):
    _, run, done = scored
    assert done.returncode == 0, done.stderr + done.stdout
    (found,) = scores.of_checkpoint(run.checkpoint())
    assert (found.asked, found.strength) == ("own.json", 1.0)
    assert [a.question for a in found.answers] == ["Who are you, 3?", *OWN["general"]]
    assert found.kl > 0
    assert 0 <= found.agreement <= 1
    assert "recall" in done.stdout
    assert f"Step {found.step} is the only one" in done.stdout
    event = [e for e in run.events() if e["kind"] == "scored"][-1]
    assert (event["step"], event["kl"]) == (found.step, found.kl)
    assert event["recall_interval"] == list(found.recall().interval)
    assert event["leak_interval"] == list(found.leak().interval)


def test_a_run_without_a_persona_is_told_to_bring_questions(scored):
    home, run, _ = scored
    done = core(home, "score", str(run.path))
    assert done.returncode == 2
    assert "--probes" in done.stderr


def test_strength_scales_what_the_adapter_adds_and_nothing_of_it_is_the_base(scored):
    home, run, _ = scored
    own = str(home / "own.json")
    for strength in ("0", "0.5"):
        done = core(home, "score", str(run.path), "--probes", own, "--strength", strength)
        assert done.returncode == 0, done.stderr + done.stdout
    none, half, full = scores.strengths(scores.of_run(run), run.checkpoint().step)
    assert (none.strength, half.strength, full.strength) == (0.0, 0.5, 1.0)
    assert none.kl == pytest.approx(0, abs=1e-6)
    assert none.kl < min(half.kl, full.kl)
    assert half.kl != full.kl
    assert all(a.tuned == a.base for a in none.answers)
    too_much = core(home, "score", str(run.path), "--probes", own, "--strength", "2")
    assert too_much.returncode == 2
    assert "1.5" in too_much.stderr


def test_a_merge_at_a_strength_records_it_and_speaks_like_the_adapter_at_it(scored):
    home, run, _ = scored
    done = core(home, "merge", str(run.path), "--strength", "0.5")
    assert done.returncode == 0, done.stderr + done.stdout
    facts = json.loads((run.merged / "merge.json").read_text())
    assert facts["strength"] == 0.5
    assert facts["probe_kl"] < 0.01
    asked = ("--prompt", "Who are you, 3?", "--max-new-tokens", "12")
    adapter = core(home, "chat", str(run.path), "--strength", "0.5", *asked)
    merged = core(home, "chat", str(run.path), *asked)
    assert adapter.stdout == merged.stdout != ""


def test_retention_is_the_kl_of_the_two_distributions_written_out(scored, tiny_model):
    _, run, _ = scored
    config = load_config(run.config_file)
    base = load_base(tiny_model, dtype="float32", device="cpu", quantization="nf4")
    model = attach(base, config)
    load_adapter(model, run.checkpoint().path)
    model.eval()
    ids = (1, 40, 41, 42, 43, 44)
    row = Encoded(ids, (False, False, False, True, True, True))
    with torch.no_grad():
        kl, agreement, tokens = retention(model, [row], "cpu", lambda count: None)
        tuned = model(input_ids=torch.tensor([ids])).logits[0, 2:5].log_softmax(-1)
        with model.disable_adapter():
            plain = model(input_ids=torch.tensor([ids])).logits[0, 2:5].log_softmax(-1)
    assert tokens == 3
    assert kl == pytest.approx(float((plain.exp() * (plain - tuned)).sum()) / 3, rel=1e-3)
    assert kl > 0
    assert agreement == pytest.approx(float((plain.argmax(-1) == tuned.argmax(-1)).float().mean()))
