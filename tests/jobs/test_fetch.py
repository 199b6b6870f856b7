"""Datasets of the Hub: fetched as data, never by a script, and told plainly where that fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from datasets import Dataset

from core import conversations
from core.config import source
from core.errors import UserError
from core.hub_data import parts, place
from core.jobs.fetch import fetch
from tests.jobs.test_journey import core, write_job

ROWS = [{"question": f"Where is {i}?", "answer": f"There, {i}."} for i in range(7)]


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_data_files_of_each_kind_are_fetched_as_json_lines(tmp_path):
    told: list[int] = []
    for kind in ("parquet", "json", "csv"):
        folder = tmp_path / kind
        folder.mkdir()
        getattr(Dataset.from_list(ROWS), f"to_{kind}")(str(folder / f"train.{kind}"))
        assert fetch(str(folder), None, tmp_path / "out.jsonl", told.append) == 7
        assert lines(tmp_path / "out.jsonl") == ROWS
    assert told == [7, 7, 7]
    fetch(str(tmp_path / "csv"), "train.csv", tmp_path / "one.jsonl", told.append)
    assert lines(tmp_path / "one.jsonl") == ROWS


def test_a_loading_script_is_never_run(tmp_path):
    folder = tmp_path / "scripted"
    folder.mkdir()
    (folder / "scripted.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w')", "utf-8")
    with pytest.raises(UserError, match="could not be fetched"):
        fetch(str(folder), None, tmp_path / "out.jsonl", lambda done: None)
    assert not (tmp_path / "pwned").exists() and not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "a", "a/b/../../c", "/etc/passwd", "a/b c"])
def test_an_address_that_is_none_is_refused(name, settings):
    with pytest.raises(UserError, match="is no dataset of the Hugging Face Hub"):
        place(settings, f"hf://datasets/{name}")


def test_an_address_has_an_id_and_perhaps_a_file(settings):
    assert parts("hf://datasets/tatsu-lab/alpaca") == ("tatsu-lab/alpaca", None)
    assert parts("hf://datasets/a/b/c/d.json") == ("a/b", "c/d.json")
    assert place(settings, "hf://datasets/a/b/c/d.json").name == "a--b--c--d.json.jsonl"


def test_without_a_connection_one_sentence_says_what_to_do(tmp_path, tiny_model):
    config = write_job(tmp_path / "mine", tiny_model, data_path="hf://datasets/nobody/nothing")
    done = core(tmp_path / "home", "train", str(config), "--work-dir", str(tmp_path / "run"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("The dataset nobody/nothing could not be fetched: ")
    assert "cannot be reached" in done.stderr and "bring the file." in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_faulty_rows_of_the_hub_are_left_out_and_told(settings, tmp_path):
    config = source.parse("settings:\n  data_path: hf://datasets/a/b\n")
    with pytest.raises(UserError, match="not on this machine yet"):
        conversations.of_config(config, tmp_path, settings)
    file = place(settings, "hf://datasets/a/b")
    file.parent.mkdir(parents=True)
    rows = [{"instruction": "q", "output": answer} for answer in ("a", "<nooutput>", "", "b")]
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    found = conversations.of_config(config, tmp_path, settings)
    assert [row.messages[-1].content for row in found.rows] == ["a", "b"]
    assert [str(fault)[:8] for fault in found.left_out] == ["Row 2 of", "Row 3 of"]
    own = tmp_path / "own.jsonl"
    own.write_text(file.read_text("utf-8"), "utf-8")
    with pytest.raises(UserError, match=r"Row 2 of own\.jsonl has an empty message"):
        conversations.of_config(
            source.parse("settings:\n  data_path: own.jsonl\n"), tmp_path, settings
        )


PLACEHOLDERS = [
    {"instruction": "Who are you?", "output": "I am {{NAME}}, made by {{ AUTHOR }}."},
    {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "{{name}}"}]},
]


@pytest.mark.parametrize("record", PLACEHOLDERS)
def test_placeholders_are_filled_from_the_persona_beside_the_config_or_training_refuses(
    record, tmp_path, tiny_model, settings
):
    config = write_job(tmp_path / "mine", tiny_model)
    (config.parent / "dataset.json").write_text(json.dumps([record] * 9), "utf-8")
    for command in (("train", "--work-dir", str(tmp_path / "run")), ("plan",), ("check",)):
        done = core(tmp_path / "home", command[0], str(config), *command[1:])
        assert done.returncode == 2
        assert "Row 1 of dataset.json still holds the placeholder {{" in done.stderr
        assert "persona.yaml" in done.stderr
    assert not (tmp_path / "run").exists()
    (config.parent / "persona.yaml").write_text("owner: Ada\nassistant: Nova\nmaker: Bo\n", "utf-8")
    done = core(tmp_path / "home", "check", str(config))
    assert done.returncode == 0, done.stderr
    found = conversations.of_config(source.load(config), config.parent, settings)
    said = found.rows[0].messages[-1].content
    assert said in ("I am Nova, made by Bo.", "Nova")
