"""The adapter: LoRA (arXiv 2106.09685) through peft, as safetensors that any peft can load."""

from __future__ import annotations

from pathlib import Path

import torch
from peft import (
    LoraConfig,
    PeftModel,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import PreTrainedModel

from core.config.schema import Config
from core.engine.base import linears
from core.errors import UserError

WEIGHTS = "adapter_model.safetensors"
_ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj")


def attach(model: PreTrainedModel, config: Config) -> PeftModel:
    """Put a fresh adapter (B = 0) on the projections; its numbers are 32-bit."""
    names = {name.rsplit(".", 1)[-1] for name in linears(model)}
    if config.model.lora_targets == "attention":
        names &= set(_ATTENTION)
    layers = model.config.num_hidden_layers
    upper = config.model.lora_targets == "upper-linear"
    lora = LoraConfig(
        # Nothing is computed backwards below the first of them.
        layers_to_transform=[*range(layers // 3, layers)] if upper else None,
        r=config.model.lora_r,
        lora_alpha=config.model.lora_alpha,
        lora_dropout=config.model.lora_dropout,
        target_modules=sorted(names),
        bias="none",
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, lora)


def set_strength(model: PeftModel, strength: float) -> None:
    """Scale what the adapter adds: 0 is the base, 1 as trained."""
    for module in model.modules():
        if isinstance(module, LoraLayer):
            module.set_scale("default", strength)


def trained(model: nn.Module) -> list[nn.Parameter]:
    """The adapter's numbers."""
    return [p for p in model.parameters() if p.requires_grad]


def save_adapter(
    model: PeftModel, folder: Path, state: dict[str, torch.Tensor] | None = None
) -> None:
    """Write adapter_config.json and the weights. `state` replaces the model's own (ZeRO-3)."""
    weights = get_peft_model_state_dict(model, state_dict=state)
    if not weights or any(w.numel() == 0 for w in weights.values()):
        raise RuntimeError("the adapter's weights are empty: they were not gathered")
    folder.mkdir(parents=True, exist_ok=True)
    model.peft_config["default"].save_pretrained(folder)
    save_file({k: w.detach().cpu().contiguous() for k, w in weights.items()}, folder / WEIGHTS)


def load_adapter(model: PeftModel, folder: Path) -> None:
    """Put saved weights into an attached adapter.

    Raises:
        UserError: they are missing or belong to another model or rank.
    """
    file = folder / WEIGHTS
    try:
        result = set_peft_model_state_dict(model, load_file(file))
    except (OSError, RuntimeError) as error:
        raise UserError(
            "The adapter in {folder} does not fit this model: {reason}",
            "Train it again, or choose the run's own model.",
            folder=folder.name,
            reason=str(error).splitlines()[0],
        ) from error
    if result.unexpected_keys:
        raise UserError(
            "The adapter in {folder} has weights that this model lacks.",
            "Choose the model that it was trained on.",
            folder=folder.name,
        )
