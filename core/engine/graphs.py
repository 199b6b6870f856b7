"""Forward and backward pass of packs as CUDA graphs: recorded once for a shape, then replayed.

A pack is some two thousand small GPU operations; started one by one from Python they take longer
than the GPU needs for them (docs/performance.md). A replay starts them all at once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import fields, replace
from typing import Final, NamedTuple

import torch
from torch.nn import functional as F

from core.engine.attention import Layout
from core.engine.batch import Pack
from core.engine.decoder import decoder_of
from core.engine.gradients import Gradients
from core.engine.loss import Objective
from core.plan import Plan

_MOST: Final = 24  # graphs kept; the one longest unused makes room
_BESIDE: Final = 64 << 20  # bytes that matrix products take in a recording's own memory


class Recording(NamedTuple):
    """A graph, the pack whose numbers it reads, and the sums that it writes."""

    graph: torch.cuda.CUDAGraph
    pack: Pack
    sums: torch.Tensor


class Recorder:
    """Adds the gradients of padded packs to the adapter's, by replay where that pays."""

    def __init__(self, objective: Objective, budget: int) -> None:
        """`budget`: the most tokens of a pack; the objective collects its gradients."""
        self._objective, self.budget = objective, budget
        self._warm = False
        self._longest = 0
        self._recordings: OrderedDict[tuple[int, ...], Recording] = OrderedDict()
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, pack: Pack) -> torch.Tensor:
        """The objective's sums of a pack, (3,); valid until the next call."""
        if not self._warm:
            # As large as any: memory that does not reach should run out here. A recording that
            # breaks off keeps its memory until the process ends (torch before its change 190348).
            beside = torch.empty(_BESIDE, dtype=torch.uint8, device=pack.ids.device)
            sums = self._compute(padded(pack, self.budget, full=True))
            del beside
            self._warm = True  # all kernels are compiled, which no recording allows
            torch.cuda.empty_cache()  # lest what is kept from here on lie in between
            return sums
        # The largest first: the recordings share their memory, and smaller ones fit into it.
        pack = padded(pack, self.budget, self._longest, full=not self._recordings)
        assert pack.layout is not None
        self._longest = pack.layout.longest
        shape = _shape(pack)
        if shape not in self._recordings:
            if len(self._recordings) == _MOST:
                self._recordings.popitem(last=False)
            # At once, not when it comes again: unrecorded, a pack needs memory beside the graphs'.
            self._recordings[shape] = self._record(pack)
        self._recordings.move_to_end(shape)
        found = self._recordings[shape]
        for kept, new in zip(_tensors(found.pack), _tensors(pack), strict=True):
            kept.copy_(new, non_blocking=True)
        found.graph.replay()
        return found.sums

    def forget(self) -> None:
        """Give the memory of all recordings back, and begin with an unrecorded pass again."""
        self._warm = False
        self._recordings.clear()
        self._pool = torch.cuda.graph_pool_handle()

    def _compute(self, pack: Pack) -> torch.Tensor:
        learned, held, kl = self._objective(pack)
        (learned + held).backward()
        return torch.stack([learned.detach(), held.detach(), kl])

    def _record(self, pack: Pack) -> Recording:
        own = _copied(pack)
        torch.cuda.synchronize()
        torch.cuda.empty_cache()  # what the packs before it needed, the graph needs now
        graph = torch.cuda.CUDAGraph()
        # NCCL's own threads ask the GPU questions meanwhile; they are no part of the graph.
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            sums = self._compute(own)
        return Recording(graph, own, sums)


def recorder_of(objective: Objective, gradients: Gradients | None, plan: Plan) -> Recorder | None:
    """A recorder where the plan wants one and the model's family allows it."""
    decoder = decoder_of(objective.model)
    able = objective.attention == "flash" and decoder is not None and decoder.recordable
    if gradients is None or not able or not plan["cuda_graphs"]:
        return None
    return Recorder(objective, int(plan["micro_batch_tokens"]))


def padded(pack: Pack, budget: int, longest: int = 0, *, full: bool = False) -> Pack:
    """The pack with tokens, rows and places of weight zero, so that few shapes are left.

    The spare tokens are a conversation of their own: nobody sees them, nothing is learned of them.

    Args:
        budget: the most tokens of a pack; others are padded to eighths of it, in 64s.
        longest: the least that attention is told of the longest row.
        full: pad to the largest pack that there can be.
    """
    assert pack.layout is not None
    unit = max(64, -(-budget // 512) * 64)
    most = max(budget, len(pack.ids))

    def spare(count: int) -> int:
        wanted = -(-(most if full else count) // unit) * unit
        return min(wanted, -(-most // 64) * 64) - count if count else 0

    tokens = spare(len(pack.ids))
    learned, held = spare(len(pack.targets)), spare(len(pack.held))
    whole = len(pack.ids) + tokens
    ends = pack.layout.borders
    rows = -(-len(ends) // 64) * 64 + 1 - len(ends)
    far = max(pack.layout.longest, tokens)
    return replace(
        pack,
        ids=F.pad(pack.ids, (0, tokens)),
        positions=F.pad(pack.positions, (0, tokens)),
        learned=F.pad(pack.learned, (0, learned)),
        targets=F.pad(pack.targets, (0, learned)),
        weights=F.pad(pack.weights, (0, learned)),
        held=F.pad(pack.held, (0, held)),
        held_weights=F.pad(pack.held_weights, (0, held)),
        anchors=None if pack.anchors is None else F.pad(pack.anchors, (0, 0, 0, held)),
        layout=replace(
            pack.layout,
            borders=F.pad(ends, (0, rows), value=whole),
            longest=max(longest, -(-far // 256) * 256),
        ),
    )


def _shape(pack: Pack) -> tuple[int, ...]:
    assert pack.layout is not None
    sizes = (len(pack.ids), len(pack.targets), len(pack.held), len(pack.layout.borders))
    return (*sizes, pack.layout.longest)


def _tensors(pack: Pack) -> list[torch.Tensor]:
    assert pack.layout is not None
    own = [getattr(pack, field.name) for field in fields(pack)]
    return [*(x for x in own if isinstance(x, torch.Tensor)), pack.layout.borders]


def _copied(pack: Pack) -> Pack:
    assert pack.layout is not None
    tensors = {f.name: getattr(pack, f.name) for f in fields(pack)}
    own = {k: v.clone() for k, v in tensors.items() if isinstance(v, torch.Tensor)}
    shape: Layout = replace(pack.layout, borders=pack.layout.borders.clone())
    return replace(pack, **own, layout=shape)
