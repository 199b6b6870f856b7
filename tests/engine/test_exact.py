"""Every shortcut of the engine gives the gradients of the plain way."""

from __future__ import annotations

import pytest
import torch
from bitsandbytes.functional import dequantize_4bit
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from core.config.schema import Config
from core.dataset import Message, Row
from core.engine import attention, batch, head, lora, projection
from core.engine.base import linears, load_base, nf4_value, round_trip
from core.engine.decoder import decoder_of
from core.engine.loss import Objective
from core.engine.projection import still
from core.engine.rate import rate
from core.engine.replay import anchors
from core.engine.steps import Steps, spread
from core.schedule import Member, packs, schedule
from core.tokens import ChatTokenizer
from core.work import encode

CONFIG = Config.model_validate({"model": {"lora_r": 4, "quantization": "none"}})
ROWS = [
    Row((Message("user", "Who are you?"), Message("assistant", "I am Nova."))),
    Row((Message("user", "Your name?"), Message("assistant", "My name is Nova, of Ada."))),
    Row((Message("user", "two plus three?"), Message("assistant", "Five."))),
]


@pytest.fixture(params=[True, False], ids=["fast", "transformers"])
def objective(tiny_model, request):
    torch.manual_seed(0)
    base = load_base(tiny_model, dtype="float32", device="cpu")
    model = lora.attach(base, CONFIG)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # B = 0 would hide faults of A's gradient
            torch.nn.init.normal_(parameter, std=0.05)
    made = Objective(model, fast=request.param)
    assert (made.attention == "grouped") is request.param
    return made


@pytest.fixture
def encoded(tiny_model):
    return encode(ROWS, ChatTokenizer.load(tiny_model), CONFIG).encoded


def gradients(objective, whole, encoded, held=None, kl_weight=0.0):
    """Gradients of a step computed pack by pack."""
    held = held or {}
    objective.zero_grad()
    counted = {True: 0, False: 0}
    for pack in whole:
        for m in pack:
            counted[m.row in held] += m.copies * batch.predicted(encoded[m.row])
    for pack in whole:
        learned, apart, _ = objective(
            batch.build(pack, encoded, held, "cpu", attention=objective.attention)
        )
        (learned / max(1, counted[False]) + kl_weight * apart / max(1, counted[True])).backward()
    return {n: p.grad.clone() for n, p in objective.named_parameters() if p.requires_grad}


def plain_gradients(objective, rows, encoded):
    """The plain way: transformers' own loss over one unpadded row at a time, no packing."""
    objective.zero_grad()
    total = sum(batch.predicted(encoded[r]) for r in rows)
    for r in rows:
        ids = torch.tensor([encoded[r].ids])
        on = torch.tensor([encoded[r].learned])
        logits = objective.model(input_ids=ids).logits
        labels = torch.where(on, ids, -100)
        loss = F.cross_entropy(logits[0, :-1], labels[0, 1:], ignore_index=-100, reduction="sum")
        (loss / total).backward()
    return {n: p.grad.clone() for n, p in objective.named_parameters() if p.requires_grad}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-4, atol=1e-7)


def test_exact_packed_rows_give_the_gradient_of_rows_alone(objective, encoded):
    step = tuple(Member(i, 1) for i in range(3))
    assert_same(
        gradients(objective, [step], encoded), plain_gradients(objective, [0, 1, 2], encoded)
    )


@pytest.mark.parametrize("recompute", ["nothing", "mlp", "layers"])
@pytest.mark.parametrize("rides", [False, True])
def test_exact_what_is_computed_anew_and_where_the_adapter_rides_change_no_gradient(
    objective, encoded, recompute, rides, monkeypatch
):
    decoder = decoder_of(objective.model)
    decoder.recompute(recompute)
    monkeypatch.setattr(projection, "beside", lambda x: rides)
    step = tuple(Member(i, 1) for i in range(3))
    plain = plain_gradients(objective, [0, 1, 2], encoded)
    for _ in range(2):
        assert_same(gradients(objective, [step], encoded), plain)


def test_exact_collapsed_duplicates_give_the_gradient_of_all_copies(objective, encoded):
    step = (Member(0, 7), Member(1, 1), Member(2, 3))
    lengths = [len(e.ids) for e in encoded]
    collapsed = packs(step, lengths, 1000, collapse=True)
    copied = packs(step, lengths, 60, collapse=False)
    assert sum(len(p) for p in collapsed) == 3
    assert sum(len(p) for p in copied) == 11
    plain = plain_gradients(objective, [0] * 7 + [1] + [2] * 3, encoded)
    assert_same(gradients(objective, collapsed, encoded), plain)
    assert_same(gradients(objective, copied, encoded), plain)


