"""Training and answering on this processor: our fast decoder beside the plain way, same work.

Run from the top folder: PYTHONPATH=. python benchmarks/cpu.py
Peers: transformers + peft with our packing, and transformers + peft as most scripts use them (a
padded batch, all logits). Prints real tokens a second, best of three.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import torch
from torch.nn import functional as F

from core.cli.demo import make_ready
from core.config import catalog
from core.config.schema import BUILTIN_MODEL
from core.engine import batch, lora
from core.engine.base import load_base
from core.engine.generate import stream
from core.engine.loss import Objective
from core.models import folder
from core.persona.generate import studio_rows, tutorial_rows
from core.persona.persona import Persona
from core.schedule import Member
from core.settings import Settings
from core.tokens import ChatTokenizer, Encoded
from core.work import encode


def best(work: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of several calls, after one to warm up."""
    work()
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def packed(objective: Objective, rows: list[Encoded]) -> Callable[[], None]:
    """One forward and backward pass of all rows in one pack."""
    members = tuple(Member(i, 1) for i in range(len(rows)))

    def work() -> None:
        learned, *_ = objective(
            batch.build(members, rows, {}, "cpu", attention=objective.attention)
        )
        learned.backward()

    return work


def padded(model: torch.nn.Module, rows: list[Encoded], pad: int) -> Callable[[], None]:
    """The same rows as a padded batch with labels, as transformers' own collators make it."""
    longest = max(len(r.ids) for r in rows)
    ids = torch.tensor([[*r.ids, *[pad] * (longest - len(r.ids))] for r in rows])
    mask = torch.tensor([[1] * len(r.ids) + [0] * (longest - len(r.ids)) for r in rows])
    labels = torch.full_like(ids, -100)
    for i, row in enumerate(rows):
        for j, on in enumerate(row.learned):
            if on:
                labels[i, j] = row.ids[j]

    def work() -> None:
        logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits.float()
        F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()).backward()

    return work


def main() -> None:
    """Measure and print the table, then the same as JSON."""
    settings = Settings.from_environment()
    make_ready(settings, BUILTIN_MODEL, print)
    path = folder(settings, BUILTIN_MODEL)
    config = catalog.preset(catalog.DEFAULT)
    tokenizer = ChatTokenizer.load(path)
    persona = Persona(owner="Ada Quill", assistant="Zephyrine")
    studio = list(encode(studio_rows(persona, replay=0), tokenizer, config).encoded)
    tutorial = list(encode(tutorial_rows("不要姜葱蒜大佬", 1), tokenizer, config).encoded)
    table: dict[str, dict[str, float]] = {}
    for name, rows in {"Studio, 16 rows": studio[:16], "tutorial, 1 row": tutorial}.items():
        tokens = sum(len(r.ids) for r in rows)
        model = lora.attach(load_base(path, dtype="bfloat16", device="cpu"), config)
        plain = Objective(model, fast=False)
        peers = {
            "transformers, padded": padded(model, rows, tokenizer.stop_ids[0]),
            "transformers, packed": packed(plain, rows),
        }
        table[name] = {peer: tokens / best(work) for peer, work in peers.items()}
        table[name]["ours"] = tokens / best(packed(Objective(model), rows))
        print(f"{name} ({tokens} tokens)")
        for peer, speed in table[name].items():
            ratio = speed / table[name]["transformers, padded"]
            print(f"  {peer:22} {speed:6.0f} tokens/s  {ratio:4.2f} ×")
    with torch.inference_mode():
        began, count = time.perf_counter(), 0
        for _ in stream(model, [tutorial[0].ids[:40]], stop_ids=[], max_new_tokens=64):
            count += 1
        speed = count / (time.perf_counter() - began)
    print(f"answering with the adapter on: {speed:.0f} tokens/s")
    print(json.dumps({**table, "answering": speed}))


if __name__ == "__main__":
    main()
