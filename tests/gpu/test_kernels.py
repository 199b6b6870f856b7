"""Each Triton kernel against the same operation in torch's own words. Needs an NVIDIA GPU."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from torch.nn import functional as F

from core.engine import plain

pytestmark = pytest.mark.gpu

if torch.cuda.is_available():
    from core.engine import flash, kernels
    from core.engine.unpack import unpack

KINDS = [torch.float32, torch.bfloat16, torch.float16]


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def random(*shape, kind=torch.float32):
    return torch.randn(*shape, device="cuda", dtype=kind)


def near(found, wanted):
    """Equal within what rounding to the number type may change."""
    loose = {torch.float32: 2e-5, torch.bfloat16: 2e-2, torch.float16: 3e-3}[found.dtype]
    torch.testing.assert_close(found, wanted, rtol=loose, atol=loose)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [64, 576, 2048])
@pytest.mark.parametrize("added", [True, False])
def test_the_norm_and_its_gradient(kind, size, added):
    x, h, w = random(37, size, kind=kind), random(37, size, kind=kind), random(size, kind=kind)
    h = h if added else None
    for found, wanted in zip(
        kernels.add_norm(x, h, w, 1e-5), plain.add_norm(x, h, w, 1e-5), strict=True
    ):
        near(found, wanted)
    total, _, scale = plain.add_norm(x, h, w, 1e-5)
    dn, ds = random(37, size, kind=kind), random(37, size, kind=kind)
    for other in (ds, None):
        near(
            kernels.add_norm_backward(dn, other, total, w, scale),
            plain.add_norm_backward(dn, other, total, w, scale),
        )


def test_the_norm_leaves_room_and_reads_rows_that_lie_apart():
    x, w = random(37, 576), random(576)
    h = random(37, 600)[:, :576]
    total, normed, scale = kernels.add_norm(x, h, w, 1e-5, 16)
    assert normed.stride() == (592, 1)
    near(normed, plain.add_norm(x, h, w, 1e-5)[1])
    dn, ds = random(37, 592)[:, :576], random(37, 580)[:, :576]
    found = kernels.add_norm_backward(dn, ds, total, w, scale, 24)
    assert found.stride() == (600, 1)
    near(found, plain.add_norm_backward(dn, ds, total, w, scale))


@pytest.mark.parametrize("kind", KINDS)
def test_the_gate_and_its_gradient(kind):
    both, d = random(37, 2 * 1536, kind=kind), random(37, 1536, kind=kind)
    near(kernels.gate(both), plain.gate(both.clone()))
    for found, wanted in zip(
        kernels.gate_backward(d.clone(), both.clone()),
        plain.gate_backward(d.clone(), both.clone()),
        strict=True,
    ):
        near(found, wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("back", [True, False])
def test_rotary_positions_turn_the_first_heads_and_no_other(kind, back):
    x = random(37, 15 * 64, kind=kind)
    angle = torch.rand(37, 32, device="cuda").repeat(1, 2)
    cos, sin = angle.cos().to(kind), angle.sin().to(kind)
    found = kernels.rotate(x.clone(), cos, sin, 12, back=back)
    near(found, plain.rotate(x.clone(), cos, sin, 12, back=back))
    assert torch.equal(found[:, 12 * 64 :], x[:, 12 * 64 :])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vocabulary", [500, 8192, 92_544])
def test_the_losses_and_their_gradients(kind, vocabulary):
    logits, wanted = (3 * random(9, vocabulary, kind=kind) for _ in range(2))
    targets, weights = torch.randint(vocabulary, (9,), device="cuda"), random(9).abs()
    cases = [("cross_entropy", targets)]
    cases += [("divergence", wanted, reverse) for reverse in (0.0, 0.3, 1.0)]
    for name, other, *share in cases:
        ours = getattr(kernels, name)(logits.clone(), other.clone(), weights, *share)
        plainly = getattr(plain, name)(logits.clone(), other.clone(), weights, *share)
        torch.testing.assert_close(ours[0], plainly[0], rtol=1e-4, atol=1e-4)
        near(ours[1], plainly[1])


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("size", [64, 128, 96, 256])
@pytest.mark.parametrize("shared", [1, 2, 3])
def test_attention_over_borders_and_its_gradient(kind, size, shared):
    ends = [0, 150, 151, 278, 278, 577]
    borders = torch.tensor(ends, dtype=torch.int32, device="cuda")
    heads = 2 * shared
    qkv = random(577, heads + 4, size, kind=kind)
    d = random(577, heads * size + 8, kind=kind)[:, : heads * size]
    wide = qkv.float().requires_grad_()
    rows = []
    for begin, end in pairwise(ends):
        q, k, v = (x.transpose(0, 1) for x in wide[begin:end].split((heads, 2, 2), 1))
        if end > begin:
            out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
            rows.append(out.transpose(0, 1).flatten(1))
    wanted = torch.cat(rows)
    wanted.backward(d.float())
    out = torch.full((577, heads * size + 16), 7.0, device="cuda", dtype=kind)
    spread = flash.forward(qkv, heads, borders, 300, out[:, : heads * size])
    found = flash.backward(d, qkv, heads, borders, 300, out[:, : heads * size], spread)
    near(out[:, : heads * size], wanted.detach().to(kind))
    assert (out[:, heads * size :] == 7).all()
    assert (found.float() - wide.grad).norm() <= 0.01 * wide.grad.norm()


@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_packed_weights_are_bit_for_bit_what_bitsandbytes_unpacks(kind, double):
    weight = random(300, 576, kind=kind)
    data, state = quantize_4bit(weight, compress_statistics=double, quant_type="nf4")
    whole = torch.full((300, 600), 7.0, device="cuda", dtype=kind)
    unpack(data, state, whole[:, :576])
    assert torch.equal(whole[:, :576], dequantize_4bit(data, state))
    assert (whole[:, 576:] == 7).all()
