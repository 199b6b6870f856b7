"""The training objective as one module, so that DeepSpeed and DDP can wrap it.

Cross-entropy on the assistant's tokens, and on replay rows the KL divergence from the base
model's own distribution (how far the tuned model has moved where it should not). Only positions
that count reach the vocabulary projection.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from peft import PeftModel
from torch import nn

from core.engine.attention import Kind
from core.engine.batch import Pack
from core.engine.decoder import attention_of, decoder_of
from core.engine.head import CrossEntropy, Divergence


class Objective(nn.Module):
    """Adapter on a base, from a pack to two sums of losses."""

    def __init__(self, model: PeftModel, *, fast: bool = True) -> None:
        """`fast`: use the fast decoder where the model's family has one."""
        super().__init__()
        self.model = model
        self.config = model.config  # DeepSpeed reads sizes from it
        self.keep_gradients = False
        self.attention: Kind = attention_of(model) if fast else "transformers"

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; their tensors stay where CUDA graphs write into them."""
        super().zero_grad(set_to_none=set_to_none and not self.keep_gradients)

    def forward(self, pack: Pack) -> tuple[torch.Tensor, torch.Tensor]:
        """Weighted sums over the pack's tokens: (cross-entropy, KL), float32 scalars in nats."""
        base = self.model.get_base_model()
        cap = softcap(base)
        hidden = hidden_states(base, pack)
        zero = hidden.sum().float() * 0.0  # keeps the graph alive in a pack without one of the two
        learned, held = zero, zero
        with whole(base.get_output_embeddings().weight) as head:
            if pack.targets.numel():
                states = hidden.index_select(0, pack.learned)
                learned = zero + CrossEntropy.apply(states, head, pack.targets, pack.weights, cap)
            if pack.anchors is not None:
                states = hidden.index_select(0, pack.held)
                held = zero + Divergence.apply(states, head, pack.anchors, pack.held_weights, cap)
        return learned, held


def hidden_states(base: nn.Module, pack: Pack) -> torch.Tensor:
    """Final hidden states of a pack, (N, hidden), as the vocabulary projection takes them.

    Without a layout, transformers reads the borders from the restarting positions (there is
    neither mask nor cache) and lets each conversation attend only to itself (its masking_utils,
    packed sequences).
    """
    if pack.layout is not None:
        decoder = decoder_of(base)
        assert decoder is not None
        return decoder.packed(pack.ids, pack.positions, pack.layout)
    decoder = getattr(base, base.base_model_prefix)
    out = decoder(input_ids=pack.ids[None], position_ids=pack.positions[None], use_cache=False)
    return out.last_hidden_state[0] * _scale(base)


def softcap(base: nn.Module) -> float | None:
    """The bound that a model bends its logits into, if it has one."""
    return getattr(base.config, "final_logit_softcapping", None)


def _scale(base: nn.Module) -> float:
    """What a model multiplies its final states by before the projection (MiniCPM3)."""
    width = getattr(base.config, "dim_model_base", None)
    return width / base.config.hidden_size if width else 1.0


@contextlib.contextmanager
def whole(weight: torch.Tensor) -> Iterator[torch.Tensor]:
    """A frozen weight that DeepSpeed stage 3 may have split over the ranks."""
    if not hasattr(weight, "ds_id"):
        yield weight
        return
    import deepspeed  # noqa: PLC0415 (slow, builds ops)

    with deepspeed.zero.GatheredParameters([weight]):
        yield weight