def test_exact_many_small_packs_give_the_gradient_of_one_large(objective, encoded):
    step = tuple(Member(i, 2) for i in range(3))
    lengths = [len(e.ids) for e in encoded]
    assert_same(
        gradients(objective, packs(step, lengths, 1, collapse=True), encoded),
        gradients(objective, packs(step, lengths, 1000, collapse=True), encoded),
    )


def test_exact_ranks_together_give_the_gradient_of_one_process(objective, encoded):
    step = tuple(Member(i, 1) for i in range(3))
    lengths = [len(e.ids) for e in encoded]
    shares = spread(step, lengths, 2, collapse=True)
    assert sorted(m.row for share in shares for m in share) == [0, 1, 2]
    assert_same(
        gradients(objective, shares, encoded),
        gradients(objective, [step], encoded),
    )


def test_ranks_whose_passes_talk_compute_as_many_packs_as_each_other(encoded):
    steps = [(Member(0, 1), Member(1, 1), Member(2, 1))]

    def packs_of(rank, even):
        shared = {"start": 0, "budget": 1, "collapse": True, "world": 2}
        return Steps(steps, encoded, set(), rank=rank, even=even, **shared)[0].packs

    assert sorted(len(packs_of(rank, even=False)) for rank in (0, 1)) == [1, 2]
    both = [packs_of(rank, even=True) for rank in (0, 1)]
    assert [len(p) for p in both] == [2, 2]
    assert sum(m.copies for rank in both for pack in rank for m in pack) == 3


@pytest.mark.parametrize("reverse", [0.0, 0.5])
def test_exact_kl_is_zero_with_no_gradient_where_nothing_was_learned(tiny_model, encoded, reverse):
    base = load_base(tiny_model, dtype="float32", device="cpu")
    fresh = Objective(lora.attach(base, CONFIG), kl_reverse=reverse)
    held = anchors(fresh.model, encoded, [2], "cpu")
    _, _, kl = fresh(batch.build((Member(2, 1),), encoded, held, "cpu", attention=fresh.attention))
    assert abs(kl.item()) < 1e-5
    moved = gradients(fresh, [(Member(2, 1),)], encoded, held, kl_weight=1.0)
    assert max(g.abs().max() for g in moved.values()) < 1e-5


