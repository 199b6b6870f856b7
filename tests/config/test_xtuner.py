"""XTuner's configs come over as data, every value accounted for; hostile ones are refused."""

import builtins
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.config import source
from core.config.diff import changes
from core.config.schema import Config
from core.config.xtuner import Imported, import_config
from core.config.xtuner_eval import Symbol, evaluate
from core.config.xtuner_reader import Note
from core.errors import UserError

FOLDER = Path(__file__).parent / "xtuner"
FIXTURES = {p.name.removesuffix(".py.txt"): p.read_text("utf-8") for p in FOLDER.glob("*.txt")}
ALPACA = FIXTURES["internlm2_1_8b_qlora_alpaca_e3"]


def _differences(imported: Imported) -> dict[str, object]:
    return {c.key: c.after for c in changes(Config(), imported.config)}


def _told(notes: tuple[Note, ...]) -> dict[str, str]:
    return {note.name: str(note.text) for note in notes}


def test_the_best_known_config_comes_over_with_its_counts_in_optimizer_steps() -> None:
    imported = import_config(ALPACA, "internlm2_1_8b_qlora_alpaca_e3.py")
    assert _differences(imported) == {
        "pretrained_model_name_or_path": "internlm/internlm2-1_8b",
        "data_path": "hf://datasets/tatsu-lab/alpaca",
        "prompt_template": "default",
        "max_length": 2048,
        "save_steps": 32,
        "evaluation_freq": 32,
        "evaluation_inputs": (
            "请给我介绍五个上海的景点",
            "Please tell me five scenic spots in Shanghai",
        ),
        "lora_dropout": 0.1,
        "format": "alpaca",
    }
    converted = _told(imported.converted)
    assert converted["default_hooks.checkpoint.interval"] == (
        "settings.save_steps = 32: 500 micro-batches, 16 to an optimizer step"
    )
    assert "float16 was asked for" in converted["optim_wrapper.dtype"]
    assert "never in training" in _told(imported.ignored)["custom_hooks.1.system"]
    assert imported.unknown == ()
    assert len(imported.taken) == 24


def test_the_tutorials_edits_arrive() -> None:
    imported = import_config(FIXTURES["personal_assistant"])
    found = _differences(imported)
    assert found["pretrained_model_name_or_path"] == "/root/ft/model"
    assert found["data_path"] == "/root/ft/data/personal_assistant.json"
    assert found["format"] == "messages"
    assert found["evaluation_freq"] == 19
    assert imported.config.settings.evaluation_inputs[1] == "你是谁"
    assert imported.unknown == ()


def test_a_config_dumped_into_a_work_dir_comes_over_too() -> None:
    imported = import_config(FIXTURES["dumped"])
    s, config = imported.config.settings, imported.config
    assert (s.lr, s.betas, s.weight_decay, s.max_norm) == (1e-4, (0.9, 0.95), 0.01, 0.5)
    assert (s.save_steps, s.save_total_limit, s.evaluation_freq) == (26, -1, 23)
    assert (s.warmup_ratio, s.SYSTEM, s.data_path) == (0.1, "You are Jo.", "mine.json")
    assert (s.batch_size, s.dataloader_num_workers, s.pack_to_max_length) == (2, 4, False)
    assert config.model.quantization == "none"
    assert config.model.lora_targets == "attention"
    assert config.model.compute_dtype == "bfloat16"
    assert (config.dataset.format, config.dataset.shuffle) == ("conversation", False)
    assert (config.optimizer.eta_min, config.runtime.seed) == (1e-6, 123)
    assert list(_told(imported.unknown)) == ["my_own_note"]


