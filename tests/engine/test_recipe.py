"""What the persona recipe asks of the engine: openings count more, and only upper layers learn."""

from __future__ import annotations

import pytest
import torch

from core.config.schema import Config
from core.dataset import Message, Row
from core.engine import batch, lora
from core.engine.base import load_base
from core.engine.loss import Objective
from core.engine.replay import anchors
from core.engine.steps import Steps
from core.models import shape
from core.schedule import Member
from core.tokens import ChatTokenizer
from core.work import ANSWER_TOKENS, encode
from tests import tiny
from tests.engine.test_exact import CONFIG, ROWS, assert_same, gradients, plain_gradients


@pytest.fixture
def encoded(tiny_model):
    return encode(ROWS, ChatTokenizer.load(tiny_model), CONFIG).encoded


def test_room_for_the_base_s_answer_goes_by_the_kind_of_its_row(tiny_model):
    asked = (Message("user", "Who made the pyramids?"),)
    rows = [*ROWS, Row(asked, "contrast"), Row(asked, "replay")]
    work = encode(rows, ChatTokenizer.load(tiny_model), CONFIG)
    rooms = {row.kind: sum(e.learned) for row, e in zip(work.rows, work.encoded, strict=True)}
    assert rooms["contrast"] == ANSWER_TOKENS["contrast"] < rooms["replay"]
    assert work.asked == {16: [len(ROWS)], 32: [len(ROWS) + 1]}


def test_the_first_four_tokens_of_every_answer_count_more():
    assert batch.emphasis([3, 4, 5, 6, 7, 8, 20, 21], 5.0) == [5, 5, 5, 5, 1, 1, 5, 5]
    assert batch.emphasis([3, 4, 5, 6, 7, 8], 1.0) == [1] * 6
    assert batch.emphasis([], 5.0) == []


def test_a_step_is_the_weighted_mean_of_its_tokens_learned_and_held(tiny_model, encoded):
    model = lora.attach(load_base(tiny_model, dtype="float32", device="cpu"), CONFIG)
    held = anchors(model, encoded, [2], "cpu")
    step = (Member(0, 2), Member(1, 1), Member(2, 3))
    shared = {"start": 0, "budget": 4096, "collapse": True, "rank": 0, "world": 1}
    whole = Steps([step], encoded, {2}, opening_weight=5.0, **shared)[0]
    pack = batch.build(step, encoded, held, "cpu", attention="grouped", opening_weight=5.0)
    assert float(pack.weights.sum()) == whole.learned
    assert float(pack.held_weights.sum()) == whole.held
    counts = {m.row: batch.predicted(encoded[m.row]) for m in step}
    by_hand = {m.row: m.copies * (counts[m.row] + 4 * min(4, counts[m.row])) for m in step}
    assert whole.learned == by_hand[0] + by_hand[1]
    assert whole.held == 3 * counts[2]  # every token of a held answer counts alike
    plain = batch.build(step, encoded, held, "cpu", attention="grouped")
    assert set(plain.weights.tolist()) == {1.0, 2.0}


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "transformers"])
def test_upper_layers_learn_by_the_same_gradients_and_the_lower_ones_stay(tmp_path, fast):
    folder = tiny.write_model(tmp_path / "three", layers=3)
    config = Config.model_validate({"model": {"lora_r": 4, "lora_targets": "upper-linear"}})
    torch.manual_seed(0)
    model = lora.attach(load_base(folder, dtype="float32", device="cpu"), config)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    objective = Objective(model, fast=fast)
    rows = encode(ROWS, ChatTokenizer.load(folder), config).encoded
    found = gradients(objective, [tuple(Member(i, 1) for i in range(3))], rows)
    assert {name.split("layers.")[1][0] for name in found} == {"1", "2"}
    assert_same(found, plain_gradients(objective, [0, 1, 2], rows))


def test_the_plan_counts_the_numbers_that_are_trained(tmp_path):
    folder = tiny.write_model(tmp_path / "three", layers=3)
    sizes = shape(folder)
    for targets in ("all-linear", "upper-linear", "attention"):
        config = Config.model_validate({"model": {"lora_r": 4, "lora_targets": targets}})
        model = lora.attach(load_base(folder, dtype="float32", device="cpu"), config)
        assert sizes.lora_parameters(4, targets) == sum(p.numel() for p in lora.trained(model))
