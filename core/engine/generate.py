"""Answers token by token, for one conversation or many at once: chat, samples, replay, scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn
from transformers import DynamicCache, PreTrainedModel

from core.engine.cache import Cache
from core.engine.decoder import decoder_of

Reader = Callable[[torch.Tensor, torch.Tensor, torch.Tensor | None], torch.Tensor]


# Not inference_mode: what the decoder makes and keeps here (room beside the weights for the
# adapter) is written and differentiated by the steps that follow.
@torch.no_grad()
def stream(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    *,
    stop_ids: Sequence[int],
    max_new_tokens: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
) -> Iterator[list[int | None]]:
    """Yield the next token of every prompt, None for those that have ended.

    Args:
        model: any causal language model of transformers (an adapter may be attached).
        prompts: token ids; shorter ones are padded on the left and masked.
        temperature: 0 takes the likeliest token.
        top_p: the smallest set of tokens with this probability is drawn from.
        seed: start of the draws; the same seed repeats the answer.
    """
    device = model.get_input_embeddings().weight.device
    longest = max(map(len, prompts))
    stop = set(stop_ids)
    pad = next(iter(stop), 0)
    ids = torch.tensor([[pad] * (longest - len(p)) + list(p) for p in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
    padded = any(len(p) < longest for p in prompts)
    generator = torch.Generator(device=device).manual_seed(seed)
    reader = _reader(model, longest + max_new_tokens)
    alive = [True] * len(prompts)
    lengths = torch.tensor([len(p) for p in prompts], device=device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    for step in range(max_new_tokens):
        logits = reader(ids, positions, mask if padded else None)
        chosen = _choose(logits.float(), temperature, top_p, generator)
        tokens = chosen.tolist()
        for i, token in enumerate(tokens):
            alive[i] = alive[i] and token not in stop
        yield [token if on else None for token, on in zip(tokens, alive, strict=True)]
        if not any(alive):
            return
        ids = chosen[:, None]
        mask = torch.cat([mask, mask.new_ones(len(prompts), 1)], dim=1)
        positions = (lengths + step)[:, None]


def answers(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    *,
    stop_ids: Sequence[int],
    max_new_tokens: int,
) -> list[list[int]]:
    """The likeliest answer to each prompt, as token ids without the end mark."""
    found: list[list[int]] = [[] for _ in prompts]
    for tokens in stream(model, prompts, stop_ids=stop_ids, max_new_tokens=max_new_tokens):
        for answer, token in zip(found, tokens, strict=True):
            if token is not None:
                answer.append(token)
    return found


def at_once(model: nn.Module) -> int:
    """How many prompts are best answered together; twice as many bring a CPU little more."""
    return 128 if next(model.parameters()).is_cuda else 64


def _reader(model: nn.Module, room: int) -> Reader:
    """What reads new tokens (B, T) and gives the logits (B, vocabulary) of the next ones."""
    decoder = decoder_of(model)
    if decoder is None:
        cache = DynamicCache(config=model.config)

        def read(ids: torch.Tensor, at: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
            return model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=at,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            ).logits[:, -1]

        return read
    kept = Cache(decoder, room)

    def read_fast(ids: torch.Tensor, at: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        if mask is None:
            return kept.next_logits(ids, at, None)
        order = torch.arange(mask.shape[1], device=ids.device)
        new = order[-ids.shape[1] :]
        # A padded place sees itself: a row of the softmax must see something.
        sees = mask.bool()[:, None] & (order <= new[:, None]) | (order == new[:, None])
        return kept.next_logits(ids, at, sees)

    return read_fast


def _choose(
    logits: torch.Tensor, temperature: float, top_p: float, generator: torch.Generator
) -> torch.Tensor:
    """One token for each row of (B, vocabulary) logits."""
    if temperature <= 0:
        return logits.argmax(-1)
    p, order = (logits / temperature).softmax(-1).sort(-1, descending=True)
    p = p.masked_fill(p.cumsum(-1) - p > top_p, 0.0)
    drawn = torch.multinomial(p, 1, generator=generator)
    return order.gather(-1, drawn)[:, 0]
