"""A step that does not fit the memory is computed in smaller parts, to the same end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from transformers import TrainerCallback

from core.config.schema import Config
from core.dataset import Message, Row
from core.engine import lora
from core.engine.base import load_base
from core.engine.gradients import Gradients
from core.engine.loss import Objective
from core.engine.replay import anchors
from core.engine.steps import Steps
from core.engine.trainer import PersonaTrainer
from core.errors import UserError, memory_ran_out
from core.schedule import schedule
from core.tokens import ChatTokenizer
from core.work import encode

CONFIG = Config.model_validate(
    {
        "settings": {"lr": 1e-2, "warmup_ratio": 0.0, "dataloader_num_workers": 0},
        "model": {"lora_r": 4, "quantization": "none"},
        "dataset": {"kl_weight": 2.0},
    }
)
BUDGET = 400


def trainer_of(folder, output, config=CONFIG, rows=24):
    """A trainer of three steps over a tiny model, a third of its rows held by KL."""
    made = [
        Row((Message("user", f"Question {i}?"), Message("assistant", "Nova, of Ada. " * (i % 5))))
        for i in range(1, rows + 1)
    ]
    encoded = encode(made, ChatTokenizer.load(folder), config).encoded
    held = list(range(0, len(encoded), 3))
    lengths = [len(e.ids) for e in encoded]
    steps = schedule(lengths, [2] * len(encoded), budget=sum(lengths), epochs=1, seed=0)
    torch.manual_seed(0)
    model = lora.attach(load_base(folder, dtype="float32", device="cpu"), config)
    objective = Objective(model)
    trainer = PersonaTrainer(
        objective,
        config,
        Steps(
            steps,
            encoded,
            set(held),
            start=0,
            budget=BUDGET,
            collapse=True,
            rank=0,
            world=1,
        ),
        anchors(model, encoded, held, "cpu"),
        folder=str(output),
        dtype="float32",
        device="cpu",
        deepspeed=None,
        gradients=Gradients(lora.trained(objective)),
        recorder=None,
        callbacks=[],
    )
    trainer.halvings = []
    trainer.after_halving = lambda *told: trainer.halvings.append(told)
    return trainer


class Told(TrainerCallback):
    """What the trainer tells of its steps."""

    def __init__(self, trainer):
        self.trainer, self.steps = trainer, []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "grad_norm" in logs:
            own = {"epoch": None, "seconds": None}  # when it is told, how long it took
            self.steps.append({**self.trainer.told, **logs, **own})


def test_exact_steps_told_late_are_the_same_and_in_order(tiny_model, tmp_path):
    found, dues = [], []
    for lag in (0, 1):
        trainer = trainer_of(tiny_model, tmp_path / str(lag))
        trainer.lag = lag
        told = Told(trainer)
        trainer.add_callback(told)
        trainer.due = lambda step, total: step == total
        trainer.after_log = lambda step, total, told=told: dues.append((step, len(told.steps)))
        trainer.train()
        found.append(told.steps)
    count = len(trainer.steps)
    assert found[0] == found[1] and count > 1
    assert [s["step"] for s in found[0]] == [*range(1, count + 1)]
    assert dues == [(count, count)] * 2


def limit(trainer, tokens):
    """A device that has room for so many tokens at once."""

    def full(module, arguments):
        if len(arguments[0].ids) > tokens:
            raise torch.OutOfMemoryError("no room")

    trainer.objective.register_forward_pre_hook(full)


def adapter(trainer):
    return {n: p.detach() for n, p in trainer.objective.named_parameters() if p.requires_grad}


def test_exact_steps_that_ran_out_of_memory_train_the_same_adapter(tiny_model, tmp_path):
    whole = trainer_of(tiny_model, tmp_path / "whole")
    whole.train()
    tight = trainer_of(tiny_model, tmp_path / "tight")
    limit(tight, 150)
    tight.train()
    assert whole.halvings == []
    assert tight.halvings
    assert all(step == 1 for step, *_ in tight.halvings), "later steps know what fits"
    assert tight.state.global_step == whole.state.global_step == len(whole.steps.steps) > 1
    for (name, one), other in zip(adapter(tight).items(), adapter(whole).values(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5, msg=name)


def test_memory_that_ends_in_the_backward_pass_leaves_no_part_of_a_gradient(tiny_model, tmp_path):
    whole = trainer_of(tiny_model, tmp_path / "whole")
    tight = trainer_of(tiny_model, tmp_path / "tight")
    failed = []

    def full(gradient):
        if not failed:
            failed.append(True)
            raise torch.OutOfMemoryError("no room")

    # The first layer's adapter: by then all later layers have their gradients.
    parameter = next(iter(p for p in tight.objective.parameters() if p.requires_grad))
    parameter.register_hook(full)
    batch = whole.steps[0]
    wanted, found = (t.training_step(t.objective, batch) for t in (whole, tight))
    assert failed and tight.halvings == [(1, BUDGET, BUDGET // 2)]
    torch.testing.assert_close(found, wanted)
    for one, other in zip(tight.objective.parameters(), whole.objective.parameters(), strict=True):
        if one.requires_grad:
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-6)


def test_a_single_row_that_does_not_fit_ends_with_what_to_change(tiny_model, tmp_path):
    trainer = trainer_of(tiny_model, tmp_path)
    limit(trainer, 5)
    with pytest.raises(UserError, match=r"step 1, .*: \d+\.\d GiB are held .* Lower max_length"):
        trainer.train()
    assert len(trainer.halvings) > 1


def test_other_errors_are_not_taken_for_a_lack_of_memory(tiny_model, tmp_path):
    trainer = trainer_of(tiny_model, tmp_path)

    def broken(module, arguments):
        raise RuntimeError("shapes do not match")

    trainer.objective.register_forward_pre_hook(broken)
    with pytest.raises(RuntimeError, match="shapes"):
        trainer.train()
    assert trainer.halvings == []


def test_an_error_raised_on_the_way_out_of_a_lack_of_memory_is_known():
    with pytest.raises(RuntimeError) as caught:
        try:
            raise torch.OutOfMemoryError("no room")
        finally:
            raise RuntimeError("the recording is invalid")
    assert memory_ran_out(caught.value)
    assert not memory_ran_out(RuntimeError("the recording is invalid"))


_LIMITED = """
import resource
import sys
from dataclasses import replace
from pathlib import Path

import torch

from tests.engine.test_memory import trainer_of

trainer = trainer_of(Path(sys.argv[1]), sys.argv[2], rows=800)
trainer.steps.budget = trainer.budget = 100_000
batch = trainer.steps[0]


def gradients(batch):
    trainer.objective.zero_grad()
    trainer.training_step(trainer.objective, batch)
    return [p.grad.clone() for p in trainer.objective.parameters() if p.requires_grad]


gradients(replace(batch, packs=(batch.packs[0][:4],)))  # threads and kernels have their memory
held = 4096 * int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (held + (48 << 20), resource.RLIM_INFINITY))
tight = gradients(batch)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
halvings, trainer.budget = len(trainer.halvings), trainer.steps.budget
for one, other in zip(tight, gradients(batch), strict=True):
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)
assert len(trainer.halvings) == halvings
print(halvings)
"""


def test_a_processor_that_refuses_memory_is_heard(tiny_model, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(tiny_model), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout.split()[-1]) >= 1
