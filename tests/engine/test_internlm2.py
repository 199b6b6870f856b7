"""InternLM2 without its repository's code: the same logits, the same ids, there and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import sentencepiece
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.dataset import Message
from core.engine import internlm2
from core.engine.cache import Cache
from core.engine.convert import convert_folder
from core.engine.decoder import decoder_of
from core.engine.shards import Weights, write
from core.errors import UserError
from core.models import folder, ready
from core.tokens import ChatTokenizer
from tests import internlm2 as real

ROOT = Path(__file__).parent.parent.parent
TALK = (
    Message("user", "Who are you?"),
    Message("assistant", "I am Nova."),
    Message("user", "你是谁？"),
    Message("assistant", "我是小星。"),
)


def converted(source: Path, target: Path) -> Path:
    """The folder after its conversion."""
    convert_folder(source, target, {"made": "here"}, lambda done, total: None)
    return target


def difference(source: Path, target: Path, length: int) -> float:
    """Largest difference of logits between the paper's network and the converted one."""
    told = json.loads((source / "config.json").read_text())
    ids = torch.randint(
        0, told["vocab_size"], (length,), generator=torch.Generator().manual_seed(1)
    )
    model = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32)
    with torch.no_grad():
        theirs = model(input_ids=ids[None]).logits[0]
    return float((theirs - real.logits(told, real.weights(told), ids)).abs().max())


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_key_value_heads": 8},
        {"num_key_value_heads": 1},
        {"num_key_value_heads": 4, "bias": True},
        {"bias": True, "tie_word_embeddings": True},
        {"model_type": "internlm"},
        {"rope_scaling": None, "rope_theta": 10000},
        {"rope_scaling": {"type": "dynamic", "factor": 1.0}},
        {"shards": 3},
        {"pickled": True},
        {"pickled": True, "shards": 2},
    ],
    ids=lambda c: " ".join(f"{k}={v}" for k, v in c.items()) or "plain",
)
def test_logits_are_those_of_the_paper_also_beyond_the_trained_length(tmp_path, changes):
    source = real.write(tmp_path / "internlm", **changes)
    target = converted(source, tmp_path / "llama")
    assert difference(source, target, 60) < 1e-5
    if changes.get("rope_scaling", True):
        assert difference(source, target, 150) < 1e-5
    assert {p.suffix for p in target.iterdir()} <= {".json", ".safetensors", ".jinja", ""}


@pytest.mark.parametrize("changes", [{}, {"num_key_value_heads": 1}, {"bias": True}], ids=str)
def test_there_and_back_is_the_identity(tmp_path, changes):
    source = real.write(tmp_path / "internlm", shards=2, **changes)
    target = converted(source, tmp_path / "llama")
    told = json.loads((source / "config.json").read_text())
    back = tmp_path / "back"
    back.mkdir()
    llama = Weights(target)
    write(llama, internlm2.from_llama(iter(llama), told), back, lambda done, total: None)
    assert _equal(load_file(back / "model.safetensors"), real.weights(told))


def _equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_the_fast_decoder_knows_a_converted_model_with_biases(tmp_path):
    target = converted(real.write(tmp_path / "internlm", bias=True), tmp_path / "llama")
    model = AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32).requires_grad_(False)
    ids = torch.arange(40)[None] + 3
    wanted = model(input_ids=ids).logits[0, -1]
    decoder = decoder_of(model)
    assert decoder is not None
    with torch.inference_mode():
        found = Cache(decoder, 64).next_logits(ids, torch.arange(40)[None], None)[0]
    assert torch.allclose(found, wanted, atol=1e-4)


@pytest.fixture(scope="module")
def real_size(tmp_path_factory):
    """A tokenizer of InternLM2's real 92,544 pieces, with a model of one narrow layer."""
    root = tmp_path_factory.mktemp("real")
    source = real.write(
        root / "internlm", vocab_size=92_544, num_hidden_layers=1, hidden_size=16,
        num_attention_heads=2, num_key_value_heads=1, intermediate_size=16,
    )  # fmt: skip
    return source, converted(source, root / "llama")


