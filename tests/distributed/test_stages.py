"""Every stage and number type on two processes: as one process, to the end, and merged.

Losses are compared step by step; the tolerance, NATS, is that of 16-bit sums in another order.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import studio
from core.settings import Settings
from tests import processes
from tests.distributed.conftest import EPOCHS

pytestmark = pytest.mark.distributed

NATS = 0.01  # between the losses of a step here and in one process
THEN = {
    "none": ("deepspeed_zero3", 1),
    "deepspeed_zero1": ("none", 1),
    "deepspeed_zero2": ("deepspeed_zero1", 1),
    "deepspeed_zero3": ("deepspeed_zero2", 1),
}


@pytest.mark.parametrize("base", ["nf4", "bf16"])
@pytest.mark.parametrize("way", [*THEN])
def test_two_processes_learn_as_one_stop_go_on_otherwise_and_merge(
    way: str, base: str, tmp_path: Path, settings: Settings, tiny_model: Path, alone, tell
) -> None:
    run = processes.made(tmp_path / "run", tiny_model, way=way, base=base, epochs=EPOCHS)
    studio.train(run, settings)
    processes.at_step(run, 3)
    studio.stop(run)
    assert processes.ended(run) == "stopped"
    done = processes.losses(run)
    studio.set_split(run, *THEN[way])
    done += processes.trained(run, settings, resume=True)
    assert len(done) == len(alone[base]), "no step is done twice, and none is left out"
    gap = max(abs(a - b) for a, b in zip(done, alone[base], strict=True))
    studio.merge(run, settings)
    assert processes.ended(run, "merge") == "finished" and run.is_merged
    then, count = THEN[way]
    tell(run, (way, base, 2, 1), gap, f"{then.removeprefix('deepspeed_')} on {count}")
    assert gap <= NATS
    assert done[-1] < done[0] - 0.5, "it learned"


def test_one_process_goes_on_as_two_in_stage_3(
    tmp_path: Path, settings: Settings, tiny_model: Path, alone, tell
) -> None:
    run = processes.made(tmp_path / "run", tiny_model, processes=1, epochs=EPOCHS)
    studio.train(run, settings)
    processes.at_step(run, 3)
    studio.stop(run)
    assert processes.ended(run) == "stopped"
    done = processes.losses(run)
    studio.set_split(run, "deepspeed_zero3", 2)
    done += processes.trained(run, settings, resume=True)
    assert len(done) == len(alone["nf4"])
    gap = max(abs(a - b) for a, b in zip(done, alone["nf4"], strict=True))
    tell(run, ("none", "nf4", 1, 1), gap, "zero3 on 2")
    assert gap <= NATS


def test_deepspeed_s_own_adamw_is_built_once_and_a_run_with_it_goes_on(
    tmp_path: Path, settings: Settings, tiny_model: Path, alone, tell, monkeypatch
) -> None:
    monkeypatch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path / "ops"))
    run = processes.made(tmp_path / "run", tiny_model, epochs=EPOCHS)
    own = {
        "zero_optimization": {"stage": 2, "offload_optimizer": {"device": "cpu"}},
        "optimizer": {"type": "AdamW", "params": {"lr": "auto", "weight_decay": "auto"}},
    }
    studio.set_split(run, "mine.json", 2, json.dumps(own).encode())
    studio.train(run, settings)
    processes.at_step(run, 3)
    studio.stop(run)
    assert processes.ended(run) == "stopped"
    done = processes.losses(run)
    done += processes.trained(run, settings, resume=True)
    built = [e["done"] for e in run.events() if "building" in e.get("stage", "")]
    assert built == [0, 1], "by one process, and not again"
    assert len(done) == len(alone["nf4"])
    gap = max(abs(a - b) for a, b in zip(done, alone["nf4"], strict=True))
    tell(run, ("2, own AdamW", "nf4", 2, 1), gap, "the same on 2")
    assert gap <= NATS
