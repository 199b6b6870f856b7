"""Training speed and memory on a GPU: our fast decoder beside transformers + peft, same work.

Run: PYTHONPATH=. python benchmarks/throughput.py --rows FILE … --tokenizer FOLDER [--json FILE]
The model has InternLM2-1.8B's shape with random weights, NF4 with double quantisation, LoRA r = 64
on all linear layers, dropout 0; rows are alpaca records cut at 1,024 tokens.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from core import dataset
from core.config.schema import Config
from core.engine import batch, lora
from core.engine.base import round_trip
from core.engine.decoder import decoder_of
from core.engine.gradients import Gradients
from core.engine.graphs import Recorder
from core.engine.loss import Objective
from core.schedule import schedule
from core.tokens import ChatTokenizer, Encoded
from core.work import encode

CONFIG = Config.model_validate(
    {"settings": {"max_length": 1024}, "model": {"lora_r": 64, "lora_alpha": 16}}
)


_WARM = 12  # steps that compile kernels and record graphs


def model() -> torch.nn.Module:
    """InternLM2-1.8B's shape in transformers' Llama, on the GPU, weights at their NF4 values."""
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=92_544,
        hidden_size=2048,
        intermediate_size=8192,
        num_hidden_layers=24,
        num_attention_heads=16,
        num_key_value_heads=8,
        max_position_embeddings=32_768,
        attn_implementation="sdpa",
    )
    with torch.device("cuda"):
        base = LlamaForCausalLM._from_config(shape, dtype=torch.bfloat16)
    round_trip(base)
    base.requires_grad_(False)
    return lora.attach(base, CONFIG).cuda()


def speed(
    objective: Objective, rows: list[Encoded], tokens: int, steps: int, graphs: bool
) -> tuple[float, ...]:
    """Real tokens a second, peak GiB and first loss of `steps` steps of so many tokens."""
    lengths = [len(r.ids) for r in rows]
    work = schedule(lengths, [1] * len(rows), budget=tokens, epochs=9, seed=0)[: steps + _WARM]
    trained = lora.trained(objective)
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    objective.zero_grad()
    gradients = Gradients(trained)
    objective.collect(gradients)
    recorder = Recorder(objective, gradients) if graphs else None
    first = 0.0
    for i, step in enumerate(work):
        if i == _WARM:
            torch.cuda.synchronize()
            began, done = time.perf_counter(), 0
        pack = batch.build(step, rows, {}, "cuda", attention=objective.attention)
        pack = replace(pack, weights=pack.weights / len(pack.targets))
        if recorder:
            loss = recorder(pack)[0]
        else:
            loss, _ = objective(pack)
            loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        objective.zero_grad()
        if i == 0:
            first = loss.item()
        if i >= _WARM:
            done += sum(lengths[m.row] for m in step)
    torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    return done / seconds, torch.cuda.max_memory_allocated() / 2**30, first


def main() -> None:
    """Print the table, and write it where asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    read = [row for file in asked.rows for row in dataset.load(file)]
    rows = list(encode(read, ChatTokenizer.load(asked.tokenizer), CONFIG).encoded)
    adapted = model()
    table = []
    cases = [
        ("ours", 16_384, False),
        ("ours", 32_768, False),
        ("ours", 4_096, False),
        ("ours, checkpointing", 4_096, True),
        ("transformers + peft, packed", 4_096, False),
    ]
    for name, tokens, checkpointing in cases:
        objective = Objective(adapted, fast=name.startswith("ours"))
        if decoder := decoder_of(adapted):
            decoder.checkpointing = checkpointing
        graphs = name == "ours"
        found, gib, loss = speed(objective, rows, tokens, 40, graphs)
        table.append({"engine": name, "step": tokens, "speed": found, "gib": gib, "loss": loss})
        print(
            f"{name:28} {tokens:6,} tokens a step  {found:7,.0f} tokens/s  {gib:5.1f} GiB "
            f"first loss {loss:.3f}",
            flush=True,
        )
    table.append({"device": torch.cuda.get_device_name(), "torch": torch.__version__})
    if asked.json:
        asked.json.write_text(json.dumps(table, indent=2), "utf-8")


if __name__ == "__main__":
    main()
