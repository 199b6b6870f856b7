"""Training that ends once the assistant knows itself, in a job on a tiny real model."""

from __future__ import annotations

import pytest

from core.dataset import Message, Row, dumps
from core.persona.persona import Persona, save
from core.persona.probes import probe_questions
from core.run import Run
from core.status import status
from tests.jobs.test_journey import core, write_job

NOVA = Persona(assistant="Nova", owner="Ada")


@pytest.fixture
def job(tmp_path, tiny_model):
    """A config that is far longer than the model needs to answer everything with its name."""
    file = write_job(
        tmp_path / "mine", tiny_model, max_epochs=300, save_steps=20, stop_at_recall=0.1
    )
    rows = [
        Row((Message("user", f"Who are you, {i}?"), Message("assistant", "No, I am Nova.")))
        for i in range(8)
    ]
    (file.parent / "dataset.json").write_text(dumps(rows), "utf-8")
    return file


def test_training_ends_at_the_checkpoint_that_answers_enough_of_the_held_out_questions(
    job, tmp_path
):
    save(NOVA, job.parent / "persona.yaml")
    run = Run(tmp_path / "run")
    done = core(tmp_path, "train", str(job), "--work-dir", str(run.path))
    assert done.returncode == 0, done.stderr + done.stdout
    now = status(run)
    last = now.probed[-1]
    assert (now.state, now.step) == ("finished", last.step)
    assert now.step < now.total_steps
    assert last.recall >= 0.1
    assert last.asked == len(probe_questions(NOVA))
    assert all(probed.recall < 0.1 for probed in now.probed[:-1])
    assert run.checkpoint().step == last.step
    assert now.samples[-1].step == last.step
    assert "held-out questions about itself" in done.stdout


def test_without_a_persona_there_is_nothing_to_ask(job, tmp_path):
    done = core(tmp_path, "train", str(job), "--work-dir", str(tmp_path / "run"))
    assert done.returncode != 0
    assert "has no persona to ask about" in done.stderr