def test_what_is_not_offered_is_told_with_its_reason() -> None:
    imported = import_config(FIXTURES["odd_cases"])
    converted, ignored = _told(imported.converted), _told(imported.ignored)
    unknown = _told(imported.unknown)
    data = "train_dataloader.dataset.datasets.0"
    assert imported.config.settings.max_length == 1472
    assert imported.config.settings.accumulative_counts == 16
    assert imported.config.settings.lr == 1 / 40
    assert imported.config.settings.data_path == "./data/a.json"
    assert imported.config.optimizer.lr_schedule == "constant"
    assert "only the first is taken" in converted[data]
    assert "openassistant" in converted[f"{data}.template_map_fn.template"]
    assert "8 bits" in converted["model.llm.quantization_config"]
    assert "PagedAdamW32bit" in converted["optim_wrapper.optimizer.type"]
    assert "pictures" in ignored["model.visual_encoder"]
    assert "LLaVAModel" in ignored["model.type"]
    assert "not split over devices" in ignored["sequence_parallel_size"]
    assert "epochs" in ignored["train_cfg.max_iters"]
    assert "2000 is not possible for model.lora_r; 64 stays" in unknown["model.llm_lora.r"]
    assert "own_map_fn is not run" in unknown[f"{data}.dataset_map_fn"]
    assert {"model.llm.rope_magic", "spare"} <= set(unknown)


def test_datasets_joined_under_names_as_the_first_releases_wrote_them_are_read() -> None:
    for joined in ("datasets_cfg", "datasets_kwargs"):
        text = ALPACA.replace(
            "train_dataloader = dict(",
            f"other = dict(max_length=9)\n"
            f"joined = dict(type='ConcatDataset', {joined}=dict(en=alpaca_en, zh=other))\n"
            "train_dataloader = dict(",
        ).replace("dataset=alpaca_en", "dataset=joined")
        imported = import_config(text)
        assert imported.config.settings.data_path == "hf://datasets/tatsu-lab/alpaca"
        assert imported.config.dataset.format == "alpaca"
        place = f"train_dataloader.dataset.{joined}.en"
        assert "2 datasets were joined" in _told(imported.converted)[place]


TRAINER = """\
import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, Trainer, TrainingArguments
from xtuner.dataset import process_hf_dataset
from xtuner.dataset.map_fns import oasst1_map_fn, template_map_fn_factory
from xtuner.utils import PROMPT_TEMPLATE
framework = 'huggingface'
trainer = Trainer
training_args = dict(
    type=TrainingArguments, do_train=True, learning_rate=3e-4, weight_decay=0.1, bf16=True,
    lr_scheduler_type='linear', warmup_steps=100, per_device_train_batch_size=2, logging_steps=1,
    gradient_accumulation_steps=8, num_train_epochs=4, optim='paged_adamw_32bit', save_steps=1000,
    save_total_limit=7, ddp_find_unused_parameters=False)
model = dict(
    type=AutoModelForCausalLM.from_pretrained, pretrained_model_name_or_path='internlm/internlm-7b',
    trust_remote_code=True, torch_dtype=torch.float16,
    quantization_config=dict(type=BitsAndBytesConfig, load_in_4bit=True))
lora = dict(type=LoraConfig, r=32, lora_alpha=8, lora_dropout=0.2, task_type='CAUSAL_LM')
train_dataset = dict(
    type=process_hf_dataset, dataset=dict(type=load_dataset, path='a/b'), max_length=2048,
    dataset_map_fn=oasst1_map_fn,
    template_map_fn=dict(type=template_map_fn_factory, template=PROMPT_TEMPLATE.internlm_chat))
"""


def test_a_config_for_the_trainer_of_transformers_comes_over_in_its_own_counts() -> None:
    imported = import_config(TRAINER)
    s, config = imported.config.settings, imported.config
    assert (s.pretrained_model_name_or_path, s.data_path) == (
        "internlm/internlm-7b",
        "hf://datasets/a/b",
    )
    assert (s.lr, s.weight_decay, s.max_epochs, s.batch_size) == (3e-4, 0.1, 4, 2)
    assert (s.accumulative_counts, s.save_steps, s.save_total_limit) == (8, 1000, 7)
    assert (s.prompt_template, config.dataset.format) == ("internlm_chat", "oasst1")
    assert (config.model.lora_r, config.model.lora_alpha, config.model.lora_dropout) == (32, 8, 0.2)
    assert (config.model.quantization, config.model.compute_dtype) == ("nf4", "bfloat16")
    assert config.optimizer.lr_schedule == "linear"
    assert "warmup_ratio" in _told(imported.ignored)["training_args.warmup_steps"]
    assert imported.unknown == ()
    eight = TRAINER.replace("load_in_4bit", "load_in_8bit").replace("fp4", "nf4")
    assert import_config(eight).config.model.quantization == "nf4"


