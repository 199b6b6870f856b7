"""The training objective as one module, so that DeepSpeed and DDP can wrap it.

Cross-entropy on the assistant's tokens, and on replay rows the KL divergence from the base
model's own distribution (how far the tuned model has moved where it should not). Only positions
that count reach the vocabulary projection.
"""

from __future__ import annotations

import torch
from peft import PeftModel
from torch import nn
from torch.nn import functional as F

from core.engine.batch import Pack


class Objective(nn.Module):
    """Adapter on a base, from a pack to two sums of losses."""

    def __init__(self, model: PeftModel) -> None:
        super().__init__()
        self.model = model
        self.config = model.config  # DeepSpeed reads sizes from it

    def forward(self, pack: Pack) -> tuple[torch.Tensor, torch.Tensor]:
        """Weighted sums over the pack's tokens: (cross-entropy, KL), float32 scalars in nats."""
        base = self.model.get_base_model()
        hidden = hidden_states(base, pack.ids, pack.positions)[0]
        head = base.get_output_embeddings()
        zero = hidden.sum() * 0.0  # keeps the graph alive in a pack without one of the two
        learned, held = zero.float(), zero.float()
        if pack.targets.numel():
            logits = head(hidden[pack.learned]).float()
            losses = F.cross_entropy(logits, pack.targets, reduction="none")
            learned = learned + (losses * pack.weights).sum()
        if pack.anchors is not None:
            with torch.no_grad():
                wanted = F.log_softmax(head(pack.anchors).float(), dim=-1)
            actual = F.log_softmax(head(hidden[pack.held]).float(), dim=-1)
            losses = F.kl_div(actual, wanted, log_target=True, reduction="none").sum(-1)
            held = held + (losses * pack.held_weights).sum()
        return learned, held


def hidden_states(base: nn.Module, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Final hidden states, (1, N, hidden). Restarting positions keep conversations apart.

    transformers reads the borders from the positions when there is neither mask nor cache, and
    lets each conversation attend only to itself (masking_utils, packed sequences).
    """
    decoder = getattr(base, base.base_model_prefix)
    return decoder(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state
