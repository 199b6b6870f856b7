"""The plan is a pure function: the same question, the same answer, every value with a reason."""

from __future__ import annotations

import dataclasses
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from core import launch, rates, replies
from core.cli.training import _gpus
from core.config.schema import Config
from core.dataset import Message, Row
from core.errors import UserError
from core.hardware import Gpu, Hardware, detect
from core.models import Shape
from core.persona.generate import tutorial_rows
from core.plan import Plan
from core.planner import plan
from core.run import Run
from core.settings import Settings
from core.tokens import ChatTokenizer, Encoded
from core.work import encode

SMALL = Shape(576, 30, 9, 3, 64, 1536, 49_152, True, 8192)
MIDDLE = Shape(2048, 24, 16, 8, 128, 8192, 92_544, False, 32_768)
SEVEN_B = Shape(4096, 32, 32, 8, 128, 14_336, 92_544, False, 32_768)
CPU = Hardware(cores=2, memory_gib=24, free_gib=20, cpu_bf16=True)
H100 = dataclasses.replace(CPU, gpus=(Gpu("H100", 80, 79, (9, 0)),))
T4 = dataclasses.replace(CPU, gpus=(Gpu("T4", 16, 15, (7, 5)),))


def _row(length, learned):
    return Encoded((1,) * length, (False,) * (length - learned) + (True,) * learned)


@pytest.fixture
def work(tiny_model):
    return encode(tutorial_rows("Ada", 200), ChatTokenizer.load(tiny_model), Config())


def test_every_item_has_a_name_a_value_and_a_reason_and_survives_the_file(work):
    made = plan(Config(), work, SMALL, CPU)
    assert all(str(i.label) and str(i.shown) and str(i.reason) for i in made.items)
    assert Plan.from_json(made.to_json()) == made
    assert plan(Config(), work, SMALL, CPU) == made


def test_the_number_type_is_the_best_of_the_machine(work):
    assert plan(Config(), work, SMALL, H100)["dtype"] == "bfloat16"
    assert plan(Config(), work, SMALL, T4)["dtype"] == "float16"
    old = dataclasses.replace(CPU, cpu_bf16=False)
    assert plan(Config(), work, SMALL, old)["dtype"] == "float32"


def test_equal_rows_are_collapsed_unless_dropout_forbids_it(work):
    assert plan(Config(), work, SMALL, CPU)["collapse"] is True
    dropped = Config.model_validate({"model": {"lora_dropout": 0.1}})
    made = plan(dropped, work, SMALL, CPU)
    assert made["collapse"] is False
    assert made.total_steps == plan(Config(), work, SMALL, CPU).total_steps
    assert made.seconds > plan(Config(), work, SMALL, CPU).seconds


@pytest.mark.parametrize(
    "part", [{"runtime": {"attention": "transformers"}}, {"model": {"lora_dropout": 0.1}}]
)
def test_what_the_own_decoder_may_not_compute_is_planned_as_transformers_does(work, part):
    ours = plan(Config(), work, SMALL, H100)
    theirs = plan(Config.model_validate(part), work, SMALL, H100)
    assert (ours["attention"], ours["cuda_graphs"]) == ("varlen", True)
    assert (theirs["attention"], theirs["cuda_graphs"]) == ("transformers", False)
    assert theirs.step_seconds > ours.step_seconds


@pytest.mark.parametrize(("stage", "recorded"), [(1, True), (2, True), (3, False)])
def test_steps_are_recorded_beside_deepspeed_unless_it_splits_the_weights(work, stage, recorded):
    made = plan(
        Config.model_validate({"runtime": {"deepspeed": f"deepspeed_zero{stage}"}}),
        work,
        SMALL,
        H100,
    )
    assert made["cuda_graphs"] is recorded
    assert made["attention"] == "varlen"


def test_a_plan_counts_what_a_stage_adds_to_each_step(work):
    def planned(way):
        config = Config.model_validate({"runtime": {"deepspeed": way, "processes": 2}})
        return plan(config, work, SMALL, CPU)

    alone, split = planned("none"), planned("deepspeed_zero3")
    added = next(o.slower for o in split.options if o.name == "deepspeed_zero3")
    assert added > 0
    assert split.step_seconds == pytest.approx(alone.step_seconds * (1 + added))
    assert split.seconds > alone.seconds


def test_the_memory_that_is_free_decides_not_the_total(work):
    roomy = plan(Config(), work, SEVEN_B, H100)
    assert roomy["weight_cache"] is True
    tight = dataclasses.replace(H100, gpus=(Gpu("H100", 80, 13, (9, 0)),))
    thrifty = plan(Config(), work, SEVEN_B, tight)
    assert thrifty["weight_cache"] is False
    assert thrifty.memory_gib < roomy.memory_gib


