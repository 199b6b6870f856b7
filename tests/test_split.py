"""What each ZeRO stage keeps on one process, in numbers that can be checked by hand."""

from __future__ import annotations

import pytest

from core import zero
from core.split import Split, split_of

COUNT = 2**30  # trained numbers: GiB are then bytes a number


def gib(stage: int, processes: int) -> float:
    return Split(stage, processes).trained_gib(COUNT, "bfloat16")


def test_without_a_stage_each_process_keeps_sixteen_bytes_a_trained_number():
    assert gib(0, 1) == gib(0, 8) == 16


@pytest.mark.parametrize(("stage", "each"), [(1, 8 + 4), (2, 8 + 4), (3, 20 / 4)])
def test_four_processes_share_what_deepspeed_keeps_then_the_weights_too(stage, each):
    assert gib(stage, 4) == each


def test_only_stage_3_splits_the_frozen_model_and_a_pass_gathers_some_of_it_again():
    assert Split(2, 4).frozen_gib(8, "bfloat16") == 8
    few = Split(3, 4, live=2**29)
    assert few.frozen_gib(8, "bfloat16") == 2 + 1
    assert Split(3, 4).frozen_gib(1, "bfloat16") == 1, "a small model stays gathered"


def test_offload_moves_states_and_weights_to_main_memory():
    offloaded = split_of(zero.preset("deepspeed_zero3_offload"), 4)
    assert offloaded.trained_gib(COUNT, "bfloat16") == 1 + 2 * 4 * 2**24 / 2**30
    assert offloaded.main_gib(COUNT, 8, "bfloat16") == 4 + (8 + 2) / 4


def test_deepspeed_s_own_bucket_size_costs_more_than_an_adapter():
    wide = {"zero_optimization": {"stage": 2, "reduce_bucket_size": 5e8}}
    count = 69_000_000
    auto = split_of(zero.preset("deepspeed_zero2"), 2)
    assert split_of(wide, 2).trained_gib(count, "bfloat16") > 3.7
    assert (
        auto.trained_gib(count, "bfloat16")
        < Split(processes=2).trained_gib(count, "bfloat16") + 0.2
    )


def test_stage_3_sends_the_model_twice_a_pass():
    none, three = Split(processes=2), Split(3, 2)
    assert none.gathered_bytes(100, 1, "bfloat16", 5) == 0.5 * 800
    assert three.gathered_bytes(100, 1, "bfloat16", 5) == 0.5 * (400 + 10 * 2**30)
