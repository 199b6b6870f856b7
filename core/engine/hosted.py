"""Packs in transformers' own forward pass: what of it the studio computes, as the host allows.

transformers lets an attention be registered by name, together with what makes its masks. A model
loaded with this one passes a pack's layout from layer to layer in the mask's place, and no square
mask is built, whose cost grows with the pack's square. Where no pack is computed (answers with a
cache, one row alone) all is as with torch's "sdpa".

ZeRO stage 3 hands a layer's weights out only while that layer is called. There transformers calls,
and the layer is the studio's own.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import torch
from peft import PeftModel
from torch import nn
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from core.engine.attention import Kind, Layout, within
from core.engine.decoder import Decoder, Recompute, computes, decoder_of, has_flash

NAME: Final = "sdpa_within_borders"
"""`attn_implementation` of a model that computes packs so."""


def attention_of(model: nn.Module, *, fast: bool = True) -> Kind:
    """Whose attention computes the packs of a model (an adapter may be on it).

    `fast`: by the studio's own decoder, where the model's family has one.
    """
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    decoder = decoder_of(base) if fast else None
    if decoder is not None:
        return decoder.attention
    if base.config._attn_implementation != NAME or getattr(base.config, "attention_dropout", 0):
        return "mask"
    if has_flash(base.get_output_embeddings().weight):
        return "flash"
    return "grouped" if base in _hosts else "rows"


@contextmanager
def along(layout: Layout | None) -> Iterator[None]:
    """Within, a forward pass computes the pack of this layout; None is for masks as always."""
    token = _layout.set(layout)
    try:
        yield
    finally:
        _layout.reset(token)


def host(base: nn.Module, recompute: Recompute) -> None:
    """Let transformers call the studio's layers for packs, where the model's family has them.

    Gradient checkpointing stays transformers' business; of `recompute`, “mlp” is the layers' own.
    """
    if not computes(base):
        return
    decoder = Decoder(base, split=True)
    decoder.recompute(recompute)
    _hosts.add(base)
    for layer, own in zip(decoder.modules, decoder.layers, strict=True):
        layer.forward = _hosted(layer.forward, own, decoder.heads)


def _hosted(theirs: Callable[..., Any], own: Callable[..., Any], heads: int) -> Callable[..., Any]:
    """A layer's forward pass: transformers' own, but for packs."""

    def forward(
        hidden: torch.Tensor,
        attention_mask: torch.Tensor | Layout | None = None,
        position_embeddings: Any = None,
        **asked: Any,
    ) -> Any:
        if not isinstance(attention_mask, Layout):
            return theirs(
                hidden,
                attention_mask=attention_mask,
                position_embeddings=position_embeddings,
                **asked,
            )
        cos, sin = (part[0] for part in position_embeddings)
        x, h = own(
            hidden[0], None, cos, sin, lambda _, qkv, room: within(qkv, heads, attention_mask, room)
        )
        return (x + h)[None]

    return forward


def _mask(**asked: Any) -> torch.Tensor | Layout | None:
    """What layers get as their mask: the pack's layout, if it says all that a mask would."""
    layout = _layout.get()
    if layout is None or asked.get("attention_mask") is not None or asked.get("use_vmap"):
        return sdpa_mask(**asked)
    # A window as long as the longest conversation hides nothing.
    window = asked.get("local_size")
    if window is not None and window < layout.opening + layout.longest:
        return sdpa_mask(**asked)
    return layout


def _attend(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | Layout | None,
    **asked: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers asks for it: query (1, heads, N, size) → (1, N, heads, size).

    Keys may be fewer heads, and wider than values (DeepSeek's latent attention, MiniCPM3).
    """
    if not isinstance(attention_mask, Layout):
        return sdpa_attention_forward(module, query, key, value, attention_mask, **asked)
    heads, width = query.shape[1], value.shape[3]
    size = max(query.shape[3], width)
    scale = asked.get("scaling") or query.shape[3] ** -0.5
    if scale != size**-0.5:
        query = query * (scale * size**0.5)
    parts = (F.pad(x, (0, size - x.shape[3]))[0].transpose(0, 1) for x in (query, key, value))
    out = within(torch.cat([*parts], 1), heads, attention_mask)
    return out.view(1, len(out), heads, size)[..., :width], None


_layout: ContextVar[Layout | None] = ContextVar("layout", default=None)
_hosts: weakref.WeakSet[nn.Module] = weakref.WeakSet()

AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, _mask)
