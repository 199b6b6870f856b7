"""Make the built-in model ready: its GGUF file becomes safetensors once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from core.files import require_space


def convert_gguf(file: Path, target: Path, report: Callable[[int, int], None]) -> None:
    """Write `target` as a model folder from a GGUF file; complete or not there at all.

    Args:
        report: called with stages done and in all.

    Raises:
        UserError: the disk has too little space.
    """
    require_space(target.parent, 5 * file.stat().st_size)
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    report(0, 3)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    tokenizer.save_pretrained(part)
    _split_digits(part / "tokenizer.json")
    report(1, 3)
    model = AutoModelForCausalLM.from_pretrained(
        file.parent,
        gguf_file=file.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    report(2, 3)
    model.save_pretrained(part)
    (part / "done").touch()
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    report(3, 3)


def _split_digits(file: Path) -> None:
    """Give SmolLM2's tokenizer back what GGUF cannot say: every digit is a token of its own."""
    data = json.loads(file.read_text("utf-8"))
    byte_level = data["pre_tokenizer"]
    if byte_level["type"] == "ByteLevel":
        digits = {"type": "Digits", "individual_digits": True}
        data["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [digits, byte_level]}
        file.write_text(json.dumps(data, ensure_ascii=False), "utf-8")
