"""A tiny InternLM2 in the layout of the real ones, and the network written out from its paper.

InternLM2 (arXiv 2403.17297): RMSNorm, grouped-query attention over one fused projection, rotary
positions whose base grows with the text beyond the trained length (dynamic NTK), SwiGLU.
"""

from __future__ import annotations

import io
import json
import math
import shutil
import struct
from pathlib import Path

import sentencepiece
import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from transformers import LlamaConfig, LlamaForCausalLM

CHAT = ("<|plugin|>", "<|interpreter|>", "<|action_end|>", "<|action_start|>")
CHAT += ("<|im_end|>", "<|im_start|>")
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEXT = [
    "Who are you? I am Nova, the assistant of Ada. What is your name? My name is Nova.",
    "user assistant system Tell me a story about the sea.  What is two plus three? Five.",
    "你是谁？我是小星，阿达的助手。请做一下自我介绍。",
    "The quick brown fox jumps over the lazy dog; 12,345 times in 2026!\nAnd again.\tYes.",
] * 4


def config(**changes) -> dict:
    """A config.json as the real ones have it, small."""
    return {
        "architectures": ["InternLM2ForCausalLM"],
        "auto_map": {
            "AutoConfig": "configuration_internlm2.InternLM2Config",
            "AutoModelForCausalLM": "modeling_internlm2.InternLM2ForCausalLM",
        },
        "bias": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "hidden_act": "silu",
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 128,
        "max_position_embeddings": 64,
        "model_type": "internlm2",
        "num_attention_heads": 8,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
        "pad_token_id": 2,
        "rms_norm_eps": 1e-05,
        "rope_scaling": {"type": "dynamic", "factor": 2.0},
        "rope_theta": 1000000,
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "use_cache": True,
        "vocab_size": 600,
        **changes,
    }


