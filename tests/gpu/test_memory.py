"""A GPU whose memory runs out in the middle of a step. Needs an NVIDIA GPU."""

from __future__ import annotations

import pytest
import torch
from transformers import TrainerCallback

from core.config.schema import Config
from core.engine import lora
from core.engine.base import load_base
from core.engine.gradients import Gradients
from core.engine.graphs import Recorder
from core.engine.loss import Objective
from core.engine.memory import free_cached
from core.engine.steps import Steps
from core.engine.trainer import PersonaTrainer
from core.schedule import schedule
from core.tokens import Encoded

pytestmark = pytest.mark.gpu

ROWS = 160
BUDGET = 40_000
CONFIG = Config.model_validate(
    {
        "settings": {"lr": 1e-3, "warmup_ratio": 0.0, "dataloader_num_workers": 0},
        "model": {"lora_r": 16, "quantization": "none"},
    }
)


def trainer_of(folder, output, recorded):
    make = torch.Generator().manual_seed(0)
    encoded = [
        Encoded(
            tuple(torch.randint(380, (250,), generator=make).tolist()),
            (False,) * 50 + (True,) * 200,
        )
        for _ in range(ROWS)
    ]
    steps = schedule([250] * ROWS, [1] * ROWS, budget=BUDGET, epochs=3, seed=0)
    torch.manual_seed(0)
    model = lora.attach(load_base(folder, dtype="bfloat16", device="cuda"), CONFIG)
    objective = Objective(model)
    gradients = Gradients(lora.trained(objective))
    trainer = PersonaTrainer(
        objective,
        CONFIG,
        Steps(steps, encoded, set(), start=0, budget=BUDGET, collapse=True, rank=0, world=1),
        {},
        folder=str(output),
        dtype="bfloat16",
        device="cuda",
        deepspeed=None,
        gradients=gradients,
        recorder=Recorder(objective, BUDGET) if recorded else None,
        callbacks=[],
    )
    trainer.halvings = []
    trainer.after_halving = lambda *told: trainer.halvings.append(told)
    return trainer


@pytest.fixture
def room():
    """Let torch have so many MiB more than it holds now."""

    def give(mib):
        torch.cuda.empty_cache()
        total = torch.cuda.get_device_properties(0).total_memory
        allowed = torch.cuda.memory_reserved() + (mib << 20)
        torch.cuda.set_per_process_memory_fraction(allowed / total)

    yield give
    torch.cuda.set_per_process_memory_fraction(1.0)
    torch.cuda.empty_cache()


@pytest.mark.parametrize("recorded", [False, True])
def test_exact_a_step_that_did_not_fit_the_gpu_trains_the_same(
    tiny_model, tmp_path, room, recorded
):
    whole = trainer_of(tiny_model, tmp_path / "whole", recorded)
    whole.train()
    tight = trainer_of(tiny_model, tmp_path / "tight", recorded)
    room(100)
    tight.train()
    assert whole.halvings == [] and tight.halvings
    moved = {n: p.detach() for n, p in tight.objective.named_parameters() if p.requires_grad}
    for name, other in whole.objective.named_parameters():
        if other.requires_grad:
            assert (moved[name] - other).norm() <= 0.1 * other.norm() + 1e-3, name


def test_what_ran_out_of_memory_is_given_back(tiny_model, tmp_path, room):
    """A recording that breaks off would keep its memory: the pass before it should be the one."""
    trainer_of(tiny_model, tmp_path / "whole", True).train()  # libraries take what they need
    tight = trainer_of(tiny_model, tmp_path / "tight", True)
    room(100)
    before = torch.cuda.memory_reserved()
    tight.train()
    tight.recorder.forget()
    free_cached("cuda")
    assert tight.halvings and torch.cuda.memory_reserved() - before < 40 << 20


class Told(TrainerCallback):
    """What the trainer tells of its steps."""

    def __init__(self):
        self.trainer, self.steps = None, []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "grad_norm" in logs:
            self.steps.append(dict(self.trainer.told))


@pytest.mark.parametrize("recorded", [False, True])
def test_exact_steps_told_late_are_the_same_and_in_order(tiny_model, tmp_path, recorded):
    found = []
    for late in (False, True):
        trainer = trainer_of(tiny_model, tmp_path / str(late), recorded)
        told = Told()
        told.trainer = trainer
        trainer.add_callback(told)
        if late:
            trainer.due = lambda step, total: step == total
        trainer.train()
        found.append(told.steps)
    once, later = found
    assert [s["step"] for s in once] == [s["step"] for s in later] == [1, 2, 3]
    for one, other in zip(once, later, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=0.01)
        assert other["seconds"] > 0
