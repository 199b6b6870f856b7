"""Packs in transformers' own forward pass on a GPU: over borders, as with its masks."""

from __future__ import annotations

import pytest
import torch
import transformers

from core.config.schema import Config
from core.engine import batch, hosted, lora
from core.engine.loss import Objective
from core.schedule import Member
from core.tokens import Encoded
from tests import stage3

pytestmark = pytest.mark.gpu

CONFIG = Config.model_validate({"model": {"lora_r": 16, "quantization": "none"}})
SHAPE = {
    **{"vocab_size": 500, "hidden_size": 256, "intermediate_size": 512, "pad_token_id": 0},
    **{"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2},
}
LATENT = {
    **{"q_lora_rank": 64, "kv_lora_rank": 32, "qk_nope_head_dim": 64, "qk_rope_head_dim": 32},
    **{"v_head_dim": 64, "head_dim": None, "num_key_value_heads": 4},
}
KINDS = [
    ("Llama", "Llama", {}),
    ("Qwen2", "Qwen2", {}),
    ("MiniCPM3", "MiniCPM3", LATENT),  # keys wider than values
    ("Phi3", "Phi3", {"sliding_window": 90}),  # as long as the longest conversation
    ("Mistral", "Mistral", {"sliding_window": 40}),  # shorter: its mask is kept
    ("Gemma3", "Gemma3Text", {"head_dim": 256, "sliding_window": 40}),  # in most layers
]


def rows():
    make = torch.Generator().manual_seed(3)
    return [
        Encoded(
            tuple(torch.randint(500, (n,), generator=make).tolist()),
            (False,) * (n // 2) + (True,) * (n - n // 2),
        )
        for n in (90, 33, 70, 1 + 64, 12)
    ]


def adapted(base):
    model = lora.attach(base.requires_grad_(False), CONFIG).cuda()
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    return model


def found(objective, attention):
    objective.zero_grad()
    members = tuple(Member(i, 1 + i) for i in range(5))
    learned, *_ = objective(batch.build(members, rows(), {}, "cuda", attention=attention))
    learned.backward()
    return learned.detach(), {n: p.grad.clone() for n, p in trained(objective)}


def trained(objective):
    return [(n, p) for n, p in objective.named_parameters() if p.requires_grad]


def assert_near(ours, theirs, part=0.03):
    torch.testing.assert_close(ours[0], theirs[0], rtol=part, atol=1e-3)
    for name, wanted in theirs[1].items():
        assert (ours[1][name] - wanted).norm() <= part * wanted.norm() + 1e-4, name


@pytest.mark.parametrize(("name", "kind", "changes"), KINDS)
def test_exact_transformers_layers_over_borders_give_what_their_masks_give(name, kind, changes):
    config = getattr(transformers, f"{kind}Config")(
        **{**SHAPE, **changes}, attn_implementation=hosted.NAME
    )
    torch.manual_seed(0)
    made = getattr(transformers, f"{name}ForCausalLM")._from_config(config, dtype=torch.bfloat16)
    objective = Objective(adapted(made), fast=False)
    assert objective.attention == "flash"
    assert_near(found(objective, "flash"), found(objective, "mask"))


@pytest.mark.parametrize("quantization", ["none", "nf4"])
@pytest.mark.parametrize("recompute", ["nothing", "mlp", "layers"])
def test_exact_hosted_layers_give_the_gradients_of_transformers(tmp_path, quantization, recompute):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(**SHAPE)
    transformers.LlamaForCausalLM._from_config(config, dtype=torch.bfloat16).save_pretrained(
        tmp_path
    )
    base = stage3.load(tmp_path, recompute, quantization, dtype="bfloat16", device="cuda")
    objective = Objective(adapted(base)).train()
    assert objective.attention == "flash"
    assert_near(found(objective, "flash"), found(objective, "mask"))
