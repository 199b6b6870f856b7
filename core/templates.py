"""Named prompt templates, for models without one of their own or for files from XTuner.

Field names and texts follow XTuner 0.1.x (`xtuner/utils/templates.py`), so that a model tuned
there keeps its format here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.dataset import Message


@dataclass(frozen=True)
class Template:
    """Texts around each turn; {system} and {input} stand for the contents."""

    system: str
    instruction: str
    suffix: str = ""
    separator: str = "\n"
    stop: tuple[str, ...] = ()

    def render(self, messages: Sequence[Message], *, answer_next: bool = False) -> str:
        """The conversation as text. A user turn ends where the assistant begins."""
        parts = []
        for i, m in enumerate(messages):
            if m.role == "system":
                parts.append(self.system.replace("{system}", m.content))
            elif m.role == "user":
                if answer_next or i + 1 < len(messages):
                    parts.append(self.instruction.replace("{input}", m.content))
            else:
                parts.append(m.content + self.suffix + self.separator)
        return "".join(parts)


_CHATML: Final = Template(
    "<|im_start|>system\n{system}<|im_end|>\n",
    "<|im_start|>user\n{input}<|im_end|>\n<|im_start|>assistant\n",
    "<|im_end|>",
    stop=("<|im_end|>",),
)

NAMED: Final = {
    "default": Template("<|System|>:{system}\n", "<|User|>:{input}\n<|Bot|>:"),
    "internlm2_chat": _CHATML,
    "qwen_chat": Template(
        _CHATML.system, _CHATML.instruction, "<|im_end|>", stop=("<|im_end|>", "<|endoftext|>")
    ),
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
}
