"""A run whose template gives other ids here than elsewhere is refused, and told where."""

from __future__ import annotations

import json
import shutil

import pytest

from core.adopt import adopt
from core.config.source import load as load_config
from core.engine.parity import check_parity
from core.errors import UserError
from core.run import Run
from tests import bpe, internlm2, tiny
from tests.families import FAMILIES, write_tokenizer
from tests.jobs.test_journey import core, write_job


def a_run(folder, model, **settings) -> Run:
    """A run on a model, before its training."""
    config = write_job(folder / "mine", model, **settings)
    assert load_config(config)
    return adopt(None, config, folder / "run")


def test_a_run_in_the_models_own_template_passes(tmp_path, tiny_model, settings):
    check_parity(a_run(tmp_path, tiny_model), settings)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_familys_template_passes(tmp_path, tiny_model, settings, name):
    model = shutil.copytree(tiny_model, tmp_path / "model")
    write_tokenizer(model, FAMILIES[name])
    check_parity(a_run(tmp_path, model), settings)


@pytest.mark.parametrize("template", ["default", "llama3_chat", "internlm2_chat"])
def test_a_run_in_a_named_template_passes(tmp_path, tiny_model, settings, template):
    check_parity(a_run(tmp_path, tiny_model, prompt_template=template), settings)


def test_a_system_text_of_the_config_is_part_of_it(tmp_path, settings):
    source = bpe.CHATML.replace("m['content']", "m['content'] | replace('Be', tools or 'Is')")
    model = tiny.write_model(tmp_path / "model", template=source)
    check_parity(a_run(tmp_path, model, SYSTEM="Be brief."), settings)


def test_a_tokenizer_that_other_programs_read_otherwise_stops_the_run(tmp_path, settings):
    """Here the template's settings stand in a file that only transformers obeys."""
    model = tiny.write_model(tmp_path / "model")
    told = json.loads((model / "tokenizer_config.json").read_text())
    told["added_tokens_decoder"] = {
        "0": {"content": "<|endoftext|>", "special": True},
        "1": {"content": "Nova", "special": True},
    }
    told["extra_special_tokens"] = ["Nova"]
    (model / "tokenizer_config.json").write_text(json.dumps(told))
    run = a_run(tmp_path, model)
    with pytest.raises(UserError, match=r"token \d+ of “Who are you, 0\?”"):
        check_parity(run, settings)
    done = core(tmp_path, "train", str(tmp_path / "mine" / "nova.yaml"), "--work-dir",
                str(tmp_path / "again"))  # fmt: skip
    assert done.returncode == 1
    assert "gives other tokens here than in other programs" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_converted_internlm2_passes(tmp_path, settings):
    source = internlm2.write(tmp_path / "internlm2")
    core(settings.home, "plan", str(write_job(tmp_path / "mine", source)))
    check_parity(adopt(None, tmp_path / "mine" / "nova.yaml", tmp_path / "run"), settings)
