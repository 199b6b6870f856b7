"""What stays in main memory is read and changed by the GPU to the bit. Needs an NVIDIA GPU."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from core.engine.offload import AVERAGES, HostAdamW, leave_table
from tests.gpu.test_memory import trainer_of

pytestmark = pytest.mark.gpu

NUMBERS = {"lr": 1e-2, "betas": (0.9, 0.99), "weight_decay": 0.1}


class Ends(nn.Module):
    """A token table and a vocabulary projection."""

    def __init__(self, tied):
        super().__init__()
        self.table, self.head = nn.Embedding(1000, 64), nn.Linear(64, 1000, bias=False)
        if tied:
            self.head.weight = self.table.weight
        self.bfloat16().cuda().requires_grad_(False)

    def get_input_embeddings(self):
        return self.table

    def get_output_embeddings(self):
        return self.head


def test_the_table_in_main_memory_gives_its_rows_also_to_a_recording():
    ends = Ends(tied=False)
    before = ends.table.weight.clone()
    leave_table(ends)
    found = ends.table.weight
    assert found.is_cuda and found.shape == before.shape and torch.equal(found, before)
    ids = torch.arange(0, 1000, 7, device="cuda")
    assert torch.equal(ends.table(ids), F.embedding(ids, before))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        rows = ends.table(ids)
    ids.copy_(ids.flip(0))
    graph.replay()
    assert torch.equal(rows, F.embedding(ids, before))


def test_a_table_that_is_also_the_projection_stays():
    ends = Ends(tied=True)
    place = ends.table.weight.data_ptr()
    leave_table(ends)
    assert ends.table.weight.data_ptr() == place


def test_exact_averages_in_main_memory_change_weights_as_torch_does():
    found = []
    for kind in (HostAdamW, lambda p, **n: torch.optim.AdamW(p, **n, fused=True)):
        torch.manual_seed(0)
        weights = [nn.Parameter(torch.randn(size, device="cuda")) for size in ((700, 50), (33,))]
        optimizer = kind(weights, **NUMBERS)
        for _ in range(5):
            for weight in weights:
                weight.grad = torch.randn_like(weight)
            optimizer.step()
        found.append(weights)
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def test_exact_a_trainer_leaves_the_averages_where_they_are(tiny_model, tmp_path):
    """accelerate, which the trainer hands its optimizer to, would move them to the GPU."""
    found = []
    for offloaded in (False, True):
        trainer = trainer_of(tiny_model, tmp_path / str(offloaded), recorded=False)
        trainer.offloaded = offloaded
        trainer.train()
        found.append([p for p in trainer.objective.parameters() if p.requires_grad])
        state = trainer.inner_optimizer.state
        places = {state[p][key].device.type for p in found[-1] for key in AVERAGES}
        assert places == {"cpu" if offloaded else "cuda"}
    assert all(state[p][key].is_pinned() for p in found[-1] for key in AVERAGES)
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
