"""Packs in transformers' own forward pass: no square mask where borders say the same."""

from __future__ import annotations

import pytest
import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig, MistralConfig, MistralForCausalLM

from core.config.schema import Config
from core.engine import hosted, lora
from core.engine.base import load_base
from core.engine.batch import build
from core.engine.loss import Objective
from core.schedule import Member
from core.tokens import Encoded
from tests import stage3

CONFIG = Config.model_validate({"model": {"lora_r": 4, "quantization": "none"}})
LENGTHS = (30, 9, 21, 8)
SHAPE = {
    **{"vocab_size": 200, "hidden_size": 64, "intermediate_size": 128, "head_dim": 16},
    **{"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2},
}


def rows():
    make = torch.Generator().manual_seed(2)
    each = [torch.randint(5, 200, (n,), generator=make).tolist() for n in LENGTHS]
    return [Encoded((4, 5, 6, 7, 8, *r[5:]), (False,) * 6 + (True,) * (len(r) - 6)) for r in each]


def adapted(base):
    model = lora.attach(base.requires_grad_(False), CONFIG)
    torch.manual_seed(1)
    for parameter in lora.trained(model):
        parameter.data.normal_(std=0.1)
    return model


def found(objective, attention):
    """Loss and gradients of one pack of all rows."""
    objective.zero_grad()
    members = tuple(Member(i, 1 + i) for i in range(len(LENGTHS)))
    learned, *_ = objective(build(members, rows(), {}, "cpu", attention=attention))
    learned.backward()
    return learned.detach(), [p.grad.clone() for p in lora.trained(objective)]


def assert_same(ours, theirs):
    torch.testing.assert_close(ours[0], theirs[0], rtol=1e-5, atol=1e-5)
    for one, other in zip(ours[1], theirs[1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.fixture
def masks(monkeypatch):
    """The windows of the masks that are really made, 0 for none."""
    made = []

    def seen(**asked):
        made.append(asked.get("local_size") or 0)
        return real(**asked)

    real = hosted.sdpa_mask
    monkeypatch.setattr(hosted, "sdpa_mask", seen)
    return made


def test_exact_a_pack_within_its_borders_needs_no_mask(tiny_model, masks):
    base = load_base(tiny_model, dtype="float32", device="cpu")
    objective = Objective(adapted(base), fast=False)
    assert objective.attention == "rows"
    ours = found(objective, "rows")
    assert masks == []
    assert_same(ours, found(objective, "mask"))
    assert masks == [0]


@pytest.mark.parametrize(("window", "made"), [(30, []), (12, [12])])
def test_exact_a_window_is_kept_where_a_conversation_is_longer(window, made, masks):
    config = MistralConfig(**SHAPE, sliding_window=window, attn_implementation=hosted.NAME)
    objective = Objective(adapted(MistralForCausalLM(config)))
    ours = found(objective, objective.attention)
    assert masks == made
    assert_same(ours, found(objective, "mask"))


def test_exact_layers_without_a_window_need_no_mask_beside_layers_with_one(masks):
    config = Gemma3TextConfig(
        **SHAPE,
        sliding_window=12,
        layer_types=["sliding_attention", "full_attention"],
        attn_implementation=hosted.NAME,
    )
    objective = Objective(adapted(Gemma3ForCausalLM(config)))
    ours = found(objective, objective.attention)
    assert masks == [12]
    assert_same(ours, found(objective, "mask"))


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize("recompute", ["nothing", "mlp", "layers"])
def test_exact_hosted_layers_give_the_gradients_of_transformers(
    tiny_model, masks, quantization, recompute
):
    base = stage3.load(tiny_model, recompute, quantization, dtype="float32", device="cpu")
    objective = Objective(adapted(base)).train()
    assert objective.attention == "grouped"
    ours = found(objective, "grouped")
    assert masks == []
    assert_same(ours, found(objective, "mask"))
    assert masks == [0]


def test_what_bends_or_drops_scores_keeps_the_mask():
    config = MistralConfig(**SHAPE, attention_dropout=0.1, attn_implementation=hosted.NAME)
    assert hosted.attention_of(MistralForCausalLM(config)) == "mask"
    config = MistralConfig(**SHAPE, attn_implementation="eager")
    assert hosted.attention_of(MistralForCausalLM(config), fast=False) == "mask"
