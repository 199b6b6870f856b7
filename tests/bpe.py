"""A small byte-level BPE with ChatML's template; loads no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_TEXT = (
    "Who are you? I am Nova, the assistant of Ada. What is your name? My name is Nova.",
    "user assistant system Tell me a story about the sea. What is two plus three? Five.",
    "你是谁？我是小星，阿达的助手。请做一下自我介绍。",
)


def tokenizer(special: list[str], texts: Iterable[str] = _TEXT, tokens: int = 400) -> Tokenizer:
    """A byte-level BPE of at most so many tokens, trained on the texts; the special ones first."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=tokens,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    return made


def write_tokenizer(
    folder: Path,
    *,
    template: str | None = CHATML,
    texts: Iterable[str] = _TEXT,
    tokens: int = 400,
) -> Tokenizer:
    """Write the files of `tokenizer`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = tokenizer(SPECIAL, texts, tokens)
    made.save(str(folder / "tokenizer.json"))
    names = {"bos_token": SPECIAL[1], "eos_token": SPECIAL[2], "pad_token": SPECIAL[2]}
    (folder / "tokenizer_config.json").write_text(json.dumps(names), "utf-8")
    if template:
        (folder / "chat_template.jinja").write_text(template, "utf-8")
    return made
