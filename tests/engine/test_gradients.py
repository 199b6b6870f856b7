"""The adapter's numbers as DeepSpeed gets them: few long parameters, the model's are views."""

from __future__ import annotations

import torch
from torch import nn

from core.engine.gradients import Gradients, Trained

SIZES = [(2, 3), (4,), (5, 5), (1,)]


def handed(most: int) -> tuple[Gradients, Trained]:
    weights = [nn.Parameter(torch.randn(size)) for size in SIZES]
    gradients = Gradients(weights)
    return gradients, Trained(gradients, None, most)


def test_neighbours_lie_together_and_what_is_too_large_by_itself():
    assert [len(n) for n in handed(10)[1].numbers] == [10, 25, 1]
    assert [len(n) for n in handed(100)[1].numbers] == [36]


def test_the_model_s_parameters_are_views_of_what_deepspeed_moves_and_changes():
    gradients, trained = handed(10)
    before = [p.detach().clone() for p in gradients.trained]
    for numbers in trained.numbers:
        numbers.data = numbers.data.clone()  # as DeepSpeed does when it starts
    trained.lay()
    assert all(map(torch.equal, gradients.trained, before))
    with torch.no_grad():
        trained.numbers[1].add_(1)
    assert torch.equal(gradients.trained[2], before[2] + 1)
    assert all(torch.equal(gradients.trained[i], before[i]) for i in (0, 1, 3))


def test_a_backward_pass_hands_the_step_s_gradients_over_and_leaves_the_model_alone():
    gradients, trained = handed(10)
    gradients.attach()
    trained.lay()
    (3 * sum(p.sum() * i for i, p in enumerate(gradients.trained))).backward()
    trained().backward()
    found = torch.cat([n.grad for n in trained.numbers])
    assert found.tolist() == [0.0] * 6 + [3.0] * 4 + [6.0] * 25 + [9.0]
    assert torch.equal(found, gradients.flat)