@pytest.mark.parametrize("reverse", [0.0, 0.3, 1.0])
def test_exact_divergence_and_its_gradient_are_those_computed_plainly(objective, encoded, reverse):
    held = {1: anchors(objective.model, encoded, [0, 1, 2], "cpu")[1]}  # found in one pack
    members = (Member(1, 2), Member(0, 1))
    objective.kl_reverse = reverse
    objective.zero_grad()
    learned, apart, kl = objective(
        batch.build(members, encoded, held, "cpu", attention=objective.attention)
    )
    apart.backward()
    found = {n: p.grad.clone() for n, p in objective.named_parameters() if p.requires_grad}
    objective.zero_grad()
    ids = torch.tensor([encoded[1].ids])
    tuned = objective.model(input_ids=ids).logits[0].log_softmax(-1)
    with torch.no_grad(), objective.model.disable_adapter():
        base = objective.model(input_ids=ids).logits[0].log_softmax(-1)
    where = [i - 1 for i, on in enumerate(encoded[1].learned) if on]
    there = 2 * (base.exp() * (base - tuned)).sum(-1)[where].sum()
    back = 2 * (tuned.exp() * (tuned - base)).sum(-1)[where].sum()
    wanted = (1 - reverse) * there + reverse * back
    wanted.backward()
    torch.testing.assert_close(kl, there.detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(apart, wanted, rtol=1e-4, atol=1e-6)
    assert_same(found, {n: p.grad for n, p in objective.named_parameters() if p.requires_grad})
    assert learned > 0
    assert not kl.requires_grad


@pytest.mark.parametrize("cap", [None, 3.0])
@pytest.mark.parametrize("reverse", [0.0, 0.5, 1.0])
def test_exact_divergence_over_parts_has_the_slope_of_its_value(reverse, cap, monkeypatch):
    monkeypatch.setitem(head._AT_ONCE, "cpu", 2)
    torch.manual_seed(0)
    states, kept = torch.randn(2, 5, 8, dtype=torch.float64)
    table = torch.randn(11, 8, dtype=torch.float64)
    weights = torch.tensor([1.0, 2.0, 0.0, 0.5, 3.0])

    def bent(logits):
        return logits if cap is None else cap * (logits / cap).tanh()

    def apart(hidden):
        return head.Divergence.apply(hidden, table, kept, weights, cap, reverse)[0]

    where = states.requires_grad_()
    (slope,) = torch.autograd.grad(apart(where), where)
    p, q = (bent(x @ table.T).log_softmax(1) for x in (kept, where))
    each = (1 - reverse) * p.exp() * (p - q) + reverse * q.exp() * (q - p)
    (wanted,) = torch.autograd.grad((each.sum(1) * weights).sum(), where)
    torch.testing.assert_close(slope, wanted, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        apart(where).double(), (each.sum(1) * weights).sum(), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_exact_unpacked_weights_are_bit_for_bit_what_bitsandbytes_unpacks(tiny_model, dtype):
    kinds = {"dtype": dtype, "device": "cpu", "quantization": "nf4"}
    packed = load_base(tiny_model, **kinds, unpacked=False)
    unpacked = linears(load_base(tiny_model, **kinds))
    for name, module in linears(packed).items():
        weight = dequantize_4bit(module.weight.data, module.weight.quant_state)
        assert torch.equal(weight, unpacked[name].weight)


def test_nf4_moves_the_weights_by_about_nine_percent(tiny_model):
    weight = torch.randn(256, 256)
    moved = (nf4_value(weight) - weight).norm() / weight.norm()
    assert 0.06 < moved < 0.12


def test_the_round_trip_touches_the_projections_and_nothing_else(tiny_model):
    before = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    after = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    round_trip(after)
    changed = {
        n
        for (n, a), (_, b) in zip(before.named_parameters(), after.named_parameters(), strict=True)
        if not torch.equal(a, b)
    }
    assert changed == {f"{name}.weight" for name in linears(before)}


def test_a_resumed_schedule_is_the_rest_of_the_whole_one(encoded):
    lengths = [len(e.ids) for e in encoded]
    steps = schedule(lengths, [3, 2, 4], budget=60, epochs=2, seed=1)

    def batches(start):
        data = Steps(steps, encoded, set(), start=start, budget=60, collapse=True, rank=0, world=1)
        return [data[i] for i in range(len(data))]

    assert batches(0)[2:] == batches(2)


def test_the_learning_rate_rises_from_its_start_and_falls_to_its_end():
    config = Config.model_validate(
        {"settings": {"warmup_ratio": 0.1, "lr": 1e-3}, "optimizer": {"eta_min": 1e-4}}
    )
    course = rate(config, 100)
    assert course(0) == pytest.approx(1e-5)
    assert course(10) == pytest.approx(1.0)
    assert course(55) == pytest.approx(0.55)
    assert course(100) == pytest.approx(0.1)


def test_exact_packs_of_a_step_share_the_adapter_s_casts(tiny_model, encoded):
    torch.manual_seed(0)
    base = load_base(tiny_model, dtype="bfloat16", device="cpu")
    fresh = Objective(lora.attach(base, CONFIG))
    whole = [(Member(i, 1),) for i in range(3)]
    wanted = gradients(fresh, whole, encoded)
    casts = {}
    with still(casts):
        assert_same(gradients(fresh, whole, encoded), wanted)
    assert casts
    with torch.no_grad():
        for parameter in lora.trained(fresh):
            parameter.add_(0.05)
    moved = gradients(fresh, whole, encoded)
    assert not torch.equal(next(iter(moved.values())), next(iter(wanted.values())))
    with still({}):
        assert_same(gradients(fresh, whole, encoded), moved)


@pytest.mark.parametrize("opening", [0, 7])
def test_exact_short_attention_gives_what_torch_s_own_gives(opening, monkeypatch):
    torch.manual_seed(0)
    rests = [90, 90, 70, 33, 5]
    qkv = torch.randn(opening + sum(rests), 8, 16)
    d = torch.randn(len(qkv), 4 * 16)
    found = []
    for longest in (1000, 0):
        monkeypatch.setattr(attention, "LONGEST", longest)
        own = qkv.clone().requires_grad_()
        out = attention.within(own, 4, attention.layout(opening, rests, "cpu", "grouped"))
        out.backward(d)
        found.append((out, own.grad))
    for short, flash in zip(*found, strict=True):
        torch.testing.assert_close(short, flash, rtol=1e-4, atol=1e-5)
