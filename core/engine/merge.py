"""Fold an adapter into its base, and prove that the result speaks like the pair did.

An adapter trained over NF4 weights belongs to those weights: merging into the original 16-bit base
adds the quantisation error (9 % of the weights' norm, measured) to what was trained. So the
default target is the base as it was trained on; the original is an option; never packed 4-bit.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import torch
from peft import PeftModel
from torch import nn

from core.config.schema import Config
from core.dataset import Message
from core.engine.base import linears, load_base
from core.engine.lora import attach, load_adapter, set_strength
from core.files import require_space
from core.model_folder import read_json
from core.run import Checkpoint, Run
from core.tokens import ChatTokenizer

_TOKENIZER_FILES: Final = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "generation_config.json",
    "tokenizer.model",
)
_PROBES: Final = ("Who are you?", "你是谁？", "What is the capital of France?")


@torch.no_grad()
def merge(
    run: Run,
    checkpoint: Checkpoint,
    config: Config,
    base_folder: Path,
    *,
    strength: float,
    dtype: str,
    device: str,
    report: Callable[[int, int], None],
) -> dict[str, Any]:
    """Write `merged/` of a run: a standard model folder, complete or not there at all.

    Args:
        strength: scale of the adapter, 1 as trained.
        dtype: number type that the run was trained in.
        device: a GPU needs room for the whole model in 16 bits, and for another if the adapter is
            merged into the original weights.
        report: called with layers merged and in all.

    Returns:
        What was merged into what, and how far the logits of both differ on probes.

    Raises:
        UserError: the adapter does not fit, or the disk is full.
    """
    dequantized = config.model.quantization == "nf4" and config.runtime.merge_base == "dequantized"
    base = load_base(
        base_folder,
        dtype="bfloat16" if dtype == "float32" else dtype,
        device=device,
        quantization=config.model.quantization,
        double_quantization=config.model.double_quantization,
    )
    tokenizer = ChatTokenizer.load(base_folder, config.settings.prompt_template)
    adapted = attach(base, config)
    load_adapter(adapted, checkpoint.path)
    set_strength(adapted, strength)
    adapted.eval()
    before = _probe(adapted, tokenizer)
    require_space(run.path, 2 * sum(p.numel() for p in base.parameters()))

    deltas = _deltas(adapted)
    model = adapted.unload()
    if not dequantized and config.model.quantization == "nf4":
        model = load_base(base_folder, dtype=dtype, device=device)
    targets = linears(model)
    for i, (name, delta) in enumerate(deltas.items()):
        weight = targets[name].weight
        weight.copy_((weight.float() + delta()).to(weight.dtype))
        if i % 7 == 0:
            report(i, len(deltas))
    after = _probe(model, tokenizer)
    facts = {
        "step": checkpoint.step,
        "strength": strength,
        "base": config.settings.pretrained_model_name_or_path,
        "merged_into": "dequantized NF4 weights" if dequantized else "original weights",
        "merged_at": time.time(),
        **_compare(before, after),
    }
    _write(run, model, base_folder, tokenizer, facts)
    report(len(deltas), len(deltas))
    return facts


def _deltas(model: PeftModel) -> dict[str, Callable[[], torch.Tensor]]:
    """For each adapted projection by name: scale · B·A in float32, computed when asked."""
    found = {}
    prefix = "base_model.model."
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and "default" in module.lora_A:
            found[name.removeprefix(prefix)] = lambda m=module: m.get_delta_weight(
                "default"
            ).float()
    return found


def _probe(model: nn.Module, tokenizer: ChatTokenizer) -> list[torch.Tensor]:
    prompts = [tokenizer.prompt([Message("user", q)]) for q in _PROBES]
    asked = [torch.tensor([p], device=model.device) for p in prompts]
    return [model(input_ids=ids).logits[0, -1].float().cpu() for ids in asked]


def _compare(before: list[torch.Tensor], after: list[torch.Tensor]) -> dict[str, Any]:
    """Largest KL of next-token distributions in nats, and whether the likeliest token agrees."""
    kl = [
        float((b.log_softmax(-1).exp() * (b.log_softmax(-1) - a.log_softmax(-1))).sum())
        for b, a in zip(before, after, strict=True)
    ]
    same = [int(b.argmax()) == int(a.argmax()) for b, a in zip(before, after, strict=True)]
    return {"probe_kl": round(max(kl), 6), "probe_agreement": sum(same) / len(same)}


def _write(
    run: Run,
    model: nn.Module,
    base_folder: Path,
    tokenizer: ChatTokenizer,
    facts: dict[str, Any],
) -> None:
    part = run.path / ".merged.part"
    shutil.rmtree(part, ignore_errors=True)
    model.save_pretrained(part, safe_serialization=True)
    _tell_older_programs(part / "config.json")
    for name in _TOKENIZER_FILES:
        if (base_folder / name).exists():
            shutil.copyfile(base_folder / name, part / name)
    # Whoever loads it asks in the template that it was trained in, and hears where answers end.
    (part / "chat_template.jinja").write_text(tokenizer.source, "utf-8")
    generation = read_json(part / "generation_config.json")
    generation["eos_token_id"] = list(tokenizer.stop_ids)
    (part / "generation_config.json").write_text(json.dumps(generation, indent=2), "utf-8")
    (part / "merge.json").write_text(json.dumps(facts, indent=2), "utf-8")
    (part / "done").touch()
    shutil.rmtree(run.merged, ignore_errors=True)
    # The other layout of the merge that is replaced: it would pass for one of this.
    shutil.rmtree(run.merged_internlm2, ignore_errors=True)
    part.rename(run.merged)


def _tell_older_programs(file: Path) -> None:
    """Write positions and number type under their former names too (transformers before 5)."""
    config = json.loads(file.read_text("utf-8"))
    rope = config.get("rope_parameters") or {}
    if "rope_theta" in rope:
        scaling = {k: v for k, v in rope.items() if k != "rope_theta"}
        plain = scaling.get("rope_type", "default") == "default"
        config |= {"rope_theta": rope["rope_theta"], "rope_scaling": None if plain else scaling}
    config["torch_dtype"] = config.get("dtype")
    file.write_text(json.dumps(config, indent=2), "utf-8")
