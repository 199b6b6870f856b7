"""Models as a stranger would send them: each is refused in a sentence, and nothing of it runs."""

from __future__ import annotations

import json
import os
import shutil
import time

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.dataset import Message
from core.errors import UserError
from core.models import shape
from core.render import SECONDS
from core.tokens import ChatTokenizer
from tests import bpe, internlm2, tiny
from tests.jobs.test_journey import core, write_job


class Evil:
    """Unpickled by `pickle`, it makes a file; every loader that makes it is caught."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return (os.system, (f"touch {self.mark}",))


def refused(home, model) -> str:
    """What the command line says of training on a model that it refuses."""
    config = write_job(home / "mine", model, max_epochs=1)
    done = core(home, "train", str(config), "--work-dir", str(home / "run"))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture
def llama(tmp_path, tiny_model):
    """A copy of the tiny model to spoil."""
    return shutil.copytree(tiny_model, tmp_path / "model")


@pytest.mark.parametrize("layout", ["llama", "internlm2"])
def test_a_pickle_that_runs_code_is_not_opened(tmp_path, tiny_model, layout):
    mark = tmp_path / "ran"
    folder = tmp_path / "model"
    if layout == "llama":
        shutil.copytree(tiny_model, folder)
        weights = load_file(folder / "model.safetensors")
        (folder / "model.safetensors").unlink()
    else:
        internlm2.write(folder, pickled=True)
        weights = internlm2.weights(internlm2.config())
    torch.save({**weights, "extra": Evil(mark)}, folder / "pytorch_model.bin")
    said = refused(tmp_path, folder)
    assert "holds more than weights" in said
    assert not mark.exists()
    assert not [p for p in (tmp_path / "models").iterdir() if not p.name.startswith(".prepare")]


def test_safetensors_are_preferred_and_a_pickle_beside_them_is_never_read(tmp_path, llama):
    mark = tmp_path / "ran"
    torch.save(Evil(mark), llama / "pytorch_model.bin")
    config = write_job(tmp_path / "mine", llama, max_epochs=1)
    done = core(tmp_path, "train", str(config), "--work-dir", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert not mark.exists()


def _with_code(folder, mark) -> None:
    for kind in ("configuration", "modeling", "tokenization"):
        (folder / f"{kind}_evil.py").write_text(f"open({str(mark)!r}, 'w')\n")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {
        "AutoConfig": "configuration_evil.Config",
        "AutoModelForCausalLM": "modeling_evil.Model",
    }
    (folder / "config.json").write_text(json.dumps(config))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings["auto_map"] = {"AutoTokenizer": ["tokenization_evil.T", "tokenization_evil.F"]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def test_code_that_comes_with_a_model_is_never_run(tmp_path, llama):
    mark = tmp_path / "ran"
    _with_code(llama, mark)
    config = write_job(tmp_path / "mine", llama, max_epochs=1)
    done = core(tmp_path, "train", str(config), "--work-dir", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert not mark.exists()


def test_a_model_that_needs_its_own_code_is_refused(tmp_path, llama):
    mark = tmp_path / "ran"
    _with_code(llama, mark)
    config = json.loads((llama / "config.json").read_text())
    config |= {"architectures": ["EvilForCausalLM"], "model_type": "evil"}
    (llama / "config.json").write_text(json.dumps(config))
    assert "EvilForCausalLM" in refused(tmp_path, llama)
    assert not mark.exists()


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}"
        "{% endfor %}{% endfor %}{% endfor %}",
        "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}"
        "{% endfor %}{{ n.x }}",
        "{{ 'a' * 9999999999 }}",
        "{% macro again() %}{{ again() }}{{ again() }}{% endmacro %}{{ again() }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append(1) }}",
        "{{ cycler.__init__.__globals__.os.system('touch MARK') }}",
        "{% include '/etc/passwd' %}",
        "{% for m in messages %}",
        "x" * 2_000_000,
    ],
    ids=["loops", "doubling", "product", "recursion", "python", "mutation", "globals", "include",
         "broken", "long"],
)  # fmt: skip
def test_a_hostile_template_only_fails_and_soon(tmp_path, template):
    mark = tmp_path / "ran"
    folder = tiny.write_model(tmp_path / "model", template=template.replace("MARK", str(mark)))
    began = time.process_time()
    with pytest.raises(UserError, match="template"):
        ChatTokenizer.load(folder).samples([Message("user", "Hi"), Message("assistant", "Yes")])
    assert time.process_time() - began < SECONDS  # the time was spent in the child, and bounded
    assert not mark.exists()


def test_an_endless_template_stops_a_training_before_it_begins(tmp_path):
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    folder = tiny.write_model(tmp_path / "model", template=loop)
    assert "takes too long" in refused(tmp_path, folder)


def test_a_template_fails_for_one_conversation_and_works_for_the_next(tmp_path):
    source = (
        "{% if messages[0].content == 'loop' %}{% for a in range(99999) %}"
        "{% for b in range(99999) %}{% endfor %}{% endfor %}{% endif %}" + bpe.CHATML
    )
    ours = ChatTokenizer.load(tiny.write_model(tmp_path / "model", template=source))
    with pytest.raises(UserError, match="takes too long"):
        ours.prompt([Message("user", "loop")])
    assert ours.prompt([Message("user", "Hi")])


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"num_hidden_layers": 10**9}, "num_hidden_layers = 1000000000"),
        ({"hidden_size": 10**12}, "hidden_size"),
        ({"vocab_size": -5}, "vocab_size"),
        ({"num_attention_heads": 0}, "num_attention_heads"),
        ({"num_key_value_heads": 3}, "heads cannot be grouped"),
        ({"head_dim": 10**7}, "head_dim"),
        ({"max_position_embeddings": 10**12}, "max_position_embeddings"),
        ({"num_hidden_layers": "many"}, "does not describe a text model"),
        ({"num_hidden_layers": None}, "does not describe a text model"),
        ({"architectures": [["x"]]}, "cannot train"),
        ({"architectures": "LlamaForCausalLM"}, "cannot train"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantised already"),
        ({"padding": "x" * 2**20}, "far too large"),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_a_config_of_absurd_sizes_is_refused(llama, changes, match):
    config = json.loads((llama / "config.json").read_text()) | changes
    (llama / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=match):
        shape(llama)


@pytest.mark.parametrize("text", ["[" * 100_000, "{", "[]", '"x"', "\udcff"], ids=range(5))
def test_a_config_that_is_no_config_is_refused(llama, text):
    (llama / "config.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match="cannot be read"):
        shape(llama)


def test_a_billion_layers_stop_the_command_line_with_one_sentence(tmp_path, llama):
    config = json.loads((llama / "config.json").read_text()) | {"num_hidden_layers": 10**9}
    (llama / "config.json").write_text(json.dumps(config))
    assert "which no model has" in refused(tmp_path, llama)


@pytest.mark.parametrize("spoil", ["missing", "shape", "cut", "index"])
def test_weights_that_are_not_whole_never_become_random_numbers(tmp_path, llama, spoil):
    file = llama / "model.safetensors"
    weights = load_file(file)
    name = "model.layers.1.mlp.up_proj.weight"
    if spoil == "missing":
        save_file({k: v for k, v in weights.items() if k != name}, file, {"format": "pt"})
    elif spoil == "shape":
        save_file({**weights, name: torch.zeros(3, 3)}, file, {"format": "pt"})
    elif spoil == "cut":
        file.write_bytes(file.read_bytes()[:-1000])
    else:
        table = {"weight_map": {name: "../../elsewhere.safetensors"}}
        (llama / "model.safetensors.index.json").write_text(json.dumps(table))
    config = write_job(tmp_path / "mine", llama, max_epochs=1)
    done = core(tmp_path, "train", str(config), "--work-dir", str(tmp_path / "run"))
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert any(word in done.stderr for word in ("not whole", "cannot be loaded", "lacks")), (
        done.stderr
    )


def test_heads_that_share_nothing_stop_the_command_line_with_one_sentence(tmp_path, llama):
    config = json.loads((llama / "config.json").read_text())
    config |= {"num_attention_heads": 10, "num_key_value_heads": 5, "head_dim": None}
    (llama / "config.json").write_text(json.dumps(config))
    assert "its heads cannot be grouped" in refused(tmp_path, llama)


def test_a_tokenizer_that_writes_numbers_its_model_does_not_know_is_refused(tmp_path, llama):
    told = json.loads((llama / "tokenizer.json").read_text())
    mark = next(token for token in told["added_tokens"] if token["content"] == "<|im_end|>")
    mark["id"] = 5_000
    told["model"]["vocab"]["<|im_end|>"] = 5_000
    (llama / "tokenizer.json").write_text(json.dumps(told))
    assert "writes the number 5,000, and its model knows only" in refused(tmp_path, llama)


def test_a_tokenizer_of_absurd_size_is_refused_unread(tmp_path, llama):
    with (llama / "tokenizer.json").open("r+b") as file:
        file.truncate(2**40)  # a hole: nothing is written
    assert "far too large" in refused(tmp_path, llama)


def test_a_tokenizer_model_of_absurd_size_is_refused_unread(tmp_path):
    folder = internlm2.write(tmp_path / "model")
    with (folder / "tokenizer.model").open("r+b") as file:
        file.truncate(2**40)
    assert "far too large" in refused(tmp_path, folder)


def test_a_damaged_tokenizer_is_refused(llama):
    (llama / "tokenizer.json").write_text('{"version": "1.0"')
    with pytest.raises(UserError, match=r"tokenizer\.json of model cannot be read"):
        ChatTokenizer.load(llama)


@pytest.mark.parametrize("raw", [b"", b"\x0a\xff\xff\xff\xff\x7f", b"\xff" * 40, os.urandom(3000)])
def test_a_damaged_tokenizer_model_is_refused(tmp_path, raw):
    folder = internlm2.write(tmp_path / "model")
    (folder / "tokenizer.model").write_bytes(raw)
    assert "cannot be read" in refused(tmp_path, folder)
