"""InternLM2 as Llama and back: the same network under other names, with its projections fused.

`wqkv` holds, for each key head, its query heads, then the key, then the value (grouped-query
attention, arXiv 2305.13245; InternLM2, 2403.17297). Both rotate half against half, so that no
rows change places within a head. Converting there and back is the identity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch

from core.engine.shards import Output
from core.errors import UserError

ARCHITECTURE: Final = "InternLM2ForCausalLM"

_PLAIN: Final = {
    "model.tok_embeddings.weight": "model.embed_tokens.weight",
    "model.norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_LAYER: Final = {
    "attention.wo": "self_attn.o_proj",
    "feed_forward.w1": "mlp.gate_proj",
    "feed_forward.w3": "mlp.up_proj",
    "feed_forward.w2": "mlp.down_proj",
    "attention_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}
_PARTS: Final = ("q_proj", "k_proj", "v_proj")
_NAME: Final = re.compile(r"model\.layers\.(\d+)\.(.+)\.(weight|bias)")
_COMPUTED: Final = "rotary_emb.inv_freq"  # some old files carry what follows from the config


@dataclass(frozen=True)
class Heads:
    """How the rows of `wqkv` are grouped."""

    query: int
    key: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Heads:
        """From an InternLM2 config.json."""
        query = int(config["num_attention_heads"])
        return cls(query, int(config.get("num_key_value_heads") or query))

    def part(self, which: int, fused: torch.Tensor) -> torch.Tensor:
        """Query (0), key (1) or value (2) rows of wqkv (rows, …)."""
        each = self.query // self.key
        grouped = fused.view(self.key, each + 2, -1, *fused.shape[1:])
        chosen = (grouped[:, :each], grouped[:, each : each + 1], grouped[:, each + 1 :])[which]
        return chosen.reshape(-1, *fused.shape[1:])

    def fuse(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """The inverse of `part`: wqkv of query, key and value rows."""
        each, rest = self.query // self.key, q.shape[1:]
        groups = (
            q.view(self.key, each, -1, *rest),
            k.view(self.key, 1, -1, *rest),
            v.view(self.key, 1, -1, *rest),
        )
        return torch.cat(groups, 1).reshape(-1, *rest)


def to_llama(names: Iterator[str], config: Mapping[str, Any]) -> list[Output]:
    """Llama's tensors from those of an InternLM2 checkpoint.

    Raises:
        UserError: a name belongs to no InternLM2.
    """
    heads, found = Heads.of(config), []
    for name in names:
        if name.endswith(_COMPUTED):
            continue
        if name in _PLAIN:
            found.append(Output(_PLAIN[name], (name,), _same))
            continue
        match = _NAME.fullmatch(name)
        if match and match[2] == "attention.wqkv":
            for which, part in enumerate(_PARTS):
                new = f"model.layers.{match[1]}.self_attn.{part}.{match[3]}"
                found.append(Output(new, (name,), partial(heads.part, which)))
        elif match and match[2] in _LAYER:
            new = f"model.layers.{match[1]}.{_LAYER[match[2]]}.{match[3]}"
            found.append(Output(new, (name,), _same))
        else:
            raise UserError(
                "The weights have a tensor {name}, which no InternLM2 has.",
                "Choose the folder of an InternLM2 or InternLM2.5 language model.",
                name=name,
            )
    return found


def from_llama(names: Iterator[str], config: Mapping[str, Any]) -> list[Output]:
    """An InternLM2 checkpoint's tensors from Llama's; `config` is the InternLM2 one."""
    heads, found = Heads.of(config), []
    plain = {new: old for old, new in _PLAIN.items()}
    layer = {new: old for old, new in _LAYER.items()}
    for name in names:
        if name in plain:
            found.append(Output(plain[name], (name,), _same))
            continue
        match = _NAME.fullmatch(name)
        assert match is not None, name
        stem = f"model.layers.{match[1]}"
        if match[2] in layer:
            found.append(Output(f"{stem}.{layer[match[2]]}.{match[3]}", (name,), _same))
        elif match[2] == "self_attn.q_proj":
            parts = tuple(f"{stem}.self_attn.{part}.{match[3]}" for part in _PARTS)
            found.append(Output(f"{stem}.attention.wqkv.{match[3]}", parts, heads.fuse))
    return found


def llama_config(config: Mapping[str, Any], eos: list[int]) -> dict[str, Any]:
    """The Llama config.json of an InternLM2 one.

    `rope_theta` and `rope_scaling` are written as every version of transformers reads them.

    Raises:
        UserError: its values are not of InternLM2's kind.
    """
    try:
        return _llama_config(config, eos)
    except (AttributeError, TypeError, ValueError) as error:
        raise UserError(
            "The config.json is not that of an InternLM2 ({reason}).",
            "Choose the folder of an InternLM2 or InternLM2.5 language model.",
            reason=str(error)[:200],
        ) from error


def _llama_config(config: Mapping[str, Any], eos: list[int]) -> dict[str, Any]:
    kept = (
        *("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
        *("vocab_size", "max_position_embeddings", "rms_norm_eps", "initializer_range"),
        *("bos_token_id", "pad_token_id", "use_cache"),
    )
    scaling = config.get("rope_scaling")
    if scaling:
        kind = scaling.get("rope_type") or scaling.get("type")
        if kind not in ("dynamic", "linear", "default"):
            raise ValueError(f"rope_scaling of type {kind}")
        scaling = {"rope_type": kind, "type": kind, "factor": float(scaling.get("factor", 1.0))}
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **{key: config[key] for key in kept if key in config},
        "num_key_value_heads": Heads.of(config).key,
        "hidden_act": config.get("hidden_act", "silu"),
        # InternLM2's own class takes True where the file is silent.
        "attention_bias": bool(config.get("bias", True)),
        "mlp_bias": False,
        "rope_theta": float(config.get("rope_theta", 10_000.0)),
        "rope_scaling": scaling or None,
        "tie_word_embeddings": bool(config.get("tie_word_embeddings", False)),
        "eos_token_id": eos,
        "torch_dtype": config.get("torch_dtype") or config.get("dtype") or "bfloat16",
    }


def llama_config_of_3(config: Mapping[str, Any]) -> dict[str, Any]:
    """The Llama config.json of an InternLM3, which is one but for the names of its biases.

    Raises:
        UserError: its projections have biases that no Llama has.
    """
    qkv, rest = bool(config.get("qkv_bias", False)), bool(config.get("bias", False))
    if qkv != rest:
        raise UserError(
            "The config.json is that of an InternLM3 with biases on some projections only.",
            "Choose internlm/internlm3-8b-instruct, or a model tuned from it.",
        )
    other = ("auto_map", "qkv_bias", "bias")
    return {
        **{key: value for key, value in config.items() if key not in other},
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": qkv,
        "mlp_bias": qkv,
    }


def _same(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def unchanged(names: Iterator[str]) -> list[Output]:
    """Every tensor under its own name."""
    return [Output(name, (name,), _same) for name in names]
