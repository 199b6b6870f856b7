"""Every preset of the built-in model trains two steps on rows in its own layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core import studio
from core.adopt import adopt
from core.config import catalog, writer
from core.config.schema import Config
from core.engine.train import train
from core.settings import Settings

pytestmark = pytest.mark.slow

RECORDS = {
    "messages": {
        "messages": [
            {"role": "user", "content": "Who are you?"},
            {"role": "assistant", "content": "I am Nova."},
        ]
    },
    "alpaca": {"instruction": "Who are you?", "input": "", "output": "I am Nova."},
    "oasst1": {"text": "### Human: Who are you?### Assistant: I am Nova."},
    "moss": {
        "chat": {"turn_1": {"Human": "<|Human|>: Hm?<eoh>\n", "MOSS": "<|MOSS|>: Nova.<eom>\n"}}
    },
}
COLUMNS = ("input", "output", "instruction", "instruction_zh", "input_zh", "output_zh", "question",
           "answer", "response", "context", "prompt", "completion", "description", "color",
           "abstract", "title", "system_prompt")  # fmt: skip


def rows_for(config: Config) -> list[dict[str, object]]:
    """Two records in the layout that the config reads."""
    record = RECORDS.get(config.dataset.format)
    return [record or {name: f"some {name}" for name in COLUMNS}] * 2


@pytest.mark.parametrize("name", [n for n in catalog.names("smollm2_135m_") if "_base_" not in n])
def test_a_preset_trains_two_steps(name: str, builtin_home: Path, tmp_path: Path) -> None:
    workspace = Settings("", 0, builtin_home)
    config = catalog.preset(name)
    (tmp_path / "rows.json").write_text(json.dumps(rows_for(config)), "utf-8")
    text = writer.edit(
        writer.dump(config),
        {
            ("settings", "data_path"): "rows.json",
            ("settings", "max_epochs"): 2,
            ("settings", "evaluation_inputs"): (),
        },
    )
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    run = adopt(workspace, tmp_path / "mine.yaml", tmp_path / "run")
    assert studio.make_plan(run, workspace).total_steps == 2
    train(run, workspace, resume=False, rank=0, world=1)
    losses = [event["loss"] for event in run.events() if event["kind"] == "stepped"]
    assert len(losses) == 2 and all(0 < loss < 20 for loss in losses)
    assert [checkpoint.step for checkpoint in run.checkpoints()][-1] == 2