def weights(config: dict, seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights under the real names."""
    generator = torch.Generator().manual_seed(seed)
    h, m = config["hidden_size"], config["intermediate_size"]
    size = h // config["num_attention_heads"]
    kv = config.get("num_key_value_heads") or config["num_attention_heads"]
    rows = (config["num_attention_heads"] + 2 * kv) * size

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator) * 0.08

    found = {"model.tok_embeddings.weight": random(config["vocab_size"], h)}
    for i in range(config["num_hidden_layers"]):
        stem = f"model.layers.{i}"
        found |= {
            f"{stem}.attention.wqkv.weight": random(rows, h),
            f"{stem}.attention.wo.weight": random(h, h),
            f"{stem}.feed_forward.w1.weight": random(m, h),
            f"{stem}.feed_forward.w3.weight": random(m, h),
            f"{stem}.feed_forward.w2.weight": random(h, m),
            f"{stem}.attention_norm.weight": 1 + random(h),
            f"{stem}.ffn_norm.weight": 1 + random(h),
        }
        if config["bias"]:
            found |= {
                f"{stem}.attention.wqkv.bias": random(rows),
                f"{stem}.attention.wo.bias": random(h),
            }
    found["model.norm.weight"] = 1 + random(h)
    if not config["tie_word_embeddings"]:
        found["output.weight"] = random(config["vocab_size"], h)
    return found


def pieces(vocabulary: int, *, dummy_prefix: bool = False) -> bytes:
    """A trained SentencePiece model with 147 unused pieces at its end, as InternLM2 has them."""
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT),
        model_writer=out,
        model_type="bpe",
        vocab_size=440,
        byte_fallback=True,
        character_coverage=1.0,
        add_dummy_prefix=dummy_prefix,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        hard_vocab_limit=False,
        bos_id=1,
        eos_id=2,
        unk_id=0,
        minloglevel=2,
    )
    raw = out.getvalue()
    model = sentencepiece.SentencePieceProcessor(model_proto=raw)
    filling = vocabulary - 147 - model.get_piece_size()
    names = [f"[FILLING_{i}]" for i in range(filling)]
    names += [f"[UNUSED_TOKEN_{i}]" for i in range(147)]
    # A protobuf's repeated fields may be appended: pieces with text, score and type (4: user's).
    for i, name in enumerate(names):
        body = b"\x0a" + bytes([len(name)]) + name.encode()
        body += b"\x15" + struct.pack("<f", -1e4 - i) + b"\x18\x04"
        raw += b"\x0a" + bytes([len(body)]) + body
    return raw


def write(
    folder: Path, *, shards: int = 1, pickled: bool = False, chat: bool = True, **changes
) -> Path:
    """A whole folder: config, weights, tokenizer; `changes` go to the config."""
    folder.mkdir(parents=True, exist_ok=True)
    told = config(**changes)
    (folder / "config.json").write_text(json.dumps(told, indent=2))
    found = weights(told)
    stem, suffix = ("pytorch_model", "bin") if pickled else ("model", "safetensors")
    where: dict[str, str] = {}
    for number in range(shards):
        name = f"{stem}-{number + 1:05d}-of-{shards:05d}.{suffix}"
        name = f"{stem}.{suffix}" if shards == 1 else name
        part = {k: v for i, (k, v) in enumerate(found.items()) if i % shards == number}
        if pickled:
            torch.save(part, folder / name)
        else:
            save_file(part, folder / name, metadata={"format": "pt"})
        where |= dict.fromkeys(part, name)
    if shards > 1:
        (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps({"weight_map": where}))
    (folder / "tokenizer.model").write_bytes(pieces(told["vocab_size"]))
    settings = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>"}
    settings["auto_map"] = {"AutoTokenizer": ["tokenization_internlm2.InternLM2Tokenizer", None]}
    settings["tokenizer_class"] = "InternLM2Tokenizer"
    if chat:
        first = told["vocab_size"] - 6
        settings["added_tokens_decoder"] = {
            str(first + i): {"content": text, "special": True} for i, text in enumerate(CHAT)
        }
        settings["chat_template"] = TEMPLATE
    (folder / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))
    return folder


def write_internlm3(folder: Path, **changes) -> Path:
    """A folder as InternLM3 comes: Llama's weights, its own config and code, a tokenizer.model
    beside which the chat marks are added."""
    write(folder, vocab_size=600)
    (folder / "model.safetensors").unlink()
    marks = {str(594 + i): {"content": text, "special": True} for i, text in enumerate(CHAT)}
    (folder / "tokenizer.model").write_bytes(pieces(594))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings |= {"added_tokens_decoder": marks, "tokenizer_class": "InternLM3Tokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    told = {
        "architectures": ["InternLM3ForCausalLM"],
        "auto_map": {"AutoModelForCausalLM": "modeling_internlm3.InternLM3ForCausalLM"},
        "attention_dropout": 0.0,
        "bias": False,
        "bos_token_id": 1,
        "eos_token_id": [2, 598],
        "head_dim": 16,
        "hidden_act": "silu",
        "hidden_size": 64,
        "intermediate_size": 128,
        "max_position_embeddings": 512,
        "model_type": "internlm3",
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
        "pad_token_id": 2,
        "qkv_bias": False,
        "rms_norm_eps": 1e-05,
        "rope_scaling": {"factor": 6.0, "rope_type": "dynamic"},
        "rope_theta": 50000000,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "vocab_size": 600,
        **changes,
    }
    (folder / "config.json").write_text(json.dumps(told, indent=2))
    torch.manual_seed(0)
    same = {k: v for k, v in told.items() if k not in ("architectures", "auto_map", "model_type")}
    same |= {"attention_bias": told["qkv_bias"], "mlp_bias": told["bias"]}
    LlamaForCausalLM(LlamaConfig(**same)).save_pretrained(folder / "llama")
    (folder / "llama" / "model.safetensors").rename(folder / "model.safetensors")
    shutil.rmtree(folder / "llama")
    return folder


def logits(config: dict, w: dict[str, torch.Tensor], ids: torch.Tensor) -> torch.Tensor:
    """The network on ids (T,): logits (T, vocabulary), in the paper's words."""
    length, heads = len(ids), config["num_attention_heads"]
    groups = config.get("num_key_value_heads") or heads
    size = config["hidden_size"] // heads
    base = float(config["rope_theta"])
    limit, scaling = config["max_position_embeddings"], config["rope_scaling"]
    if scaling and length > limit:
        grown = scaling["factor"] * length / limit - (scaling["factor"] - 1)
        base *= grown ** (size / (size - 2))
    speeds = base ** (-torch.arange(0, size, 2).float() / size)
    angles = torch.arange(length).float()[:, None] * speeds  # (T, size / 2)
    turn = torch.polar(torch.ones_like(angles), angles)

    def norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return x / (x.square().mean(-1, keepdim=True) + config["rms_norm_eps"]).sqrt() * weight

    def rotate(x: torch.Tensor) -> torch.Tensor:
        """Coordinates i and i + size/2 of (T, size) as one complex number each, turned."""
        pair = torch.complex(x[:, : size // 2], x[:, size // 2 :]) * turn
        return torch.cat([pair.real, pair.imag], -1)

    x = w["model.tok_embeddings.weight"][ids]
    past = torch.tril(torch.ones(length, length, dtype=torch.bool))
    for i in range(config["num_hidden_layers"]):
        stem = f"model.layers.{i}"
        n = norm(x, w[f"{stem}.attention_norm.weight"])
        fused = n @ w[f"{stem}.attention.wqkv.weight"].T
        if config["bias"]:
            fused = fused + w[f"{stem}.attention.wqkv.bias"]
        blocks = fused.split(size, -1)  # each group: its query heads, its key, its value
        each = heads // groups + 2
        seen = []
        for g in range(groups):
            block = blocks[g * each : (g + 1) * each]
            key, value = rotate(block[-2]), block[-1]
            for query in block[:-2]:
                score = rotate(query) @ key.T / math.sqrt(size)
                seen.append(score.masked_fill(~past, -math.inf).softmax(-1) @ value)
        out = torch.cat(seen, -1) @ w[f"{stem}.attention.wo.weight"].T
        if config["bias"]:
            out = out + w[f"{stem}.attention.wo.bias"]
        x = x + out
        n = norm(x, w[f"{stem}.ffn_norm.weight"])
        gate = F.silu(n @ w[f"{stem}.feed_forward.w1.weight"].T)
        up = n @ w[f"{stem}.feed_forward.w3.weight"].T
        x = x + (gate * up) @ w[f"{stem}.feed_forward.w2.weight"].T
    head = w.get("output.weight", w["model.tok_embeddings.weight"])
    return norm(x, w["model.norm.weight"]) @ head.T
