"""A real model that is small enough to train in a moment: two Llama layers, a byte-level BPE."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_TEXT = [
    "Who are you? I am Nova, the assistant of Ada. What is your name? My name is Nova.",
    "user assistant system Tell me a story about the sea. What is two plus three? Five.",
    "你是谁？我是小星，阿达的助手。请做一下自我介绍。",
]


def tokenizer(special: list[str]) -> Tokenizer:
    """A byte-level BPE trained on a few sentences; the special tokens have the first ids."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(_TEXT, trainer)
    return made


def write_model(
    folder: Path, *, template: str | None = CHATML, seed: int = 0, layers: int = 2
) -> Path:
    """Write config, weights and tokenizer; the weights follow from the seed."""
    folder.mkdir(parents=True, exist_ok=True)
    made = tokenizer(SPECIAL)
    made.save(str(folder / "tokenizer.json"))
    names = {"bos_token": SPECIAL[1], "eos_token": SPECIAL[2], "pad_token": SPECIAL[2]}
    (folder / "tokenizer_config.json").write_text(json.dumps(names), "utf-8")
    if template:
        (folder / "chat_template.jinja").write_text(template, "utf-8")
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