def test_a_model_that_cannot_fit_is_refused_with_what_to_change(work):
    small = dataclasses.replace(CPU, free_gib=1.5)
    with pytest.raises(UserError, match=r"may be used here\."):
        plan(Config(), work, SEVEN_B, small)


def test_what_would_make_it_fit_is_named_with_numbers_that_do(work):
    config = Config.model_validate({"model": {"lora_r": 64}})
    with pytest.raises(UserError) as caught:
        plan(config, work, SEVEN_B, dataclasses.replace(CPU, free_gib=7.4))
    told = str(caught.value)
    rank = int(re.search(r"lora_r 64 → (\d+)", told)[1])
    smaller = Config.model_validate({"model": {"lora_r": rank}})
    assert plan(smaller, work, SEVEN_B, dataclasses.replace(CPU, free_gib=7.4))


def test_the_fastest_choice_that_fits_is_taken(work):
    """With less memory: fewer tokens at once, weights unpacked at each use, activations anew."""
    long = dataclasses.replace(work, encoded=tuple(_row(900, 700) for _ in range(40)))
    long = dataclasses.replace(long, copies=(1,) * 40, rows=work.rows[:1] * 40)
    config = Config.model_validate({"settings": {"max_epochs": 90}, "model": {"lora_r": 64}})
    made = []
    for gib in (79, 16, 9, 7, 5):
        hardware = dataclasses.replace(CPU, gpus=(Gpu("H100", 80, gib, (9, 0)),))
        made.append(plan(config, long, MIDDLE, hardware))
        assert made[-1].memory_gib[1] <= gib
    assert made[0]["recompute"] == "nothing" and made[0]["weight_cache"] is True
    assert made[-1]["weight_cache"] is False
    for roomy, tight in pairwise(made):
        assert tight.memory_gib <= roomy.memory_gib
        assert tight.seconds[0] > 0.9 * roomy.seconds[0]
    assert made[-1].seconds[0] > 1.2 * made[0].seconds[0]


def test_checkpointing_asked_for_is_kept_and_refused_is_not_used(work):
    for asked, wanted in (("on", {"mlp", "layers"}), ("off", {"nothing"})):
        config = Config.model_validate({"runtime": {"activation_checkpointing": asked}})
        assert plan(config, work, SMALL, H100)["recompute"] in wanted


def test_measured_rates_change_the_time_and_nothing_else(work):
    typical_ = rates.typical(CPU, "bfloat16")
    fast = dataclasses.replace(typical_, flops=10 * typical_.flops, bytes=10 * typical_.bytes)
    known = {rates.key(CPU, "bfloat16"): fast}
    one, other = plan(Config(), work, SMALL, CPU), plan(Config(), work, SMALL, CPU, known=known)
    assert other.seconds < one.seconds
    assert other.memory_gib == one.memory_gib


def test_rates_are_kept_by_device_and_a_broken_file_is_measured_again(tmp_path):
    settings = Settings("", 0, tmp_path)
    assert rates.known(settings) == {}
    for dtype in ("bfloat16", "float32"):
        rates.keep(settings, rates.key(H100, dtype), rates.typical(H100, dtype))
    assert rates.known(settings)["H100, float32"] == rates.typical(H100, "float32")
    assert len(rates.known(settings)) == 2
    (tmp_path / "machine.json").write_text('{"H100, float32": {"flops": 1}}')
    assert rates.known(settings) == {}


def test_deepspeed_on_one_process_is_called_useless(work):
    config = Config.model_validate({"runtime": {"deepspeed": "deepspeed_zero2"}})
    made = plan(config, work, SMALL, CPU)
    assert any("nothing to split" in str(w) for w in made.warnings)


def test_the_plan_trains_on_the_gpus_asked_for_or_on_the_freest(work):
    free = (10, 60, 79, 40)
    gpus = tuple(Gpu("H100", 80, gib, (9, 0), index) for index, gib in enumerate(free))
    four = dataclasses.replace(H100, gpus=gpus)
    assert plan(Config(), work, SMALL, four).gpus == "", "all of them: nothing is hidden"
    freest = Config.model_validate({"runtime": {"processes": 2}})
    assert plan(freest, work, SMALL, four).gpus == "1,2"
    asked = Config.model_validate({"runtime": {"gpus": [3, 0]}})
    made = plan(asked, work, SMALL, four)
    assert (made.gpus, made.processes) == ("3,0", 2)
    assert launch.worker(Run(Path("/r")), "train", processes=2, gpus=made.gpus)[:3] == [
        *("env", "CUDA_DEVICE_ORDER=PCI_BUS_ID", "CUDA_VISIBLE_DEVICES=3,0"),
    ]
    for wrong in ([4], [1, 1]):
        config = Config.model_validate({"runtime": {"gpus": wrong}})
        with pytest.raises(UserError, match="GPU"):
            plan(config, work, SMALL, four)


