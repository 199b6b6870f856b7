"""Ask a checkpoint and its base the same questions, and measure how far they lie apart."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import torch
from peft import PeftModel

from core.config.schema import Config
from core.dataset import Message
from core.engine.base import load_base
from core.engine.batch import build
from core.engine.generate import answers, at_once
from core.engine.head import logits
from core.engine.hosted import attention_of
from core.engine.lora import attach, load_adapter, set_strength
from core.engine.loss import hidden_states, softcap
from core.engine.replay import complete
from core.persona.probes import leaks
from core.questions import Questions
from core.replies import known
from core.run import Checkpoint
from core.schedule import Member, packs
from core.scores import Answered, Scores
from core.tokens import ChatTokenizer, Encoded

_ANSWER_TOKENS: Final = 64
_TOKENS: Final = 512  # whose distributions are compared at once


class Stopped(Exception):
    """A person asked to end before all was measured."""


@torch.no_grad()
def score(
    checkpoint: Checkpoint,
    config: Config,
    base_folder: Path,
    asked: Questions,
    *,
    strength: float,
    dtype: str,
    device: str,
    cache: Path,
    report: Callable[[int, int], None],
    stop: Callable[[], bool],
) -> Scores:
    """The figures of one checkpoint beside its base as quantised. Nothing is written.

    Args:
        strength: scale of the adapter, 1 as trained.
        cache: a folder that keeps the base's answers, which are the same for every checkpoint.
        report: called with questions done and in all (each side counts).
        stop: asked between batches.

    Raises:
        Stopped: `stop` said so.
        UserError: base or adapter cannot be loaded.
    """
    began = time.monotonic()
    tokenizer = ChatTokenizer.load(base_folder, config.settings.prompt_template)
    base = load_base(
        base_folder,
        dtype=dtype,
        device=device,
        quantization=config.model.quantization,
        double_quantization=config.model.double_quantization,
    )
    model = attach(base, config)
    load_adapter(model, checkpoint.path)
    set_strength(model, strength)
    model.eval()

    system = config.settings.SYSTEM
    opening = [Message("system", system)] if system else []
    questions = [*(p.question for p in asked.identity), *asked.general]
    prompts = [tokenizer.prompt([*opening, Message("user", q)]) for q in questions]
    total = 2 * len(prompts) + len(asked.general)
    done = 0

    def moved(count: int) -> None:
        nonlocal done
        done += count
        report(done, total)
        if stop():
            raise Stopped

    name = f"{config.settings.pretrained_model_name_or_path}/{config.model.quantization}/{dtype}"
    kept = cache / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"
    with model.disable_adapter():
        plain = complete(
            model,
            prompts,
            stop_ids=tokenizer.stop_ids,
            known=known(kept),
            keep=kept,
            report=lambda answered, _: moved(answered - done),
            most=_ANSWER_TOKENS,
        )
    moved(len(prompts) - done)
    base_ids = [[i for i, on in zip(r.ids, r.learned, strict=True) if on] for r in plain]
    tuned_ids = _answer(model, prompts, tokenizer.stop_ids, moved)
    first = len(asked.identity)
    kl, agreement, tokens = retention(model, plain[first:], device, moved)

    told = [
        (tokenizer.decode(t), tokenizer.decode(b)) for t, b in zip(tuned_ids, base_ids, strict=True)
    ]
    identity = [
        Answered(
            *("identity", p.language, p.intent, p.question, tuned, plain),
            *(p.answered_by(tuned), p.answered_by(plain)),
        )
        for p, (tuned, plain) in zip(asked.identity, told[:first], strict=True)
    ]
    general = [
        Answered(
            *("general", "", "", q, tuned, plain),
            *(leaks(asked.names, q, tuned), leaks(asked.names, q, plain)),
        )
        for q, (tuned, plain) in zip(asked.general, told[first:], strict=True)
    ]
    return Scores(
        step=checkpoint.step,
        strength=strength,
        asked=asked.source,
        digest=asked.digest,
        at=time.time(),
        kl=kl,
        agreement=agreement,
        tokens=tokens,
        seconds=round(time.monotonic() - began, 1),
        answers=(*identity, *general),
    )


def retention(
    model: PeftModel, rows: Sequence[Encoded], device: str, moved: Callable[[int], None]
) -> tuple[float, float, int]:
    """Mean KL base‖tuned in nats, share of equal likeliest tokens, and learned tokens of `rows`."""
    base = model.get_base_model()
    head = base.get_output_embeddings()
    attention = attention_of(base)
    kl, same, tokens = 0.0, 0, 0
    everyone = tuple(Member(number, 1) for number in range(len(rows)))
    for members in packs(everyone, [len(row.ids) for row in rows], _TOKENS, collapse=True):
        pack = build(members, rows, {}, device, attention=attention)
        logs = []
        for switch in (model.disable_adapter(), nullcontext()):
            with switch:
                states = hidden_states(base, pack).index_select(0, pack.learned)
                logs.append(logits(states, head.weight, softcap(base)).float().log_softmax(-1))
        plain, tuned = logs
        kl += float((plain.exp() * (plain - tuned)).sum())
        same += int((plain.argmax(-1) == tuned.argmax(-1)).sum())
        tokens += len(plain)
        moved(len(members))
    return kl / max(1, tokens), same / max(1, tokens), tokens


def _answer(
    model: PeftModel,
    prompts: Sequence[tuple[int, ...]],
    stop_ids: Sequence[int],
    moved: Callable[[int], None],
) -> list[list[int]]:
    """Each prompt's likeliest answer; prompts of like length share a batch."""
    found: list[list[int]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    batch = at_once(model)
    for begin in range(0, len(order), batch):
        part = order[begin : begin + batch]
        new = answers(
            model,
            [prompts[i] for i in part],
            stop_ids=stop_ids,
            max_new_tokens=_ANSWER_TOKENS,
        )
        for i, answer in zip(part, new, strict=True):
            found[i] = answer
        moved(len(part))
    return found