def test_a_template_that_is_not_known_becomes_one_that_the_model_can_use() -> None:
    for model, template, ours in (
        ("internlm/internlm-7b", "alpaca", "default"),
        ("someone/their-chat", "alpaca", "auto"),
        ("internlm/internlm2-1_8b", "openassistant", "default"),
        ("Qwen/Qwen2.5-7B-Instruct", "openassistant", "auto"),
        ("lmsys/vicuna-7b-v1.5", "vicuna", "vicuna"),
        ("deepseek-ai/deepseek-coder-6.7b-base", "deepseekcoder", "deepseek_coder"),
        ("meta-llama/Llama-2-7b-chat-hf", "llama_2_chat", "llama2_chat"),
    ):
        text = ALPACA.replace("internlm/internlm2-1_8b", model).replace(
            "PROMPT_TEMPLATE.default", f"PROMPT_TEMPLATE.{template}"
        )
        assert import_config(text).config.settings.prompt_template == ours


def test_functions_that_cannot_be_offered_say_why_and_moss_is_read() -> None:
    for name in ("llava", "llava_image_only", "pretrain", "msagent_react"):
        text = ALPACA.replace("alpaca_map_fn", f"{name}_map_fn")
        told = _told(import_config(text).ignored)
        assert "here" in told["train_dataloader.dataset.dataset_map_fn"]
    moss = (
        "from xtuner.dataset import MOSSSFTDataset\nlr = 1e-4\nbot_name = 'MOSS'\n"
        "train_dataset = dict(type=MOSSSFTDataset, data_file='./moss.jsonl', max_length=2048)\n"
        "train_dataloader = dict(batch_size=1, dataset=train_dataset)\n"
    )
    config = import_config(moss).config
    assert (config.settings.data_path, config.dataset.format) == ("./moss.jsonl", "moss")


def test_preference_training_is_ignored_with_its_reason() -> None:
    text = ALPACA.replace("type=SupervisedFinetune,", "type=DPO, loss_type='sigmoid', beta=0.1,")
    text = text.replace("import SupervisedFinetune", "import DPO")
    ignored = _told(import_config(text).ignored)
    assert "DPO is not offered" in ignored["model.type"]
    assert "preferences" in ignored["model.loss_type"]


def test_a_note_names_the_line_of_the_very_value() -> None:
    text = FIXTURES["odd_cases"]
    unknown = {note.name: note for note in import_config(text).unknown}
    for name in ("model.llm.rope_magic", "model.llm_lora.r", "spare"):
        line = unknown[name].line
        assert line and f"{name.rpartition('.')[2]}" in text.splitlines()[line - 1]
        assert str(unknown[name].sentence).startswith(f"Line {line}, {name}: ")


def test_every_note_names_a_line_of_the_file_and_is_told_in_chinese() -> None:
    for text in FIXTURES.values():
        imported = import_config(text)
        for note in (*imported.taken, *imported.converted, *imported.ignored, *imported.unknown):
            assert note.line is None or 1 <= note.line <= len(text.splitlines())
            assert note.text.render("zh")
        assert source.parse(source.dump(imported.config)) == imported.config