def test_the_six_chat_specials_sit_where_the_real_model_has_them(real_size):
    _, target = real_size
    ours = ChatTokenizer.load(target)
    found = {text: ours.tokenizer.token_to_id(text) for text in real.CHAT}
    assert found == dict(zip(real.CHAT, range(92_538, 92_544), strict=True))
    assert ours.tokenizer.get_vocab_size() == 92_544
    assert ours.stop_ids == (92_542, 2)
    settings = json.loads((target / "generation_config.json").read_text())
    assert settings["eos_token_id"] == [2, 92_542]


def test_ids_equal_those_of_sentencepiece(real_size):
    source, target = real_size
    spm = sentencepiece.SentencePieceProcessor(model_file=str(source / "tokenizer.model"))
    ours = ChatTokenizer.load(target).tokenizer
    texts = [
        *real.TEXT,
        *("", " ", "  two  spaces ", "\n\n\t", "naïve café", "𝄞 🎼 emoji", "▁under▁", "a" * 300),
        *("你好，世界！", "mixed 中文 and English 123", "[UNUSED_TOKEN_3] stays", "<0x41> <s> x"),
    ]
    for text in texts:
        if "<s>" not in text:  # SentencePiece never takes a control piece from a text
            assert ours.encode(text, add_special_tokens=False).ids == spm.encode(text), text
            assert ours.decode(spm.encode(text), skip_special_tokens=False) == (
                spm.decode(spm.encode(text))
            )
    assert ours.encode("<|im_start|>", add_special_tokens=False).ids == [92_543]


def test_a_conversation_begins_once_and_teaches_only_answers_and_their_ends(real_size):
    source, target = real_size
    ours = ChatTokenizer.load(target)
    spm = sentencepiece.SentencePieceProcessor(model_file=str(source / "tokenizer.model"))
    newline, start, end = spm.encode("\n"), [92_543], [92_542]
    asked = [*start, *spm.encode("user\nWho are you?"), *end, *newline]
    opening = [*start, *spm.encode("assistant\n")]
    row = ours.encode(TALK[:2])
    assert list(row.ids) == [1, *asked, *opening, *spm.encode("I am Nova."), *end, *newline]
    learned = [t for t, on in zip(row.ids, row.learned, strict=True) if on]
    assert learned == [*spm.encode("I am Nova."), *end]
    assert ours.encode(TALK).ids.count(1) == 1


@pytest.mark.parametrize("template", ["auto", "internlm2_chat"])
def test_transformers_gives_the_same_ids_to_the_converted_folder(real_size, template):
    _, target = real_size
    theirs = AutoTokenizer.from_pretrained(target)
    ours = ChatTokenizer.load(target, template)
    plain = [{"role": m.role, "content": m.content} for m in TALK]
    whole = theirs.apply_chat_template(plain, tokenize=True, return_dict=True)["input_ids"]
    assert list(ours.encode(TALK).ids) == whole
    assert theirs("Who are you?")["input_ids"] == ours.tokenizer.encode("Who are you?").ids
    assert theirs("Who are you?")["input_ids"][0] == 1


def test_a_base_model_gets_no_chat_specials_and_no_template(tmp_path):
    target = converted(real.write(tmp_path / "internlm", chat=False), tmp_path / "llama")
    with pytest.raises(UserError, match="brings no prompt template"):
        ChatTokenizer.load(target)
    named = ChatTokenizer.load(target, "default")
    text = named.decode(named.encode(TALK[:2]).ids, special=True)
    assert text == "<s><|User|>:Who are you?\n<|Bot|>:I am Nova.</s>\n"
    assert named.stop_ids == (2,)


def test_a_folder_is_converted_into_the_workspace_and_again_when_it_changes(tmp_path, settings):
    source = real.write(tmp_path / "internlm")
    name = str(source)
    assert not ready(settings, name)
    done = _prepare(settings.home, name)
    assert done.returncode == 0, done.stderr
    assert ready(settings, name)
    assert folder(settings, name).parent == settings.models
    os.utime(source / "config.json")
    assert not ready(settings, name)


