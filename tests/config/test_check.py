"""`python -m core check` tells faults and traps, and --fix mends the traps in the person's text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from core import conversations
from core.__main__ import main
from core.config import commands, source, writer
from core.config.fields import Value
from core.dataset import Message, Row, dumps

ROW = Row((Message("user", "请做一下自我介绍"), Message("assistant", "我是小林的小助手。")))
MINE = """\
# mine: keep this
settings:
  pretrained_model_name_or_path: MODEL   # the tiny one
  prompt_template: default  # from a base model
  lr: 0.5      # too hot
  save_steps: 500
  # nobody has a system text
  SYSTEM: You are kind.
model: {lora_r: 4}
"""


@pytest.fixture
def mine(tmp_path: Path, tiny_model: Path) -> Path:
    """A config full of traps beside its data."""
    model = tmp_path / "SmolLM2-135M-Instruct"
    model.symlink_to(tiny_model)  # a folder of a known chat model's name
    file = tmp_path / "mine.yaml"
    file.write_text(MINE.replace("MODEL", str(model)), "utf-8")
    (tmp_path / "dataset.json").write_text(dumps([ROW] * 40), "utf-8")
    return file


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path / "workspace"))


def test_check_tells_every_trap_and_changes_nothing(mine, capsys):
    before = mine.read_bytes()
    assert main(["check", str(mine)]) == 0
    said = capsys.readouterr().out
    for part in ("This is a chat model", "breaks the model", "SYSTEM is put", "every 500 steps"):
        assert part in said
    assert said.count("Warning:") == 4 and "no faults; warnings: 4" in said
    assert mine.read_bytes() == before


def test_fix_mends_the_traps_and_keeps_every_comment(mine, capsys):
    assert main(["check", "--fix", str(mine)]) == 0
    said = capsys.readouterr().out
    assert "Now settings.prompt_template = auto." in said
    text = mine.read_text("utf-8")
    for comment in (
        "# mine: keep this",
        "# the tiny one",
        "# from a base",
        "# too hot",
        "# nobody",
    ):
        assert comment in text
    mended = source.parse(text).settings
    assert (mended.prompt_template, mended.lr, mended.SYSTEM) == ("auto", 2e-4, "")
    assert mended.save_steps < 500
    assert main(["check", str(mine)]) == 0
    assert "Warning" not in capsys.readouterr().out


def test_a_config_without_its_data_is_linted_as_far_as_it_goes(mine, capsys):
    (mine.parent / "dataset.json").unlink()
    assert main(["check", str(mine)]) == 0
    told = capsys.readouterr()
    assert "breaks the model" in told.out and "SYSTEM is put" not in told.out
    assert "dataset.json is not here, so that only the config was looked at." in told.err


def test_a_fault_is_told_before_any_trap(mine, capsys):
    mine.write_text("settings:\n  max_lenght: 3\n", "utf-8")
    assert main(["check", "--fix", str(mine)]) == 2
    assert "Line 2" in capsys.readouterr().err


def test_the_tutorial_s_edits_leave_the_warnings_that_it_deserves(tmp_path, capsys):
    path = commands.copy_cfg("internlm2_1_8b_qlora_alpaca_e3", tmp_path)
    edits: dict[tuple[str, str], Value] = {
        ("settings", "pretrained_model_name_or_path"): "internlm/internlm2-chat-1_8b",
        ("settings", "data_path"): "personal_assistant.json",
        ("settings", "max_length"): 1024,
        ("settings", "max_epochs"): 2,
        ("settings", "save_steps"): 300,
        ("settings", "save_total_limit"): 3,
        ("settings", "evaluation_freq"): 300,
        ("settings", "evaluation_inputs"): ("请你介绍一下你自己", "你是谁", "你是我的小助手吗"),
        ("dataset", "format"): "messages",
    }
    path.write_text(writer.edit(path.read_text("utf-8"), edits), "utf-8")
    assert main(["diff", str(path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in told] == [f"{part}.{key}" for part, key in edits]
    assert told[2] == "settings.max_length: 2048 → 1024"
    (tmp_path / "personal_assistant.json").write_text(dumps([ROW] * 10_001), "utf-8")
    assert main(["check", str(path)]) == 0
    said = capsys.readouterr().out
    assert [line.split(":")[0] for line in said.splitlines()[:-1]] == ["Warning"] * 4
    for part in ("chat model", "10,001 times", "every 300 steps", "Sample answers every 300"):
        assert part in said


def test_a_config_is_compared_with_its_preset_another_file_or_a_run(mine, tmp_path, capsys):
    assert main(["diff", str(mine)]) == 2
    assert "does not say which preset" in capsys.readouterr().err
    other = tmp_path / "other.yaml"
    other.write_text(mine.read_text("utf-8").replace("lr: 0.5", "lr: 0.25"), "utf-8")
    run = tmp_path / "workspace" / "runs" / "nova"
    run.mkdir(parents=True)
    (run / "config.yaml").write_bytes(other.read_bytes())
    for name in (str(other), str(run), "nova"):
        assert main(["diff", str(mine), name]) == 0
        assert capsys.readouterr().out == "settings.lr: 0.25 → 0.5\n"
    assert main(["diff", str(mine), str(mine)]) == 0
    assert capsys.readouterr().out == "Nothing differs.\n"
    assert main(["diff", str(mine), "no_such_preset"]) == 2


def test_a_folder_of_no_known_name_is_judged_by_its_own_files(mine, capsys):
    """The tutorial's /root/ft/model: a chat model whose folder does not say so."""
    model = mine.parent / "model"
    model.symlink_to((mine.parent / "SmolLM2-135M-Instruct").resolve())
    text = mine.read_text("utf-8").replace("SmolLM2-135M-Instruct", "model")
    mine.write_text(text, "utf-8")
    assert main(["check", str(mine)]) == 0
    assert "This is a chat model" in capsys.readouterr().out


