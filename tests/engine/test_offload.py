"""AdamW whose averages lie in main memory is AdamW."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from core.engine import lora, state
from core.engine.base import load_base
from core.engine.offload import AVERAGES, HostAdamW
from tests.engine.test_memory import CONFIG

NUMBERS = {"lr": 1e-2, "betas": (0.9, 0.99), "weight_decay": 0.1}


def weights(seed=0):
    torch.manual_seed(seed)
    return [nn.Parameter(torch.randn(size)) for size in ((7, 5), (33,), (2, 3, 4))]


def give(parameters, step):
    torch.manual_seed(step)
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)


def test_exact_it_changes_weights_as_torch_does_bit_for_bit():
    ours, theirs = weights(), weights()
    optimizers = HostAdamW(ours, **NUMBERS), torch.optim.AdamW(theirs, **NUMBERS, fused=True)
    for step in range(5):
        for parameters, optimizer in zip((ours, theirs), optimizers, strict=True):
            give(parameters, step)
            for group in optimizer.param_groups:
                group["lr"] = 1e-2 / (1 + step)
            optimizer.step()
    for one, other in zip(ours, theirs, strict=True):
        assert torch.equal(one, other)


def test_a_weight_without_a_gradient_stays():
    (first, second, _), optimizer = (made := weights()), HostAdamW(made, **NUMBERS)
    before = second.clone()
    first.grad = torch.ones_like(first)
    optimizer.step()
    assert torch.equal(second, before)


def test_it_holds_nothing_that_could_be_moved_before_training_begins():
    """accelerate moves all that an optimizer holds when it gets it to the GPU."""
    optimizer = HostAdamW(made := weights(), **NUMBERS)
    assert optimizer.state_dict()["state"] == {}
    give(made, 0)
    optimizer.step()
    assert sorted(optimizer.state[made[0]]) == ["exp_avg", "exp_avg_sq", "step"]


@pytest.mark.parametrize("kinds", [(HostAdamW, torch.optim.AdamW), (torch.optim.AdamW, HostAdamW)])
def test_a_checkpoint_goes_on_with_the_averages_wherever_they_lie(tiny_model, kinds):
    models = []
    for kind in kinds:
        model = lora.attach(load_base(tiny_model, dtype="float32", device="cpu"), CONFIG)
        models.append((model, kind(lora.trained(model), **NUMBERS)))
    (model, optimizer), (other, second) = models
    give(lora.trained(model), 0)
    optimizer.step()
    state.scatter(other, second, None, state.gather(model, optimizer, None), 1)
    for made, stepped in models:
        give(lora.trained(made), 1)
        stepped.step()
    for one, two in zip(lora.trained(model), lora.trained(other), strict=True):
        torch.testing.assert_close(one, two)
        for key in AVERAGES:
            torch.testing.assert_close(optimizer.state[one][key], second.state[two][key])
