"""list-cfg and copy-cfg behave as XTuner's users know them, without its traps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import catalog, commands, source
from core.config.fields import fields
from core.config.schema import PARTS
from core.errors import UserError
from core.hardware import Hardware

ROOT = Path(__file__).parents[2]


def test_list_cfg_prints_names_between_the_known_lines() -> None:
    lines = commands.list_cfg("internlm2_1_8b_qlora_alpaca_e3").splitlines()
    assert lines == [
        "==========================CONFIGS===========================",
        "PATTERN: internlm2_1_8b_qlora_alpaca_e3",
        "-------------------------------",
        "internlm2_1_8b_qlora_alpaca_e3",
        "=" * 61,
    ]
    everything = commands.list_cfg().splitlines()
    assert everything[1:-1] == catalog.names()
    assert commands.list_cfg("nothing like it").splitlines()[3:] == ["=" * 61]


def test_copy_cfg_writes_the_preset_with_its_help(tmp_path: Path) -> None:
    path = commands.copy_cfg(catalog.DEFAULT, tmp_path / "new" / "place")
    assert path == tmp_path / "new" / "place" / f"{catalog.DEFAULT}_copy.yaml"
    assert source.load(path) == catalog.preset(catalog.DEFAULT)
    assert "# Learning rate at its peak" in path.read_text("utf-8")
    assert path.read_text("utf-8").startswith(f"# preset: {catalog.DEFAULT}\n")
    assert list(path.parent.iterdir()) == [path]


def test_copy_cfg_says_what_to_edit_next(tmp_path: Path) -> None:
    for name, said in (
        ("smollm2_135m_lora_persona_e2", f"--out {tmp_path / 'dataset.json'}"),
        ("smollm2_135m_qlora_lawyer_e3", "beside it as lawyer.json"),
        ("internlm2_1_8b_qlora_alpaca_e3", "learns from hf://datasets/tatsu-lab/alpaca"),
    ):
        path = commands.copy_cfg(name, tmp_path)
        told = commands.next_steps(name, path).splitlines()
        assert said in told[0] and told[-1] == f"Then: python -m core check {path}"
        assert ("internlm/internlm2-1_8b" in told[1]) == ("internlm2" in name)
        assert commands.next_steps(name, path, "zh") != "\n".join(told)


def test_copy_cfg_never_overwrites(tmp_path: Path) -> None:
    path = commands.copy_cfg(catalog.DEFAULT, tmp_path)
    path.write_text("# mine\n", "utf-8")
    with pytest.raises(UserError, match="already there"):
        commands.copy_cfg(catalog.DEFAULT, tmp_path)
    assert path.read_text("utf-8") == "# mine\n"


def test_copy_cfg_of_an_unknown_name_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no preset"):
        commands.copy_cfg("no_such_qlora_name_e1", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_copy_cfg_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UserError, match="not a directory"):
        commands.copy_cfg(catalog.DEFAULT, tmp_path / "file" / "below")


def test_the_schema_holds_every_key_with_its_help_bounds_and_choices() -> None:
    schema = json.loads(commands.schema_json())
    assert list(schema["properties"]) == list(PARTS)
    for (part, key), field in fields().items():
        body = schema["$defs"][schema["properties"][part]["$ref"].rpartition("/")[2]]
        assert body["additionalProperties"] is False
        found = body["properties"][key]
        assert found["description"] == field.help.template and "default" in found
        if field.kind in ("whole number", "number"):
            assert {"minimum", "exclusiveMinimum"} & set(found)
            assert {"maximum", "exclusiveMaximum"} & set(found)
        if field.kind == "choice" and not field.open:
            assert tuple(found.get("enum", [found.get("const")])) == field.choices


def test_a_list_that_is_cut_short_by_its_reader_is_no_fault(tmp_path: Path) -> None:
    for command in ("list-cfg", "schema"):
        done = subprocess.run(
            f"{sys.executable} -m core {command} | head -c 1; exit ${{PIPESTATUS[0]}}",
            shell=True, executable="/bin/bash", capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "STUDIO_HOME": str(tmp_path)},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")


def test_what_a_preset_is_and_which_machine_it_needs_is_told_in_the_terminal() -> None:
    laptop = Hardware(cores=8, memory_gib=16, free_gib=10, cpu_bf16=True)
    told = commands.about_cfg("llama3_1_70b_instruct_qlora_persona_e2", laptop)
    assert told.startswith("llama3_1_70b_instruct_qlora_persona_e2\n    ")
    assert "licence Llama 3.1 Community" in told and "it needs a GPU of 80 GB" in told
    with pytest.raises(UserError, match="no preset"):
        commands.about_cfg("no such thing", laptop)
