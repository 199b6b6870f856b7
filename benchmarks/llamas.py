"""Llamas of known shapes, and their random weights on disk without transformers.

Loading that library and setting up a model's layers takes half a minute on a busy host.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from core.models import Shape

SHAPES: Final = {
    "0.1B": Shape(576, 30, 9, 3, 64, 1536, 49_152, True, 8192),  # SmolLM2-135M
    "0.5B": Shape(896, 24, 14, 2, 64, 4864, 151_936, True, 32_768),  # Qwen2.5-0.5B
    "1.8B": Shape(2048, 24, 16, 8, 128, 8192, 92_544, False, 32_768),  # InternLM2-1.8B
    "3B": Shape(2048, 36, 16, 2, 128, 11_008, 151_936, True, 32_768),  # Qwen2.5-3B
    "7B": Shape(4096, 32, 32, 32, 128, 11_008, 32_000, False, 4096),  # Llama-2-7B
    "InternLM2-7B": Shape(4096, 32, 32, 8, 128, 14_336, 92_544, False, 32_768),
    "0.02B": Shape(384, 12, 6, 2, 64, 1024, 8192, True, 2048),  # for processors
    "0.05B": Shape(512, 16, 8, 4, 64, 1408, 16_384, True, 2048),
}


def settings(shape: Shape) -> dict[str, Any]:
    """A shape in the words of a Llama's config.json."""
    return {
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "max_position_embeddings": shape.context,
        "tie_word_embeddings": shape.tied,
    }


def weights(shape: Shape) -> dict[str, tuple[int, ...]]:
    """The sizes of a Llama's weights."""
    hidden, inner = shape.hidden, shape.intermediate
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    layer: dict[str, tuple[int, ...]] = {
        "self_attn.q_proj": (queries, hidden),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.v_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, queries),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
        "input_layernorm": (hidden,),
        "post_attention_layernorm": (hidden,),
    }
    layers = range(shape.layers)
    found = {f"model.layers.{i}.{name}.weight": layer[name] for i in layers for name in layer}
    for end in ("model.embed_tokens",) if shape.tied else ("model.embed_tokens", "lm_head"):
        found[f"{end}.weight"] = shape.vocabulary, hidden
    return {**found, "model.norm.weight": (hidden,)}


def write_random(shape: Shape, folder: Path) -> None:
    """Config and 16-bit weights, made on the GPU where there is one."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)  # one that was broken off is written again
    made = {}
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        for name, size in weights(shape).items():
            weight = torch.ones(size, dtype=torch.bfloat16)
            made[name] = weight if len(size) == 1 else weight.normal_(std=0.02)
    save_file(made, folder / "model.safetensors", {"format": "pt"})
    named = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(named | settings(shape), indent=1), "utf-8")
