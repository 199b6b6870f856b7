"""The GPU's fast path and its recorded steps against transformers' own. Needs an NVIDIA GPU."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.distributed as dist
from transformers import LlamaConfig, LlamaForCausalLM

from core import zero
from core.config.schema import Config
from core.engine import batch, lora
from core.engine import deepspeed as ds
from core.engine.base import load_base
from core.engine.decoder import decoder_of
from core.engine.generate import answers
from core.engine.gradients import Gradients, Trained
from core.engine.graphs import Recorder, padded
from core.engine.loss import Objective
from core.engine.ranks import Ranks
from core.schedule import Member
from core.tokens import Encoded

pytestmark = pytest.mark.gpu

CONFIG = Config.model_validate({"model": {"lora_r": 16, "quantization": "none"}})


@pytest.fixture
def objective():
    return made_objective()


def made_objective():
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=500,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        attn_implementation="sdpa",
    )
    model = LlamaForCausalLM._from_config(shape, dtype=torch.bfloat16).requires_grad_(False)
    model = lora.attach(model, CONFIG).cuda()
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    made = Objective(model, kl_reverse=0.5)
    assert made.attention == "flash"
    return made


def rows(seed, *lengths):
    make = torch.Generator().manual_seed(seed)
    return [
        Encoded(
            tuple(torch.randint(500, (n,), generator=make).tolist()),
            (False,) * (n // 2) + (True,) * (n - n // 2),
        )
        for n in lengths
    ]


def pack_of(encoded, attention="flash"):
    members = tuple(Member(i, 1 + i) for i in range(len(encoded)))
    anchors = {0: torch.randn(batch.predicted(encoded[0]), 256).bfloat16().cuda()}
    torch.manual_seed(1)
    return batch.build(members, encoded, anchors, "cuda", attention=attention)


def plainly(objective, pack):
    objective.zero_grad()
    learned, held, kl = objective(pack)
    (learned + held).backward()
    return torch.stack([learned, held, kl]).detach(), grads(objective)


def grads(objective):
    return {n: p.grad.clone() for n, p in objective.named_parameters() if p.requires_grad}


def assert_near(found, wanted, part):
    torch.testing.assert_close(found[0], wanted[0], rtol=part, atol=1e-3)
    for name, value in wanted[1].items():
        assert (found[1][name] - value).norm() <= part * value.norm() + 1e-4, name


@pytest.mark.parametrize("recompute", ["nothing", "mlp", "layers"])
def test_exact_flash_and_kernels_give_the_gradients_of_transformers(objective, recompute):
    encoded = rows(0, 90, 33, 70)
    torch.manual_seed(5)
    theirs = plainly(objective, pack_of(encoded, "mask"))
    torch.manual_seed(5)
    pack = pack_of(encoded)
    decoder_of(objective.model).recompute(recompute)
    assert_near(plainly(objective, pack), theirs, 0.03)


def recorder_of(objective):
    """A recorder that adds to the gradients that the objective keeps."""
    objective.collect(Gradients(lora.trained(objective)))
    return Recorder(objective, 512)


@pytest.mark.parametrize("full", [False, True])
def test_exact_a_padded_pack_gives_the_same_losses_and_gradients(objective, full):
    pack = pack_of(rows(0, 90, 33, 70))
    assert len(padded(pack, 512, full=full).ids) == (512 if full else 192)
    assert_near(plainly(objective, padded(pack, 512, full=full)), plainly(objective, pack), 0.01)


def test_the_largest_pack_is_padded_to_what_was_planned_and_no_further():
    pack = pack_of(rows(0, 90, 33, 70))
    assert len(padded(pack, 2380, full=True).ids) == 2432  # not to an eighth's end, 2,560
    assert len(padded(pack, 2380).ids) == 320


@pytest.mark.parametrize("recompute", ["nothing", "mlp", "layers"])
def test_exact_a_recorded_step_gives_the_gradients_of_the_unrecorded(objective, recompute):
    decoder_of(objective.model).recompute(recompute)
    packs = [pack_of(rows(seed, 90 - seed, 33, 70)) for seed in range(5)]
    wanted = [plainly(objective, pack) for pack in packs]
    objective.zero_grad()
    recorder = recorder_of(objective)
    for pack, other in zip(packs, wanted, strict=True):
        objective.zero_grad()
        sums = recorder(pack).clone()
        assert_near((sums, grads(objective)), other, 0.01)
    assert len(recorder._recordings) == 2, (
        "the largest that there can be, and the one that they have"
    )


def test_exact_a_step_after_answers_is_the_step_before_them(objective):
    pack = pack_of(rows(0, 90, 33, 70))
    said = answers(objective.model, [[1, 2, 3], [4, 5]], stop_ids=[0], max_new_tokens=4)
    first = plainly(objective, pack)
    assert answers(objective.model, [[1, 2, 3], [4, 5]], stop_ids=[0], max_new_tokens=4) == said
    assert_near(plainly(objective, pack), first, 0.01)


def test_exact_packed_weights_give_the_gradients_of_unpacked_ones(tiny_model):
    config = Config.model_validate({"model": {"lora_r": 8}})
    found = []
    for unpacked in (False, True):
        torch.manual_seed(0)
        base = load_base(
            tiny_model, dtype="bfloat16", device="cuda", quantization="nf4", unpacked=unpacked
        )
        model = lora.attach(base, config)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.05)
        encoded = [replace(e, ids=tuple(i % 380 for i in e.ids)) for e in rows(0, 90, 33, 70)]
        members = tuple(Member(i, 1) for i in range(3))
        pack = batch.build(members, encoded, {}, "cuda", attention="flash")
        found.append(plainly(Objective(model), pack))
    assert_near(*found, 0.01)


def test_exact_two_recorded_packs_add_up(objective):
    packs = [pack_of(rows(seed, 90, 33, 70)) for seed in range(4)]
    both = [plainly(objective, pack)[1] for pack in packs[2:]]
    objective.zero_grad()
    recorder = recorder_of(objective)
    recorder(packs[0])
    recorder(packs[1])
    objective.zero_grad()
    sums = recorder(packs[2]).clone() + recorder(packs[3])
    wanted = {name: value + both[1][name] for name, value in both[0].items()}
    assert_near((sums, grads(objective)), (sums, wanted), 0.01)


@pytest.mark.parametrize("lengths", [(9,), (9, 5, 14)])
def test_exact_recorded_answers_are_those_of_whole_passes(objective, lengths):
    """Each token is the likeliest after all before it, or as likely but for rounding."""
    prompts = [list(r.ids) for r in rows(1, *lengths)]
    told = answers(objective.model, prompts, stop_ids=[], max_new_tokens=12)
    assert [len(t) for t in told] == [12] * len(prompts)
    for prompt, answer in zip(prompts, told, strict=True):
        ids = torch.tensor([[*prompt, *answer]], device="cuda")
        with torch.no_grad():
            logits = objective.model(input_ids=ids).logits[0, len(prompt) - 1 : -1].float()
        chosen = logits.gather(1, torch.tensor(answer, device="cuda")[:, None])[:, 0]
        assert (logits.amax(1) - chosen <= 0.02 * logits.abs().max()).all()


def test_exact_an_answer_is_of_the_adapter_as_it_is_when_asked(objective):
    prompts = [list(r.ids) for r in rows(1, 9)]

    def told():
        return answers(objective.model, prompts, stop_ids=[], max_new_tokens=12)

    first = told()
    before = {p: p.detach().clone() for p in lora.trained(objective)}
    for parameter in before:
        parameter.data.normal_(std=0.2)
    assert told() != first
    for parameter, own in before.items():
        parameter.data.copy_(own)
    assert told() == first


@pytest.fixture(scope="module")
def group():
    """A group of one; DeepSpeed remembers it for good."""
    ds.prepare("cuda", zero.preset("deepspeed_zero2"), lambda done: None)
    Ranks().join("cuda", alone=True)
    yield
    dist.destroy_process_group()


def learned(way, recorded):
    """An adapter's numbers after steps that DeepSpeed ends; also the recorder."""
    import deepspeed  # noqa: PLC0415 (slow, and looks for accelerators)

    objective = made_objective()
    gradients = Gradients(lora.trained(objective))
    handed = Trained(gradients, objective.config, 2**15)
    optimizer = torch.optim.AdamW(handed.parameters(), lr=1e-3, fused=True)
    found = ds.for_adapter(zero.resolve(zero.preset(way), CONFIG, "bfloat16"))
    engine = deepspeed.initialize(model=handed, optimizer=optimizer, config=found)[0]
    objective.collect(gradients)
    handed.lay()
    recorder = Recorder(objective, 512)
    for seed in range(6):
        pack = pack_of(rows(seed, 90 - seed, 33, 70))
        if recorded:
            recorder(pack)
        else:
            sum(objective(pack)).backward()
        engine.backward(engine())
        engine.step()
        gradients.clear()
    return torch.cat([p.detach().flatten() for p in gradients.trained]), recorder


@pytest.mark.parametrize("way", ["deepspeed_zero1", "deepspeed_zero2"])
def test_exact_recorded_steps_beside_deepspeed_learn_as_the_unrecorded(group, way):
    start = torch.cat([p.detach().flatten() for p in lora.trained(made_objective())])
    plain, _ = learned(way, False)
    found, recorder = learned(way, True)
    assert len(recorder._recordings) == 2
    assert (found - plain).norm() < 0.05 * (plain - start).norm()