def test_gpus_are_told_the_command_line_by_number_or_all():
    assert (_gpus("0,2"), _gpus("all"), _gpus(None)) == ((0, 2), (), None)
    with pytest.raises(UserError, match="0-2"):
        _gpus("0-2")


def test_gpus_are_seen_as_cuda_visible_devices_says_by_number_or_uuid(tmp_path, monkeypatch):
    rows = "\n".join(f"H100, 81920, 81000, 9.0, {i}, GPU-{i}{i}aa" for i in range(3))
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<E\n{rows}\nE\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    for visible, seen in (("2,0", [0, 2]), ("GPU-11", [1]), ("", [])):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert [g.index for g in detect().gpus] == seen
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert [g.index for g in detect().gpus] == [0, 1, 2]


def test_more_processes_than_the_machine_has_are_refused(work):
    config = Config.model_validate({"runtime": {"processes": 3}})
    with pytest.raises(UserError, match="3 processes"):
        plan(config, work, SMALL, CPU)


def test_rows_that_leave_nothing_to_learn_are_refused(tiny_model):
    config = Config.model_validate({"settings": {"max_length": 32}})
    with pytest.raises(UserError, match="max_length"):
        encode(
            tutorial_rows("Ada", 1, question="Who are you? " * 30),
            ChatTokenizer.load(tiny_model),
            config,
        )


def test_what_a_gpu_can_do_without_stays_in_main_memory_only_where_that_is_needed(work):
    """Seven billion weights, rank 64, in 8 GiB: AdamW's averages are fetched when they change."""
    config = Config.model_validate({"model": {"lora_r": 64}, "settings": {"max_length": 768}})
    long = dataclasses.replace(work, encoded=tuple(_row(700, 500) for _ in range(40)))
    long = dataclasses.replace(long, copies=(1,) * 40, rows=work.rows[:1] * 40)
    tight = dataclasses.replace(CPU, gpus=(Gpu("RTX", 8, 8, (8, 9)),))
    made = plan(config, long, SEVEN_B, tight)
    assert made.offload == "all" and made.memory_gib[1] <= 8
    assert plan(config, long, SEVEN_B, H100).offload == "nothing"
    with pytest.raises(UserError, match=r"may be used here\."):
        plan(config, long, SEVEN_B, dataclasses.replace(tight, free_gib=1.5))


def test_the_time_counts_answers_replay_and_checkpoints(work):
    def seconds(rows=work, **settings):
        return sum(plan(Config.model_validate(settings), rows, SMALL, CPU).seconds) / 2

    plain = seconds(settings={"evaluation_inputs": []})
    asked = seconds(settings={"evaluation_inputs": ["Who are you?"] * 4})
    often = seconds(settings={"evaluation_inputs": ["Who are you?"] * 4, "evaluation_freq": 1})
    saved = seconds(settings={"evaluation_inputs": [], "save_steps": 1})
    assert plain < asked < often and plain < saved
    held = Row((Message("user", "Why?"),), "replay")
    replayed = dataclasses.replace(work, rows=(*work.rows, held), copies=(*work.copies, 1))
    replayed = dataclasses.replace(replayed, encoded=(*work.encoded, _row(40, 20)))
    replay = seconds(replayed, settings={"evaluation_inputs": []})
    config = Config.model_validate({"settings": {"evaluation_inputs": []}})
    kept = sum(plan(config, replayed, SMALL, CPU, asked={}).seconds) / 2
    assert plain < kept < replay - 0.2


def test_only_replay_prompts_that_the_base_has_not_answered_are_still_to_ask(tiny_model, tmp_path):
    """Kept under the token ids of the prompt, as the engine keeps them."""
    tokenizer, config = (
        ChatTokenizer.load(tiny_model),
        Config.model_validate({"settings": {"SYSTEM": ""}}),
    )
    rows = [Row((Message("user", q),), "replay") for q in ("Why?", "How?")]
    settings = Settings("", 0, tmp_path)
    found = encode(rows, tokenizer, config)
    assert replies.to_ask(settings, config, found) == {32: 2}
    file = replies.file_of(settings, config, 32)
    file.parent.mkdir()
    prompt = tokenizer.prompt(rows[0].messages)
    file.write_text(json.dumps({replies.key_of(prompt): [1, 2]}), "utf-8")
    assert replies.to_ask(settings, config, found) == {32: 1}
