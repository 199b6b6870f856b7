"""The training objective as one module, so that DeepSpeed and DDP can wrap it.

Cross-entropy on the assistant's tokens, and on replay rows the KL divergence from the base
model's own distribution (how far the tuned model has moved where it should not), or a share of it
the other way round: KL(tuned ‖ base) punishes words that the base would hardly say, such as the
persona's names. Only positions that count reach the vocabulary projection.
"""

from __future__ import annotations

import torch
from peft import PeftModel
from torch import nn

from core.engine.attention import Kind
from core.engine.batch import Pack
from core.engine.decoder import decoder_of
from core.engine.gradients import Gradients
from core.engine.head import CrossEntropy, Divergence
from core.engine.hosted import along, attention_of


class Objective(nn.Module):
    """Adapter on a base, from a pack to two sums of losses."""

    def __init__(self, model: PeftModel, *, fast: bool = True, kl_reverse: float = 0.0) -> None:
        """`fast`: use the fast decoder where the model's family has one.

        `kl_reverse`: the share of KL(tuned ‖ base) in what held rows minimise.
        """
        super().__init__()
        self.model, self.kl_reverse = model, kl_reverse
        self.config = model.config  # DeepSpeed reads sizes from it
        self.gradients: Gradients | None = None
        self.fast = fast
        self.attention: Kind = attention_of(model, fast=fast)
        if fast and (decoder := decoder_of(model)) is not None:
            decoder.make_room()

    def collect(self, gradients: Gradients) -> None:
        """Let backward passes write into these from now on, and keep them from step to step."""
        self.gradients = gradients
        gradients.attach()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; their buffer stays, backward passes and graphs write into it."""
        if self.gradients is None:
            super().zero_grad(set_to_none)
        else:
            self.gradients.clear()

    def forward(self, pack: Pack) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Weighted sums over the pack's tokens, float32 scalars in nats.

        Returns:
            Cross-entropy and divergence, both to be minimised; and KL(base ‖ tuned) without a
            gradient, to be told whatever the divergence is made of.
        """
        base = self.model.get_base_model()
        cap = softcap(base)
        hidden = hidden_states(base, pack, fast=self.fast)
        zero = hidden.sum().float() * 0.0  # keeps the graph alive in a pack without one of the two
        learned, held, kl = zero, zero, zero.detach()
        # DeepSpeed stage 3 sees that its weight is read here, and has it whole until the end.
        head = base.get_output_embeddings().weight
        if pack.targets.numel():
            states = hidden.index_select(0, pack.learned)
            learned = zero + CrossEntropy.apply(states, head, pack.targets, pack.weights, cap)
        if pack.anchors is not None:
            states = hidden.index_select(0, pack.held)
            apart, kl = Divergence.apply(
                states, head, pack.anchors, pack.held_weights, cap, self.kl_reverse
            )
            held = zero + apart
        return learned, held, kl


def hidden_states(base: nn.Module, pack: Pack, *, fast: bool = True) -> torch.Tensor:
    """Final hidden states of a pack, (N, hidden), as the vocabulary projection takes them.

    Without a layout, transformers reads the borders from the restarting positions (there is
    neither mask nor cache) and lets each conversation attend only to itself (its masking_utils,
    packed sequences).

    Args:
        fast: by the studio's own decoder, where the model's family has one.
    """
    decoder = decoder_of(base) if fast else None
    if decoder is not None and pack.layout is not None:
        return decoder.packed(pack.ids, pack.positions, pack.layout)
    inner = getattr(base, base.base_model_prefix)
    with along(pack.layout):
        out = inner(input_ids=pack.ids[None], position_ids=pack.positions[None], use_cache=False)
    return out.last_hidden_state[0] * _scale(base)


def softcap(base: nn.Module) -> float | None:
    """The bound that a model bends its logits into, if it has one."""
    return getattr(base.config, "final_logit_softcapping", None)


def _scale(base: nn.Module) -> float:
    """What a model multiplies its final states by before the projection (MiniCPM3)."""
    width = getattr(base.config, "dim_model_base", None)
    return width / base.config.hidden_size if width else 1.0
