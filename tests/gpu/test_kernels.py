"""Each Triton kernel against the same operation in torch's own words. Needs an NVIDIA GPU."""

from __future__ import annotations

import pytest
import torch

from core.engine import plain

pytestmark = pytest.mark.gpu

if torch.cuda.is_available():
    from core.engine import kernels

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
    for name, other in (("cross_entropy", targets), ("divergence", wanted)):
        ours = getattr(kernels, name)(logits.clone(), other.clone(), weights)
        plainly = getattr(plain, name)(logits.clone(), other.clone(), weights)
        torch.testing.assert_close(ours[0], plainly[0], rtol=1e-4, atol=1e-4)
        near(ours[1], plainly[1])