def test_the_guess_of_the_steps_is_near_the_truth(tmp_path, capsys):
    asked = [(f"What is {i} and {i}?", f"Together they make {2 * i}. " * 8) for i in range(300)]
    rows = [Row((Message("user", q), Message("assistant", a))) for q, a in asked]
    (tmp_path / "dataset.json").write_text(dumps(rows), "utf-8")
    path = tmp_path / "mine.yaml"
    # About 70 tokens a row: 21,000 in each of three epochs, 1,024 a step.
    path.write_text("settings: {pretrained_model_name_or_path: a/b, accumulative_counts: 1, "
                    "save_steps: 1000}\n", "utf-8")  # fmt: skip
    assert main(["check", str(path)]) == 0
    (about,) = re.findall(r"the training has about (\d+) steps", capsys.readouterr().out)
    assert 40 <= int(about) <= 80


def test_all_files_of_a_folder_are_read_in_order_up_to_max_rows(tmp_path, capsys, settings):
    data = tmp_path / "data"
    data.mkdir()
    for name, said in (("b.jsonl", "B"), ("a.csv", "A")):
        file = data / name
        if name == "a.csv":
            file.write_text(f"question,answer\nq1,{said}1\nq2,{said}2\n", "utf-8")
        else:
            rows = [{"instruction": "q", "output": f"{said}{i}"} for i in (1, 2)]
            file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    (data / "notes.md").write_text("not data", "utf-8")
    for most, answers in ((200_000, ["A1", "A2", "B1", "B2"]), (3, ["A1", "A2", "B1"])):
        config = source.parse(f"settings:\n  data_path: data\ndataset:\n  max_rows: {most}\n")
        rows = conversations.of_config(config, tmp_path, settings).rows
        assert [row.messages[-1].content for row in rows] == answers
    for file in data.glob("*.[cj]*"):
        file.unlink()
    path = tmp_path / "folder.yaml"
    path.write_text("settings:\n  data_path: data\n", "utf-8")
    assert main(["check", str(path)]) == 2
    assert "The folder data holds no data files." in capsys.readouterr().err
