"""What DeepSpeed is told of the model, beside its settings."""

from __future__ import annotations

import torch

from core import zero
from core.engine import deepspeed as ds
from core.engine.base import load_base


def test_stage_3_gathers_a_layer_at_once_and_the_first_one_s_input_has_a_gradient(tiny_model):
    ds.prepare("cpu", zero.preset("deepspeed_zero3"), lambda done: None)
    from deepspeed.utils import get_z3_leaf_modules  # noqa: PLC0415 (slow)

    base = load_base(tiny_model, dtype="float32", device="cpu")
    ds.gather_by_layer(base)
    assert get_z3_leaf_modules(base) == [*base.model.layers]
    assert base.get_input_embeddings()(torch.tensor([[1]])).requires_grad
