"""Load a base model for training or chat, its frozen weights packed in NF4 or as they are.

NF4 with double quantisation is bitsandbytes' (QLoRA, arXiv 2305.14314). Where the plan keeps
unpacked weights, each matrix takes the round trip 16 bit → NF4 → 16 bit once: the very numbers
that bitsandbytes would unpack at every use.
"""

from __future__ import annotations

from pathlib import Path

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError
from torch import nn
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, PreTrainedModel
from transformers.integrations.deepspeed import is_deepspeed_zero3_enabled

from core.engine.hosted import NAME
from core.errors import UserError
from core.model_folder import read_json

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


def load_base(
    folder: Path,
    *,
    dtype: str,
    device: str,
    quantization: str = "none",
    double_quantization: bool = True,
    unpacked: bool = True,
    zero3: bool = False,
) -> PreTrainedModel:
    """The base model of a folder, frozen, on its device.

    Args:
        quantization: “nf4” or “none”.
        unpacked: keep NF4 values as 16-bit weights (the plan's weight cache).
        zero3: DeepSpeed stage 3 will split the weights, 4-bit ones as `dtype`; within
            `deepspeed.born_split` each rank gets its part of them at once.

    Raises:
        UserError: the folder holds no safetensors weights that fit its config.
    """
    number = DTYPES[dtype]
    packed = quantization == "nf4" and not unpacked
    born_split = is_deepspeed_zero3_enabled()
    extra = {}
    if packed:
        extra["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=double_quantization,
            bnb_4bit_compute_dtype=number,
            bnb_4bit_quant_storage=number if zero3 else torch.uint8,
        )
    if not born_split:
        extra["device_map"] = {"": device}
    try:
        model, found = AutoModelForCausalLM.from_pretrained(
            folder,
            output_loading_info=True,
            dtype=number,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            attn_implementation=_attention(folder),
            **extra,
        )
    except (
        *(OSError, ValueError, ArithmeticError, RuntimeError),
        *(SafetensorError, StrictDataclassError),
    ) as error:
        raise UserError(
            "The model in {folder} cannot be loaded: {reason}",
            "Choose a folder with a whole model whose weights are safetensors.",
            folder=folder.name,
            reason=str(error).splitlines()[-1].strip()[:300]
            if isinstance(error, StrictDataclassError)
            else str(error).splitlines()[0][:300],
        ) from error
    if found["missing_keys"] and not born_split:
        # transformers would fill them with random numbers and go on.
        raise UserError(
            "The weights in {folder} are not whole: {name} is missing.",
            "Choose a folder with a whole model, or download it again.",
            folder=folder.name,
            name=sorted(found["missing_keys"])[0],
        )
    if quantization == "nf4" and unpacked:
        round_trip(model, double_quantization=double_quantization)
    model.requires_grad_(False)
    model.split_over_ranks = zero3  # or will be: nobody may keep hold of its weights
    model.config.use_cache = True
    return model


def _attention(folder: Path) -> str:
    """torch's own attention, which keeps to a pack's borders, but for models that bend the scores:
    that it cannot."""
    bent = read_json(folder / "config.json").get("attn_logit_softcapping")
    return "eager" if bent else NAME


def linears(model: nn.Module) -> dict[str, nn.Linear]:
    """The projections inside the layers by name: what NF4 packs and what an adapter adapts."""
    heads = {id(model.get_output_embeddings()), id(model.get_input_embeddings())}
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and id(module) not in heads
    }


@torch.no_grad()
def round_trip(model: nn.Module, *, double_quantization: bool = True) -> None:
    """Replace each projection's weight by its NF4 value, in place."""
    for module in linears(model).values():
        module.weight.data = nf4_value(module.weight.data, double_quantization=double_quantization)


def nf4_value(weight: torch.Tensor, *, double_quantization: bool = True) -> torch.Tensor:
    """A matrix as NF4 keeps it, in its own number type. Shape and device stay."""
    data, state = quantize_4bit(
        weight.contiguous(), compress_statistics=double_quantization, quant_type="nf4"
    )
    return dequantize_4bit(data, state).to(weight.dtype).reshape(weight.shape)
