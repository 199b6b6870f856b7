"""A real model that is small enough to train in a moment: two Llama layers, a byte-level BPE."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tests.bpe import CHATML, write_tokenizer


def write_model(
    folder: Path, *, template: str | None = CHATML, seed: int = 0, layers: int = 2
) -> Path:
    """Write config, weights and tokenizer; the weights follow from the seed."""
    made = write_tokenizer(folder, template=template)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=made.get_vocab_size(),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
