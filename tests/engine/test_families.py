"""Each family's loss, packed, is the loss of its own forward pass on one conversation at a time."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from core.config.schema import Config
from core.engine import lora
from core.engine.base import load_base
from core.engine.batch import build
from core.engine.generate import answers
from core.engine.loss import Objective
from core.engine.replay import anchors
from core.schedule import Member
from core.tokens import Encoded
from tests.jobs.test_families import MODELS, write_family


@pytest.fixture(scope="module", params=MODELS)
def model(request, tmp_path_factory):
    """A tiny random model of a family with an adapter that does something."""
    folder = write_family(tmp_path_factory.mktemp("family") / "model", request.param)
    base = load_base(folder, dtype="float32", device="cpu")
    adapted = lora.attach(base, Config.model_validate({"model": {"lora_r": 4}}))
    torch.manual_seed(1)
    for parameter in lora.trained(adapted):
        parameter.data.normal_(std=0.1)
    return adapted.eval()


def _rows() -> list[Encoded]:
    """Conversations of several lengths, one of them beyond the sliding windows."""
    generator = torch.Generator().manual_seed(2)
    rows = []
    for length in (60, 9, 40, 8):
        ids = torch.randint(5, 200, (length,), generator=generator).tolist()
        ids[:5] = [4, 5, 6, 7, 8]
        rows.append(Encoded(tuple(ids), (False,) * 6 + (True,) * (length - 6)))
    return rows


def _alone(model, row: Encoded) -> torch.Tensor:
    ids = torch.tensor([row.ids])
    logits = model(input_ids=ids).logits[0, :-1]
    losses = F.cross_entropy(logits.float(), ids[0, 1:], reduction="none")
    return losses[torch.tensor(row.learned[1:])].sum()


@pytest.mark.parametrize("fast", [True, False])
def test_packed_loss_and_gradients_are_those_of_each_conversation_alone(model, fast):
    rows = _rows()
    objective = Objective(model, fast=fast)
    pack = build(
        tuple(Member(i, 1) for i in range(len(rows))), rows, {}, "cpu",
        attention=objective.attention,
    )  # fmt: skip
    model.zero_grad()
    learned, _, _ = objective(pack)
    learned.backward()
    found = [p.grad.clone() for p in lora.trained(model)]
    model.zero_grad()
    wanted = sum(_alone(model, row) for row in rows)
    wanted.backward()
    assert torch.allclose(learned, wanted, rtol=2e-5)
    for mine, parameter in zip(found, lora.trained(model), strict=True):
        assert torch.allclose(mine, parameter.grad, rtol=2e-3, atol=2e-4)


def test_held_rows_are_compared_in_the_models_own_distribution(model):
    """Divergence from the base, as the objective sums it, against whole logits of both."""
    rows = _rows()[:2]
    objective = Objective(model, kl_reverse=0.5)
    kept = anchors(model, rows, [0, 1], "cpu")
    pack = build((Member(0, 1), Member(1, 1)), rows, kept, "cpu", attention=objective.attention)
    with torch.no_grad():
        _, held, kl = objective(pack)
        there, back = torch.zeros(()), torch.zeros(())
        for row in rows:
            ids, on = torch.tensor([row.ids]), torch.tensor(row.learned[1:])
            tuned = model(input_ids=ids).logits[0, :-1][on].log_softmax(-1)
            with model.disable_adapter():
                base = model(input_ids=ids).logits[0, :-1][on].log_softmax(-1)
            there += (base.exp() * (base - tuned)).sum()
            back += (tuned.exp() * (tuned - base)).sum()
    assert torch.allclose(kl, there, rtol=1e-3)
    assert torch.allclose(held, (there + back) / 2, rtol=1e-3)


def test_the_likeliest_answer_is_that_of_whole_forward_passes(model):
    """Two prompts of different lengths at once, with a cache, beyond the sliding windows."""
    prompts = [list(row.ids) for row in _rows()[1:3]]
    found = answers(model, prompts, stop_ids=[], max_new_tokens=6)
    for prompt, answer in zip(prompts, found, strict=True):
        ids = list(prompt)
        with torch.no_grad():
            for token in answer:
                logits = model(input_ids=torch.tensor([ids])).logits[0, -1]
                assert logits[token] > logits.max() - 1e-4
                ids.append(token)
