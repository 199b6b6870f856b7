"""A tiny random model of each family of the catalog trains two steps, merges and chats."""

from __future__ import annotations

import json

import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.config.cards import cards
from core.model_folder import ARCHITECTURES, INTERNLM2, INTERNLM3
from core.run import Run
from core.status import status
from tests import internlm2
from tests.families import FAMILIES, write_tokenizer
from tests.jobs.test_journey import core, write_job

SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
}
MODELS = {
    "Llama": ("llama3", {"rope_parameters": {
        "rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 128}}),
    "Mistral": ("mistral", {"sliding_window": None}),
    "Qwen2": ("qwen2", {"tie_word_embeddings": True}),
    "Qwen3": ("qwen3", {"head_dim": 32}),
    "Gemma": ("gemma", {"head_dim": 16}),
    "Gemma2": ("gemma", {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 24,
                         "final_logit_softcapping": 2.0}),
    "Gemma3": ("gemma", {"head_dim": 16, "sliding_window": 24}),
    "Phi3": ("phi3", {"pad_token_id": 0, "sliding_window": 24}),
    "SmolLM3": ("qwen3", {"no_rope_layer_interval": 2, "pad_token_id": 0}),
    "MiniCPM3": ("minicpm", {"q_lora_rank": 32, "kv_lora_rank": 16, "qk_nope_head_dim": 16,
                             "qk_rope_head_dim": 8, "v_head_dim": 16, "head_dim": None,
                             "num_key_value_heads": 4}),
    "Glm": ("glm4", {"head_dim": 16, "pad_token_id": 0}),
    "Glm4": ("glm4", {"head_dim": 16, "pad_token_id": 0}),
}  # fmt: skip


def write_family(folder, name):
    """A random model of a family, made from its own config class."""
    if name == "InternLM3":
        return internlm2.write_internlm3(folder)
    template, changes = MODELS[name]
    tokenizer = write_tokenizer(folder, FAMILIES[template])
    kind = {"Gemma3": "Gemma3Text"}.get(name, name)
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(
        **{**SHAPE, "vocab_size": tokenizer.get_vocab_size(), **changes}
    )
    getattr(transformers, f"{name}ForCausalLM")(config).save_pretrained(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "quantization"),
    # Four bits are the same for all: one family of the fast decoder, and two others.
    [
        *((name, "none") for name in (*MODELS, "InternLM3")),
        ("Qwen2", "nf4"),
        ("Gemma2", "nf4"),
        ("Phi3", "nf4"),
    ],
)
def test_a_family_trains_merges_and_chats(tmp_path, name, quantization):
    model = write_family(tmp_path / "model", name)
    config = write_job(tmp_path / "mine", model, max_epochs=2)
    text = config.read_text().replace("quantization: nf4", f"quantization: {quantization}")
    config.write_text(text)
    run = Run(tmp_path / "run")
    done = core(tmp_path, "train", str(config), "--work-dir", str(run.path))
    assert done.returncode == 0, done.stderr + done.stdout
    now = status(run)
    assert now.step >= 2
    assert now.points[-1].loss < now.points[0].loss
    done = core(tmp_path, "merge", str(run.path))
    assert done.returncode == 0, done.stderr + done.stdout
    facts = json.loads((run.merged / "merge.json").read_text())
    assert facts["probe_kl"] < 0.01
    said = core(
        tmp_path, "chat", str(run.path), "--prompt", "Who are you?", "--max-new-tokens", "8"
    )
    assert said.returncode == 0, said.stderr + said.stdout
    merged = AutoModelForCausalLM.from_pretrained(run.merged)
    assert merged(input_ids=torch.tensor([[1, 5, 6]])).logits.isfinite().all()
    assert AutoTokenizer.from_pretrained(run.merged).chat_template


def test_every_architecture_that_is_let_in_is_tested_here():
    assert {f"{name}ForCausalLM" for name in MODELS} == ARCHITECTURES


def test_every_model_of_the_catalog_is_of_a_family_that_is_let_in():
    known = {
        "smollm2": "Llama", "internlm2": INTERNLM2, "internlm3": INTERNLM3, "llama3": "Llama",
        "yi": "Llama", "qwen2": "Qwen2", "qwen3": "Qwen3", "gemma": "Gemma2", "phi": "Phi3",
        "mistral": "Mistral", "minicpm3": "MiniCPM3", "glm": "Glm4", "smollm3": "SmolLM3",
    }  # fmt: skip
    assert {card.family for card in cards().values()} <= known.keys()