def test_a_conversion_killed_in_the_middle_leaves_nothing_that_looks_complete(tmp_path, settings):
    source = real.write(tmp_path / "internlm")
    code = (
        "import os, sys, signal; from core.engine import shards; real = shards._header\n"
        "def die(tensors):\n"
        "    head = real(tensors); os.kill(os.getpid(), signal.SIGKILL); return head\n"
        "shards._header = die\n"
        "from core.jobs.prepare import main; main(sys.argv[1:])"
    )
    job = settings.models / ".prepare"
    job.mkdir(parents=True)
    died = subprocess.run(
        [sys.executable, "-c", code, str(job), str(source)],
        cwd=ROOT,
        env={**os.environ, "STUDIO_HOME": str(settings.home)},
        capture_output=True,
    )
    assert died.returncode == -9
    left = [p for p in settings.models.iterdir() if p != job]
    assert left and all(p.name.startswith(".") and not (p / "done").exists() for p in left)
    assert not ready(settings, str(source))
    assert _prepare(settings.home, str(source)).returncode == 0
    assert ready(settings, str(source))
    assert not [p for p in settings.models.glob(".*") if p.name.endswith(".part")]


@pytest.mark.parametrize(
    "how", [{}, {"shards": 3}, {"shards": 2, "pickled": True}], ids=["whole", "sharded", "bin"]
)
def test_a_conversion_takes_less_memory_than_a_third_more_than_the_largest_shard(tmp_path, how):
    source = real.write(
        tmp_path / "internlm", vocab_size=600, hidden_size=1024, intermediate_size=4096,
        num_hidden_layers=8 if how == {} else 16, **how,
    )  # fmt: skip
    shard = max(f.stat().st_size for f in source.iterdir())
    # Not ru_maxrss: a process begins with that of the one that started it.
    code = (
        "import re, sys, torch, transformers; from pathlib import Path\n"
        "from core.engine.convert import convert_folder\n"
        "def peak():\n"
        "    told = Path('/proc/self/status').read_text()\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+)', told)[1]) * 1024\n"
        "before = peak()\n"
        "convert_folder(Path(sys.argv[1]), Path(sys.argv[2]), {}, lambda done, total: None)\n"
        "print(peak() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(source), str(tmp_path / "llama")],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert shard > 250e6
    assert int(done.stdout) / shard < 1.3


def test_weights_that_do_not_fit_their_config_are_refused(tmp_path):
    source = real.write(tmp_path / "internlm")
    told = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**told, "num_hidden_layers": 3}))
    with pytest.raises(UserError, match=r"do not fit its config.json: model.layers.2"):
        converted(source, tmp_path / "llama")
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("scaling", [None, {"type": "dynamic", "factor": 2.0}], ids=str)
def test_a_fused_projection_that_cannot_be_shared_among_the_heads_is_refused(tmp_path, scaling):
    source = real.write(tmp_path / "internlm", rope_scaling=scaling)
    told = json.loads((source / "config.json").read_text())
    told |= {"num_attention_heads": 32, "num_key_value_heads": 2}
    (source / "config.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match=r"do not fit its config.json"):
        converted(source, tmp_path / "llama")


def test_a_special_token_that_would_get_another_number_is_refused(tmp_path):
    source = real.write(tmp_path / "internlm")
    told = json.loads((source / "tokenizer_config.json").read_text())
    told["added_tokens_decoder"]["700"] = {"content": "<|far|>", "special": True}
    (source / "tokenizer_config.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match=r"<\|far\|> stands apart"):
        converted(source, tmp_path / "llama")


def test_a_folder_without_its_tokenizer_model_says_which_file_it_lacks(tmp_path):
    source = real.write(tmp_path / "internlm")
    (source / "tokenizer.model").unlink()
    (source / "tokenizer.json").write_text("{}")
    with pytest.raises(UserError, match=r"has no tokenizer\.model"):
        converted(source, tmp_path / "llama")


def _prepare(home: Path, model: str) -> subprocess.CompletedProcess:
    job = home / "models" / ".prepare"
    job.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "core.jobs.prepare", str(job), model],
        cwd=ROOT,
        env={**os.environ, "STUDIO_HOME": str(home)},
        capture_output=True,
        text=True,
    )
