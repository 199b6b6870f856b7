"""InternLM3, a Llama by another name: known as one, without its repository's code."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, InternLM3Config, LlamaForCausalLM

from core.dataset import Message
from core.engine.convert import convert_folder
from core.errors import UserError
from core.model_folder import layout
from core.models import shape
from core.tokens import ChatTokenizer
from tests.internlm2 import write_internlm3


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("length", [60, 600])
def test_its_logits_are_those_of_transformers_own_class(tmp_path, biased, length):
    source = write_internlm3(tmp_path / "internlm3", bias=biased, qkv_bias=biased)
    assert layout(source) == "foreign"
    convert_folder(source, tmp_path / "llama", {}, lambda done, total: None)
    theirs = LlamaForCausalLM(InternLM3Config(**json.loads((source / "config.json").read_text())))
    theirs.load_state_dict(load_file(source / "model.safetensors"))
    ours = AutoModelForCausalLM.from_pretrained(tmp_path / "llama", dtype=torch.float32)
    ids = torch.randint(3, 590, (1, length), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        difference = ours(input_ids=ids).logits - theirs.float()(input_ids=ids).logits
    assert difference.abs().max() < 1e-5
    told = json.loads((tmp_path / "llama" / "config.json").read_text())
    assert (told["architectures"], "auto_map" in told) == (["LlamaForCausalLM"], False)
    assert shape(tmp_path / "llama").fast


def test_its_chat_marks_keep_their_numbers_and_it_stops_at_both_ends(tmp_path):
    source = write_internlm3(tmp_path / "internlm3")
    convert_folder(source, tmp_path / "llama", {}, lambda done, total: None)
    ours = ChatTokenizer.load(tmp_path / "llama")
    assert ours.tokenizer.token_to_id("<|im_start|>") == 599
    assert set(ours.stop_ids) == {598, 2}
    ids = ours.prompt([Message("user", "Who are you?")])
    assert (ids[:2], ids.count(1)) == ((1, 599), 1)


def test_biases_that_no_llama_has_are_refused(tmp_path):
    source = write_internlm3(tmp_path / "internlm3")
    told = json.loads((source / "config.json").read_text()) | {"qkv_bias": True}
    (source / "config.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match="biases on some projections only"):
        convert_folder(source, tmp_path / "llama", {}, lambda done, total: None)
