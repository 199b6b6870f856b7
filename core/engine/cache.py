"""Answers of the fast decoder: keys and values that grow by one token at a time.

On a GPU the pass of one token is some thousand operations, which Python starts more slowly than
they are computed (docs/performance.md): from the second token on it is recorded and replayed.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

from core.engine.decoder import Decoder
from core.engine.projection import Adapter, Projection, still


class _Inputs(NamedTuple):
    """What a recorded pass reads: ids and positions (B, 1), the token's place (1,), and what each
    row sees (B, 1, 1, room)."""

    ids: torch.Tensor
    positions: torch.Tensor
    place: torch.Tensor
    sees: torch.Tensor


class Cache:
    """Keys and values of a batch, (B, 2·kv heads, room, size) of each layer. The adapter stays as
    it is until the last token."""

    def __init__(self, decoder: Decoder, room: int) -> None:
        self._decoder, self._room = decoder, room
        self._kept: dict[int, torch.Tensor] = {}
        self._casts: dict[Projection, Adapter] = {}
        self._inputs: _Inputs | None = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._logits = torch.empty(0)
        self.length = 0

    def next_logits(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Logits (B, vocabulary) after new tokens (B, T); mask (B, T, all tokens) or None.

        None means that every row sees all that came before (no padding). Valid until the next call.
        """
        new = ids.shape[1]
        if ids.is_cuda and new == 1 and self._decoder.recordable:
            found = self._replayed(ids, positions, mask)
        else:
            until = self.length + new
            sees = None if mask is None else mask[:, None]
            found = self._pass(ids, positions, slice(self.length, until), until, sees)
        self.length += new
        return found

    def _replayed(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        first = self._inputs is None
        if self._inputs is None:
            place = torch.zeros(1, dtype=torch.long, device=ids.device)
            sees = torch.zeros(len(ids), 1, 1, self._room, dtype=torch.bool, device=ids.device)
            self._inputs = _Inputs(ids.clone(), positions.clone(), place, sees)
        own = self._inputs
        own.ids.copy_(ids)
        own.positions.copy_(positions)
        own.place.fill_(self.length)
        own.sees[:, 0, 0, : self.length + 1] = True if mask is None else mask[:, 0]
        if first:  # kernels are compiled, which no recording allows
            return self._recordable(own)
        if self._graph is None:
            torch.cuda.synchronize()
            torch.cuda.empty_cache()  # a recording cannot take what others hold unused
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                self._logits = self._recordable(own)
        self._graph.replay()
        return self._logits

    def _recordable(self, own: _Inputs) -> torch.Tensor:
        return self._pass(own.ids, own.positions, own.place, self._room, own.sees)

    def _pass(
        self,
        ids: torch.Tensor,
        positions: torch.Tensor,
        place: slice | torch.Tensor,
        until: int,
        sees: torch.Tensor | None,
    ) -> torch.Tensor:
        """Logits after tokens that stand at `place`, of keys up to `until`."""
        rows, new = ids.shape
        decoder = self._decoder

        def attend(layer: int, qkv: torch.Tensor, room: int) -> torch.Tensor:
            q, own = (
                qkv.view(rows, new, *qkv.shape[1:])
                .transpose(1, 2)
                .split((decoder.heads, 2 * decoder.kv_heads), 1)
            )
            kept = self._kept.get(layer)
            if kept is None:  # zeros: what nobody sees is multiplied by zero, too
                kept = own.new_zeros(rows, own.shape[1], self._room, own.shape[3])
                self._kept[layer] = kept
            if isinstance(place, slice):
                kept[:, :, place] = own
            else:
                kept.index_copy_(2, place, own)
            k, v = kept[:, :, :until].split(decoder.kv_heads, 1)
            out = F.scaled_dot_product_attention(
                q,
                k,
                v,
                attn_mask=sees,
                is_causal=sees is None and new > 1,
                enable_gqa=decoder.kv_heads != decoder.heads,
            )
            return out.transpose(1, 2).reshape(rows * new, -1)

        # One row at a time is bound by memory, and there torch's own product of a 16-bit matrix
        # and a vector is twice as fast as oneDNN's (docs/performance.md).
        onednn = torch.backends.mkldnn.flags(enabled=rows * new > 1)  # type: ignore[no-untyped-call]
        with onednn, still(self._casts):
            hidden = decoder(ids.reshape(-1), positions.reshape(-1), attend)
            return F.linear(hidden.view(rows, new, -1)[:, -1], decoder.head)
