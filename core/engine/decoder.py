"""A fast decoder over the weights of a transformers model of the Llama family.

It reads the model's own modules (and the adapter on them), so loading, saving, resuming and
merging know nothing of it. Models of other shapes keep transformers' own forward pass.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Literal

import torch
from peft import PeftModel
from torch import nn
from torch.utils.checkpoint import checkpoint

from core.engine.attention import Kind, Layout, within
from core.engine.fused import AddNorm, Mlp, NormMlp, NormProject, Project, Rotate
from core.engine.projection import Projection, beside
from core.model_folder import FAST

Recompute = Literal["nothing", "mlp", "layers"]
"""mlp: gate and up of each layer, half of the memory or more; layers: all but their inputs."""
Attend = Callable[[int, torch.Tensor, int], torch.Tensor]
"""(layer, rotated (N, heads + 2·kv heads, size), room after a row) → (N, heads · size)."""


class _Layer:
    """One decoder layer: attention and gated MLP, each behind its norm."""

    def __init__(
        self, layer: nn.Module, heads: int, kv_heads: int, index: int, *, split: bool
    ) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.heads, self.kv_heads, self.index = heads, kv_heads, index
        self.before_attention, self.before_mlp = (
            layer.input_layernorm,
            layer.post_attention_layernorm,
        )
        self.qkv = Projection(attention, ("q_proj", "k_proj", "v_proj"), split=split)
        self.out = Projection(attention, ("o_proj",), split=split)
        both = Projection(mlp, ("gate_proj", "up_proj"), split=split)
        down = Projection(mlp, ("down_proj",), split=split)
        self.mlp = Mlp(both, down)
        self.projections = (self.qkv, self.out, both, down)
        self.q_norm = getattr(attention, "q_norm", None)
        self.k_norm = getattr(attention, "k_norm", None)

    def __call__(
        self,
        x: torch.Tensor,
        h: torch.Tensor | None,
        cos: torch.Tensor,
        sin: torch.Tensor,
        attend: Attend,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The stream x, and h that waits to be added to it; the same after this layer."""
        norm = self.before_attention
        x, qkv = NormProject.apply(
            x, h, norm.weight, norm.variance_epsilon, self.qkv, *self.qkv.pairs()
        )
        every = self.heads + 2 * self.kv_heads
        if self.q_norm is not None:
            parts = (self.heads, self.kv_heads, self.kv_heads)
            q, k, v = qkv.view(len(x), every, -1).split(parts, 1)
            q, k = _add_norm(self.q_norm, q, None)[1], _add_norm(self.k_norm, k, None)[1]
            qkv = torch.cat([q, k, v], 1).flatten(1)
        qkv = Rotate.apply(qkv, cos, sin, self.heads + self.kv_heads)
        seen = attend(self.index, qkv.view(len(x), every, -1), self.out.room())
        h = Project.apply(seen, self.out, *self.out.pairs())
        norm = self.before_mlp
        return NormMlp.apply(x, h, norm.weight, norm.variance_epsilon, self.mlp, *self.mlp.pairs())


class Decoder:
    """All layers of a model, from token ids to final hidden states."""

    def __init__(self, base: nn.Module, *, split: bool = False) -> None:
        """`split`: DeepSpeed has a layer's weights whole only while it computes (stage 3)."""
        config, inner = base.config, getattr(base, base.base_model_prefix)
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self._embed, self._rotary, self._last = inner.embed_tokens, inner.rotary_emb, inner.norm
        self.modules = [*inner.layers]
        self.layers = [
            _Layer(module, self.heads, self.kv_heads, i, split=split)
            for i, module in enumerate(self.modules)
        ]
        self.head = base.get_output_embeddings().weight
        self._recompute: Recompute = "nothing"
        self.attention: Kind = "flash" if has_flash(self.head) else "grouped"

    def make_room(self) -> None:
        """Lay the weights as the GPU wants them beside an adapter; not later, between activations
        that would leave holes."""
        if beside(self.head):
            for layer in self.layers:
                for part in layer.projections:
                    part.make_room(part.ranks())
            torch.cuda.empty_cache()

    def recompute(self, what: Recompute) -> None:
        """What backward passes compute anew instead of finding it kept."""
        self._recompute = what
        for layer in self.layers:
            layer.mlp.thrifty = what == "mlp"

    @property
    def recordable(self) -> bool:
        """A CUDA graph can hold it: rotary angles that grow with the text ask the GPU back."""
        return getattr(self._rotary, "rope_type", "default") not in ("dynamic", "longrope")

    def __call__(self, ids: torch.Tensor, positions: torch.Tensor, attend: Attend) -> torch.Tensor:
        """Final hidden states of ids (N,) at positions (N,): (N, hidden)."""
        x, h = self._embed(ids), None
        cos, sin = (part[0] for part in self._rotary(x, positions[None]))
        for layer in self.layers:
            if self._recompute == "layers" and torch.is_grad_enabled():
                x = x if h is None else x + h  # both would be kept until the layer is computed anew
                x, h = checkpoint(
                    layer, x, None, cos, sin, attend, use_reentrant=False, preserve_rng_state=False
                )
            else:
                x, h = layer(x, h, cos, sin, attend)
        return _add_norm(self._last, x, h)[1]

    def packed(self, ids: torch.Tensor, positions: torch.Tensor, shape: Layout) -> torch.Tensor:
        """Hidden states of a pack: ids and positions (N,)."""
        return self(ids, positions, lambda _, qkv, room: within(qkv, self.heads, shape, room))


def decoder_of(model: nn.Module) -> Decoder | None:
    """The fast decoder over a model (an adapter may be on it), or None for another shape."""
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    if base not in _known:
        split = getattr(base, "split_over_ranks", False)
        _known[base] = Decoder(base) if computes(base) and not split else None
    return _known[base]


def has_flash(weight: torch.Tensor) -> bool:
    """Whether FlashAttention can compute on a weight's device in its number type."""
    half = weight.dtype in (torch.bfloat16, torch.float16)
    return weight.is_cuda and half and torch.cuda.get_device_capability(weight.device) >= (8, 0)


def computes(base: nn.Module) -> bool:
    """Whether a model is of a kind whose layers the decoder knows."""
    config = base.config
    if type(base).__name__ not in FAST or config.hidden_act != "silu":
        return False
    windows: Sequence[str] = getattr(config, "layer_types", None) or ()
    if any(kind != "full_attention" for kind in windows):
        return False
    return bool(windows) or not getattr(config, "sliding_window", None)


def _add_norm(
    module: nn.Module, x: torch.Tensor, h: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    return AddNorm.apply(x, h, module.weight, module.variance_epsilon)


_known: weakref.WeakKeyDictionary[nn.Module, Decoder | None] = weakref.WeakKeyDictionary()
