"""Replay: what the base model itself says to general prompts, and how it says it.

Its answers are written once for each base model and kept; its final hidden states on them are the
anchors that the KL term of the loss holds the tuned model to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from peft import PeftModel
from torch import nn

from core.engine.batch import build, predicted
from core.engine.generate import answers, at_once
from core.engine.hosted import attention_of
from core.engine.loss import hidden_states
from core.files import write_atomic
from core.replies import key_of
from core.schedule import Member, packs
from core.tokens import Encoded

_TOKENS = 1024  # of anchors computed at once


def complete(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    *,
    stop_ids: Sequence[int],
    known: dict[str, list[int]],
    keep: Path | None,
    report: Callable[[int, int], None],
    most: int,
) -> list[Encoded]:
    """Each prompt with the base's own answer of at most `most` tokens, learned throughout.

    Args:
        model: the base as it will be trained on (quantised alike), no adapter working on it.
        known: answers by prompt that need not be asked for again; for one `most` only.
        keep: where they are kept for the next time, new ones included.
        report: called with prompts done and in all.
    """
    keys = [key_of(p) for p in prompts]
    todo = sorted((i for i, k in enumerate(keys) if k not in known), key=lambda i: len(prompts[i]))
    batch = at_once(model)
    for begin in range(0, len(todo), batch):
        part = todo[begin : begin + batch]
        report(len(prompts) - len(todo) + begin, len(prompts))
        found = answers(
            model,
            [prompts[i] for i in part],
            stop_ids=stop_ids,
            max_new_tokens=most,
        )
        for i, answer in zip(part, found, strict=True):
            ended = len(answer) < most
            known[keys[i]] = [*answer, stop_ids[0]] if ended else answer
        if keep is not None:
            write_atomic(keep, json.dumps(known))
    rows = []
    for prompt, key in zip(prompts, keys, strict=True):
        answer = known[key]
        ids = (*prompt, *answer)
        rows.append(Encoded(tuple(ids), (False,) * len(prompt) + (True,) * len(answer)))
    return rows


@torch.no_grad()
def anchors(
    model: PeftModel, encoded: Sequence[Encoded], held: Sequence[int], device: str
) -> dict[int, torch.Tensor]:
    """The base's final hidden states before each learned token of each held row: (K, hidden)."""
    found: dict[int, torch.Tensor] = {}
    base = model.get_base_model()
    attention = attention_of(base)
    everyone = tuple(Member(row, 1) for row in held)
    lengths = [len(row.ids) for row in encoded]
    with model.disable_adapter():
        for members in packs(everyone, lengths, _TOKENS, collapse=True):
            pack = build(members, encoded, {}, device, attention=attention)
            states = hidden_states(base, pack).index_select(0, pack.learned)
            counts = [predicted(encoded[m.row]) for m in pack.members]
            found |= {
                # A copy of its own: a view would keep the whole pack's states alive.
                m.row: part.clone()
                for m, part in zip(pack.members, states.split(counts), strict=True)
            }
    return found