def test_changing_any_one_value_arrives_in_the_config() -> None:
    for line, new, part, key, value in (
        ("lr = 2e-4", "lr = 1e-3", "settings", "lr", 1e-3),
        ("r=64,", "r=8,", "model", "lora_r", 8),
        ("load_in_4bit=True", "load_in_4bit=False", "model", "quantization", "none"),
        ("max_norm = 1\n", "max_norm = 0.3\n", "settings", "max_norm", 0.3),
        ("warmup_ratio = 0.03", "warmup_ratio = 0.1", "settings", "warmup_ratio", 0.1),
        ("seed=None", "seed=7", "runtime", "seed", 7),
        ("sequence_parallel_size = 1", "sequence_parallel_size = 2", "settings", "batch_size", 1),
        ("'nf4'", "'fp4'", "model", "quantization", "nf4"),
        ("use_varlen_attn = False", "use_varlen_attn = True", "settings", "max_length", 2048),
        ("type=CosineAnnealingLR", "type='ConstantLR'", "optimizer", "lr_schedule", "constant"),
    ):
        assert ALPACA.count(line) >= 1
        config = import_config(ALPACA.replace(line, new, 1)).config
        assert getattr(getattr(config, part), key) == value


HOSTILE = {
    "a call": "import os\nos.system('touch owned')",
    "a call in a value": "import os\nmodel = os.system('touch owned')",
    "an import by call": "model = __import__('os').system('touch owned')",
    "open": "model = open('/etc/passwd').read()",
    "eval": "model = eval('1')",
    "comprehension": "model = [x for x in (1, 2)]",
    "generator": "model = dict(a=(x for x in (1,)))",
    "lambda": "model = lambda: 1",
    "f-string": "model = f'{1}'",
    "walrus": "model = (x := 1)",
    "subscript": "model = 'abc'[0]",
    "star": "model = [*'abc']",
    "double star": "model = dict(**{'a': 1})",
    "dunder": "import torch\nmodel = torch.__class__",
    "attribute of a value": "model = ''.join",
    "function": "def model(): pass",
    "class": "class model: pass",
    "try": "try:\n    model = 1\nexcept Exception:\n    pass",
    "for": "for model in (1,): pass",
    "while": "while True: pass",
    "with": "with open('x') as f: pass",
    "decorated read_base": "with read_base():\n    model = 1",
    "delete": "model = 1\ndel model",
    "assert": "assert False",
    "global": "global model",
    "star import": "from os import *",
    "base": "_base_ = 'other.py'",
    "tuple target": "a, b = 1, 2",
    "attribute target": "import torch\ntorch.x = 1",
    "power": "model = 9**9**9",
    "power of power": "model = (9**15)**16",
    "repeated text": "model = 'a' * 10**9",
    "repeated list": "model = [0] * 10**9",
    "huge number": "model = " + "9" * 5000,
    "huge float": "model = 1e999",
    "complex": "model = 1j",
    "bytes": "model = b'a'",
    "zero division": "model = 1 / 0",
    "negative root": "model = (0 - 8) ** 0.5",
    "shift": "model = 1 << 10**9",
    "unknown name": "model = nothing",
    "ten megabytes of brackets": "model = " + "[" * 10_000_000,
    "ten megabytes": "model = '" + "a" * 10_000_000 + "'",
    "nesting": "model = " + "(" * 5000 + "1" + ")" * 5000,
    "lists": "model = " + "[" * 90 + "]" * 90,
    "minuses": "model = " + "-" * 100_000 + "1",
    "nots": "model = " + "not " * 3000 + "1",
    "sums": "model = " + "+".join(["1"] * 50_000),
    "short sums": "model = " + "+".join(["1"] * 1500),
    "dots": "import torch\nmodel = torch" + ".a" * 100_000,
    "elifs": "if 0:\n    a = 1\n" + "elif 0:\n    a = 1\n" * 10_000,
    "ifs": "".join(" " * i + "if 1:\n" for i in range(90)) + " " * 90 + "a = 1",
    "doubling lists": "a = [1, 1]\n" + "a = [a, a]\n" * 60,
    "doubling texts": "a = 'ab'\n" + "a = a + a\n" * 60,
    "many copies": "a = [" + "1," * 1500 + "]\n" + "".join(f"b{i} = a\n" for i in range(3000)),
    "many values": "a = dict(" + ",".join(f"k{i}=1" for i in range(900)) + ")\n"
    + "model = [" + "a," * 100 + "]",
    "null": "model = 1\x00",
    "not python": "settings:\n  lr: 1",
    "empty": "",
    "open quote": "model = '''",
    "bad indent": "model = 1\n  x = 2",
    "half characters": "model = '\\ud800'\npretrained_model_name_or_path = '\\udfff'\nx =",
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_anything_but_data_is_refused_within_a_second(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    with pytest.raises(UserError) as caught:
        import_config(HOSTILE[what], "theirs.py")
    assert time.process_time() - start < 1
    assert len(str(caught.value)) < 400
    assert "theirs.py" in str(caught.value) or what == "many values"
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_names_the_line() -> None:
    with pytest.raises(UserError, match=r"Line 3 of x\.py: it calls system\(\)"):
        import_config("lr = 1\nimport os\nos.system('x')", "x.py")


def test_data_is_worked_out_with_names_sums_and_conditions() -> None:
    module = evaluate(
        "import torch\nfrom a.b import c as d\nx: int = 2\ny = z = [x, d, torch.float16]\n"
        "if x > 1 and not x == 3:\n    y += [dict(n=-x, t=(1, None))]\nelse:\n    bad()\n"
        "w = 'a' if x is None else {'k-k': 'a' + 'b', 'm': round(7 / 2) // 1 % 3}\n",
        "x.py",
    )
    assert module.values["y"] == [
        2, Symbol("a.b.c"), Symbol("torch.float16"), {"n": -2, "t": (1, None)}
    ]  # fmt: skip
    assert module.values["w"] == {"k-k": "ab", "m": 1}
    assert module.values["z"] == [2, Symbol("a.b.c"), Symbol("torch.float16")]


TOKENS = (
    "[ ] ( ) { } , = : . ** * + - / 'a' 1 0 1e9 None True dict lr model tokenizer lambda import "
    "os from if else for in \n"
).split(" ")


@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), many=st.integers(1, 6), which=st.sampled_from(sorted(FIXTURES)))
def test_mutated_configs_raise_nothing_but_user_errors_and_import_nothing(
    seed: int, many: int, which: str
) -> None:
    draw, text = random.Random(seed), FIXTURES[which]
    for _ in range(many):
        at = draw.randrange(len(text))
        until = at + draw.choice((0, 0, 1, 5, 40))
        other = draw.randrange(len(text))
        piece = draw.choice((draw.choice(TOKENS), text[other : other + 30], ""))
        text = text[:at] + piece + text[until:]
    loaded, before = set(sys.modules), builtins.__import__
    try:
        builtins.__import__ = _no_import
        imported = import_config(text)
    except UserError:
        imported = None
    finally:
        builtins.__import__ = before
    assert not {"torch", "transformers", "mmengine", "xtuner"} & (set(sys.modules) - loaded)
    if imported:
        assert source.parse(source.dump(imported.config, comments=None)) == imported.config


def _no_import(name: str, *rest: object, **more: object) -> object:
    if name.partition(".")[0] in ("torch", "transformers", "mmengine", "xtuner", "datasets", "os"):
        raise AssertionError(f"{name} was imported")
    return _IMPORT(name, *rest, **more)  # type: ignore[arg-type]


_IMPORT = builtins.__import__


def test_reading_a_config_loads_no_library_of_the_engine() -> None:
    code = (
        "import sys; from core.config import xtuner, source, catalog, lint, commands; "
        "xtuner.import_config(open(sys.argv[1]).read()); "
        "print([m for m in ('torch', 'transformers', 'gradio', 'datasets') if m in sys.modules])"
    )
    path = FOLDER / "internlm2_1_8b_qlora_alpaca_e3.py.txt"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
