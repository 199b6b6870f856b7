"""What the plan counts of memory is what the engine keeps for its backward pass."""

from __future__ import annotations

import pytest
import torch

from core.config.schema import Config
from core.cost import Cost, Pack
from core.engine import batch, lora
from core.engine.base import load_base
from core.engine.decoder import decoder_of
from core.engine.loss import Objective
from core.models import shape
from core.rates import Rates
from core.schedule import Member
from core.tokens import Encoded

ROWS = (150, 150, 140, 130)


def kept_bytes(objective, rows):
    """Bytes of all storages that a forward pass keeps, the model's own weights aside."""
    weights = {p.untyped_storage().data_ptr() for p in objective.parameters()}
    weights |= {p._matrix.untyped_storage().data_ptr() for p in _projections(objective)}
    seen = {}

    def see(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            seen[storage.data_ptr()] = (storage.nbytes(), tensor)  # alive: no address twice
        return tensor

    members = tuple(Member(i, 1) for i in range(len(rows)))
    pack = batch.build(members, rows, {}, "cpu", attention=objective.attention)
    with torch.autograd.graph.saved_tensors_hooks(see, lambda tensor: tensor):
        learned, _, _ = objective(pack)
    learned.backward()
    return sum(size for size, _ in seen.values())


def _projections(objective):
    return [p for layer in decoder_of(objective.model).layers for p in layer.projections]


@pytest.mark.parametrize("recompute", ["nothing", "mlp", "layers"])
@pytest.mark.parametrize("rank", [4, 32])
def test_a_layer_keeps_as_many_bytes_as_the_plan_counts(tiny_model, recompute, rank):
    config = Config.model_validate({"model": {"lora_r": rank, "quantization": "none"}})
    base = load_base(tiny_model, dtype="float32", device="cpu")
    objective = Objective(lora.attach(base, config))
    decoder_of(objective.model).recompute(recompute)
    rows = [Encoded((i,) * n, (False,) * (n - 5) + (True,) * 5) for i, n in enumerate(ROWS)]
    cost = Cost(
        shape=shape(tiny_model),
        rank=rank,
        size=4,
        nf4=False,
        device="cpu",
        fast=True,
        rates=Rates(1e12, 1e11, 1e-3, 1e-3, 1e-3),
    )
    tokens = sum(ROWS)
    numbers = cost._layer_numbers(Pack(tokens, 20, 150), recompute) * cost.shape.layers * tokens
    if recompute != "layers":
        numbers += cost.trained
    ends = (cost.shape.hidden + 2 * cost.shape.head_dim) * tokens  # the last sum; angles
    assert kept_bytes(objective, rows) == pytest.approx(4 * (numbers + ends), rel=0.1)
