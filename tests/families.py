"""Prompt templates as the families bring them, and a tiny tokenizer that knows their marks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from tokenizers import AddedToken, Tokenizer

from tests import bpe


class Family(NamedTuple):
    """A template with its special tokens, and what two turns of it look like.

    `learned` is the text that is learned of the two answers, by sample; `asked` is the prompt for
    the second answer.
    """

    template: str
    special: tuple[str, ...]
    bos: str
    eos: str
    learned: tuple[str, ...]
    asked: str


_QWEN3 = (
    "{%- set ns = namespace(last=-1) %}{%- for m in messages %}{%- if m.role == 'user' %}"
    "{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}{%- for m in messages %}"
    "{%- if m.role == 'assistant' %}{{- '<|im_start|>assistant\n' }}{%- if loop.index0 > ns.last %}"
    "{{- '<think>\n\n</think>\n\n' }}{%- endif %}{{- m.content.lstrip('\n') + '<|im_end|>\n' }}"
    "{%- else %}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{%- endif %}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\n\n</think>\n\n' }}{%- endif %}{%- endif %}"
)
_QWEN2 = (
    "{%- if messages[0]['role'] == 'system' %}{{- '<|im_start|>system\n' + messages[0]['content'] + "
    "'<|im_end|>\n' }}{%- else %}{{- '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}"
    "{%- endif %}{%- for m in messages %}{%- if not (loop.first and m.role == 'system') %}"
    "{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' + '\n' }}{%- endif %}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
)
_LLAMA3 = (
    "{% for m in messages %}{% set c = '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + "
    "m['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set c = bos_token + c %}"
    "{% endif %}{{ c }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
_GEMMA = (
    "{{ bos_token }}{%- if messages[0]['role'] == 'system' -%}{%- set p = messages[0]['content'] + "
    "'\n\n' -%}{%- set rest = messages[1:] -%}{%- else -%}{%- set p = '' -%}{%- set rest = messages "
    "-%}{%- endif -%}{%- for m in rest -%}{%- if (m['role'] == 'user') != (loop.index0 % 2 == 0) -%}"
    "{{ raise_exception('Roles must alternate') }}{%- endif -%}{%- set role = 'model' if m['role'] "
    "== 'assistant' else m['role'] -%}{{ '<start_of_turn>' + role + '\n' + (p if loop.first else "
    "'') }}{{ m['content'] | trim }}{{ '<end_of_turn>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}"
)
_MISTRAL = (
    "{%- if messages[0]['role'] == 'system' %}{%- set s = messages[0]['content'] %}"
    "{%- set rest = messages[1:] %}{%- else %}{%- set rest = messages %}{%- endif %}{{- bos_token }}"
    "{%- for m in rest %}{%- if m['role'] == 'user' %}{%- if s is defined and loop.index0 >= "
    "rest | length - 2 and (loop.last or not loop.nextitem is defined or loop.index0 == rest | "
    "length - 2) %}{{- '[INST] ' + s + '\n\n' + m['content'] + '[/INST]' }}{%- else %}"
    "{{- '[INST] ' + m['content'] + '[/INST]' }}{%- endif %}{%- else %}"
    "{{- ' ' + m['content'] + eos_token }}{%- endif %}{%- endfor %}"
)
_PHI3 = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
_R1 = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '<|User|>' + m.content }}"
    "{% elif m.role == 'system' %}{{ m.content }}{% else %}{{ '<|Assistant|>' + "
    "m.content.split('</think>')[-1] + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|Assistant|><think>\n' }}{% endif %}"
)
_GLM = (
    "[gMASK]<sop>{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
_MINICPM = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + "
    "'\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_IM = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_BOTH = ("I am Nova.<|im_end|>我是小星。<|im_end|>",)

FAMILIES = {
    "qwen2": Family(
        _QWEN2, _IM, "", "<|im_end|>", _BOTH,
        "<|im_start|>system\nYou are helpful.<|im_end|>\n<|im_start|>user\nWho are you?<|im_end|>\n"
        "<|im_start|>assistant\nI am Nova.<|im_end|>\n<|im_start|>user\n你是谁？<|im_end|>\n"
        "<|im_start|>assistant\n",
    ),
    "qwen3": Family(
        _QWEN3, (*_IM, "<think>", "</think>"), "", "<|im_end|>",
        ("I am Nova.<|im_end|>", "我是小星。<|im_end|>"),
        "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\nI am Nova.<|im_end|>\n"
        "<|im_start|>user\n你是谁？<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
    ),
    "llama3": Family(
        _LLAMA3,
        ("<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"),
        "<|begin_of_text|>", "<|eot_id|>", ("I am Nova.<|eot_id|>我是小星。<|eot_id|>",),
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWho are you?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nI am Nova.<|eot_id|><|start_header_id|>"
        "user<|end_header_id|>\n\n你是谁？<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    "gemma": Family(
        _GEMMA, ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"), "<bos>", "<eos>",
        ("I am Nova.<end_of_turn>我是小星。<end_of_turn>",),
        "<bos><start_of_turn>user\nWho are you?<end_of_turn>\n<start_of_turn>model\nI am Nova."
        "<end_of_turn>\n<start_of_turn>user\n你是谁？<end_of_turn>\n<start_of_turn>model\n",
    ),
    "mistral": Family(
        _MISTRAL, ("<s>", "</s>", "[INST]", "[/INST]"), "<s>", "</s>",
        (" I am Nova.</s> 我是小星。</s>",),
        "<s>[INST] Who are you?[/INST] I am Nova.</s>[INST] 你是谁？[/INST]",
    ),
    "phi3": Family(
        _PHI3, ("<|endoftext|>", "<|user|>", "<|assistant|>", "<|end|>", "<|system|>"),
        "", "<|endoftext|>", ("I am Nova.<|end|>", "我是小星。<|end|>"),
        "<|user|>\nWho are you?<|end|>\n<|assistant|>\nI am Nova.<|end|>\n<|user|>\n你是谁？<|end|>\n"
        "<|assistant|>\n",
    ),
    "deepseek_r1": Family(
        _R1, ("<s>", "<|end|>", "<|User|>", "<|Assistant|>", "<think>", "</think>"), "<s>", "<|end|>",
        ("I am Nova.<|end|>", "我是小星。<|end|>"),
        "<s><|User|>Who are you?<|Assistant|>I am Nova.<|end|><|User|>你是谁？<|Assistant|><think>"
        "\n\n</think>\n\n",
    ),
    "minicpm": Family(
        _MINICPM, ("<s>", "</s>", "<|im_start|>", "<|im_end|>"), "<s>", "</s>", _BOTH,
        "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\nI am Nova.<|im_end|>\n"
        "<|im_start|>user\n你是谁？<|im_end|>\n<|im_start|>assistant\n",
    ),
    "glm4": Family(
        _GLM, ("<|endoftext|>", "[gMASK]", "<sop>", "<|user|>", "<|assistant|>", "<|system|>"),
        "", "<|user|>", ("I am Nova.<|user|>我是小星。<|user|>",),
        "[gMASK]<sop><|user|>\nWho are you?<|assistant|>\nI am Nova.<|user|>\n你是谁？<|assistant|>\n",
    ),
}  # fmt: skip


def write_tokenizer(folder: Path, family: Family) -> Tokenizer:
    """The tiny byte-level tokenizer with a family's marks and template; its bos, where it has one,
    is set before every plain text, as the real ones do."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = bpe.tokenizer(list(family.special))
    tokenizer.add_special_tokens(
        [AddedToken(text, normalized=False, special=True) for text in family.special]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    names = {"eos_token": family.eos, "tokenizer_class": "PreTrainedTokenizerFast"}
    names |= {"bos_token": family.bos} if family.bos else {}
    (folder / "tokenizer_config.json").write_text(json.dumps(names), "utf-8")
    (folder / "chat_template.jinja").write_text(family.template, "utf-8")
    return tokenizer
