"""A local InternLM2 folder from training to chat, and back into its own layout."""

from __future__ import annotations

import json
import re

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.run import Run
from core.status import status
from tests import internlm2 as real
from tests.jobs.test_journey import core, write_job


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run on an InternLM2 folder that was never converted before."""
    home = tmp_path_factory.mktemp("home")
    source = real.write(home / "internlm2-chat-tiny", shards=2, max_position_embeddings=512)
    config = write_job(home / "mine", source)
    done = core(home, "train", str(config), "--work-dir", str(home / "run"))
    assert done.returncode == 0, done.stderr + done.stdout
    return home, source, Run(home / "run"), done.stdout


def test_it_is_converted_once_and_trains(trained):
    home, source, run, shown = trained
    assert "ready, once" in shown
    now = status(run)
    assert now.state == "finished"
    assert now.points[-1].loss < now.points[0].loss
    (kept,) = (home / "models").glob("internlm2-chat-tiny-*")
    assert (kept / "done").exists()
    assert (
        sorted(p.suffix for p in source.iterdir())
        == [".json"] * 3 + [".model"] + [".safetensors"] * 2
    )


def test_it_merges_into_both_layouts_and_chats(trained):
    home, source, run, _ = trained
    done = core(home, "merge", str(run.path), "--layout", "internlm2")
    assert done.returncode == 0, done.stderr + done.stdout
    told = json.loads((run.merged_internlm2 / "config.json").read_text())
    assert told["architectures"] == ["InternLM2ForCausalLM"]
    fused = load_file(run.merged_internlm2 / "model.safetensors")
    before = real.weights(told)
    assert fused.keys() == before.keys()
    assert {k: v.shape for k, v in fused.items()} == {k: v.shape for k, v in before.items()}
    assert (run.merged_internlm2 / "tokenizer.model").read_bytes() == (
        source / "tokenizer.model"
    ).read_bytes()

    llama = AutoModelForCausalLM.from_pretrained(run.merged, dtype=torch.float32)
    ids = AutoTokenizer.from_pretrained(run.merged).apply_chat_template(
        [{"role": "user", "content": "Who are you?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )["input_ids"]
    wide = {k: v.float() for k, v in fused.items()}
    ours = real.logits(told, wide, ids[0])
    with torch.no_grad():
        assert (llama(input_ids=ids).logits[0] - ours).abs().max() < 1e-4
    config = json.loads((run.merged / "config.json").read_text())
    assert (config["rope_theta"], config["rope_scaling"]["rope_type"]) == (1e6, "dynamic")

    said = core(home, "chat", str(run.path), "--prompt", "Who are you, 3?")
    assert said.returncode == 0, said.stderr
    assert said.stdout.strip()
    assert not re.search(r"<\|im_|</s>", said.stdout)


def test_another_models_run_has_no_such_layout(tmp_path, tiny_model):
    config = write_job(tmp_path / "mine", tiny_model, max_epochs=1)
    run = tmp_path / "run"
    assert core(tmp_path, "train", str(config), "--work-dir", str(run)).returncode == 0
    refused = core(tmp_path, "merge", str(run), "--layout", "internlm2")
    assert refused.returncode == 2
    assert "not an InternLM2 checkpoint" in refused.stderr
