"""Named prompt templates, for models without one of their own or for files from XTuner.

Field names and marks follow XTuner 0.1.x (`xtuner/utils/templates.py`), so that a model tuned
there keeps its format here. Where XTuner puts a long text of its own before the system text
(llama2_chat, vicuna, wizardlm, wizardcoder, deepseek_coder), only the system text stands here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final, Literal

Name = Literal[
    "auto",
    "default",
    "internlm2_chat",
    "qwen_chat",
    "internlm_chat",
    "llama2_chat",
    "llama3_chat",
    "code_llama_chat",
    "phi3_chat",
    "gemma",
    "mistral",
    "mixtral",
    "deepseek_moe",
    "deepseek_v2",
    "deepseek_coder",
    "zephyr",
    "vicuna",
    "wizardlm",
    "wizardcoder",
    "cohere_chat",
    "chatglm2",
    "chatglm3",
    "baichuan_chat",
    "baichuan2_chat",
    "minicpm",
    "minicpm3",
    "moss_sft",
]
"""“auto” is the model's own template; the others are `NAMED`."""


@dataclass(frozen=True)
class Template:
    """Texts around each turn; {system} and {input} stand for the contents, {round} for 1, 2, 3 …

    `system` is empty where the template has no place for a system text.
    """

    system: str
    instruction: str
    suffix: str = ""
    separator: str = "\n"
    stop: tuple[str, ...] = ()

    def jinja(self, *, bos: bool) -> str:
        """The same as a Jinja template, which any program can render; `bos` writes the
        tokenizer's first token before everything."""
        start = "{{ bos_token }}" if bos else ""
        system = _with(self.system, "{system}") if self.system else _NO_SYSTEM
        return (
            f"{start}{{% for m in messages %}}"
            f"{{% if m['role'] == 'system' %}}{system}"
            f"{{% elif m['role'] == 'user' %}}"
            f"{{% if add_generation_prompt or not loop.last %}}"
            f"{_with(self.instruction, '{input}')}{{% endif %}}"
            f"{{% else %}}{{{{ m['content'] + {_quoted(self.suffix + self.separator)} }}}}"
            f"{{% endif %}}{{% endfor %}}"
        )


_NO_SYSTEM: Final = "{{ raise_exception('it has no place for a system text') }}"

_ROUND: Final = "((loop.index + 1) // 2)|string"  # with a system turn before it or without


def _with(text: str, place: str) -> str:
    """A Jinja expression of a text around a message's content."""
    before, _, after = text.partition(place)
    opening = f" + {_ROUND} + ".join(_quoted(part) for part in before.split("{round}"))
    return f"{{{{ {opening} + m['content'] + {_quoted(after)} }}}}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_CHATML: Final = Template(
    "<|im_start|>system\n{system}<|im_end|>\n",
    "<|im_start|>user\n{input}<|im_end|>\n<|im_start|>assistant\n",
    "<|im_end|>",
    stop=("<|im_end|>",),
)

_CHATML_END: Final = replace(_CHATML, stop=("<|im_end|>", "<|endoftext|>"))
_VICUNA: Final = Template("{system}\n ", "USER: {input} ASSISTANT:")
_MISTRAL: Final = Template("[INST] {system} [/INST]\n", "[INST] {input} [/INST]")

NAMED: Final = {
    "default": Template("<|System|>:{system}\n", "<|User|>:{input}\n<|Bot|>:"),
    "internlm2_chat": _CHATML,
    "qwen_chat": _CHATML_END,
    "internlm_chat": Template(
        "<|System|>:{system}\n", "<|User|>:{input}<eoh>\n<|Bot|>:", "<eoa>", stop=("<eoa>",)
    ),
    "llama3_chat": Template(
        "<|start_header_id|>system<|end_header_id|>\n\n{system}<|eot_id|>",
        "<|start_header_id|>user<|end_header_id|>\n\n{input}<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|eot_id|>",
        separator="",
        stop=("<|eot_id|>",),
    ),
    "phi3_chat": Template(
        "<|system|>\n{system}<|end|>\n",
        "<|user|>\n{input}<|end|>\n<|assistant|>\n",
        "<|end|>",
        stop=("<|end|>",),
    ),
    "gemma": Template(
        "<start_of_turn>system\n{system}<end_of_turn>\n",
        "<start_of_turn>user\n{input}<end_of_turn>\n<start_of_turn>model\n",
        "<end_of_turn>",
        stop=("<end_of_turn>",),
    ),
    "mistral": _MISTRAL,
    "mixtral": _MISTRAL,
    "deepseek_moe": _MISTRAL,
    "code_llama_chat": Template("{system}\n", "[INST] {input} [/INST]", separator=""),
    "zephyr": Template("<|system|>\n{system}\n", "<|user|>\n{input}\n<|assistant|>\n"),
    "deepseek_v2": Template(
        "{system}\n\n",
        "User: {input}\n\nAssistant: ",
        "<｜end▁of▁sentence｜>",
        separator="",
        stop=("<｜end▁of▁sentence｜>",),
    ),
    "cohere_chat": Template(
        "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>{system}<|END_OF_TURN_TOKEN|>",
        "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>{input}<|END_OF_TURN_TOKEN|>"
        "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
        "<|END_OF_TURN_TOKEN|>",
        separator="",
        stop=("<|END_OF_TURN_TOKEN|>",),
    ),
    "minicpm": Template("", "<用户> {input} <AI>"),
    "minicpm3": _CHATML_END,
    "llama2_chat": Template(
        "[INST] <<SYS>>\n {system}\n<</SYS>>\n [/INST] ", "[INST] {input} [/INST]"
    ),
    "vicuna": _VICUNA,
    "wizardlm": _VICUNA,
    "wizardcoder": Template(
        "{system}\n ", "### Instruction:\n{input}\n\n### Response:", separator="\n\n"
    ),
    "deepseek_coder": Template("{system}\n", "### Instruction:\n{input}\n### Response:\n"),
    "chatglm2": Template("{system}\n", "[Round {round}]\n\n问：{input}\n\n答：", separator="\n\n"),
    "chatglm3": Template("<|system|>\n{system}", "<|user|>\n{input}<|assistant|>\n"),
    "baichuan_chat": Template("{system}\n", "<reserved_102>{input}<reserved_103>"),
    "baichuan2_chat": Template("{system}\n", "<reserved_106>{input}<reserved_107>"),
    "moss_sft": Template("{system}\n", "<|Human|>: {input}<eoh>\n", stop=("<eoc>", "<eom>")),
}
