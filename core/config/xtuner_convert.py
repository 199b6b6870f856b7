"""What must be converted between XTuner's way and ours: counting, numbers, data, templates."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from core.config.cards import card_of
from core.config.xtuner_eval import Symbol
from core.config.xtuner_names import MAP_FUNCTIONS, NOT_OFFERED, WITH_SYSTEM
from core.config.xtuner_reader import JOINED, Reader, last_name
from core.errors import text
from core.templates import NAMED

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w-]*/[\w.-]+")
_CHAT: Final = re.compile(r"chat|instruct|[-_]it\b|[-_]sft\b", re.IGNORECASE)
_OTHER_NAMES: Final = {
    "deepseekcoder": "deepseek_coder",
    "llama_2_chat": "llama2_chat",
    "chatglm": "chatglm2",
}
"""Templates that XTuner has renamed."""
_ATTENTION: Final = frozenset(
    ("q_proj", "k_proj", "v_proj", "o_proj", "qkv_proj", "wqkv", "wo", "W_pack", "query_key_value")
)


def convert(reader: Reader) -> None:
    """Read everything that is not simply taken."""
    _kind(reader)
    _bits(reader)
    _numbers(reader)
    _targets(reader)
    _template(reader)
    _data(reader)
    _system(reader)
    _steps(reader)
    _optimizer(reader)
    _schedule(reader)


def _kind(reader: Reader) -> None:
    kind = last_name(reader.pop("model.type")[1])
    if kind not in ("", "SupervisedFinetune", "from_pretrained"):
        why = text("{kind} is not offered; its language model learns from answers", kind=kind)
        reader.ignore("model.type", why)
    if reader.at("{llm}") is not None and reader.at("{lora}") is None:
        why = text("full training is not offered; an adapter (LoRA) is trained instead")
        reader.convert("model.lora", why)


def _bits(reader: Reader) -> None:
    bits = reader.at("{bits}")
    four = isinstance(bits, dict) and bits.get("load_in_4bit") is True
    eight = isinstance(bits, dict) and bits.get("load_in_8bit") is True
    path = "{bits}"
    if reader.pop("{llm}.load_in_8bit")[1] is True:
        path, eight = "{llm}.load_in_8bit", True
    if eight and not four:
        reader.take(("model", "quantization"), "nf4", path, text("8 bits are not offered, 4 are"))
    elif four and bits.get("bnb_4bit_quant_type", "nf4") != "nf4":
        reader.take(("model", "quantization"), "nf4", path, text("the better 4-bit type is used"))
    elif four or reader.at("{llm}") is not None:
        reader.take(("model", "quantization"), "nf4" if four else "none", path)
    reader.done("{bits}")


def _numbers(reader: Reader) -> None:
    path, wrapped = reader.pop("optim_wrapper.dtype")
    for key, name in (("training_args.bf16", "bfloat16"), ("training_args.fp16", "float16")):
        found, on = reader.pop(key)
        path, wrapped = (found, name) if on is True else (path, wrapped)
    loaded = reader.pop("{llm}.torch_dtype")[1]
    kind = last_name(wrapped if wrapped is not None else loaded)
    place = ("model", "compute_dtype")
    if kind in ("bfloat16", "float32"):
        reader.take(place, kind, path)
    elif kind:
        why = text("{kind} was asked for; the best of this machine is used", kind=kind)
        reader.take(place, "auto", path, why)


def _targets(reader: Reader) -> None:
    path, targets = reader.pop("{lora}.target_modules")
    if isinstance(targets, list | tuple):
        names = {str(t) for t in targets}
        only = bool(names) and names <= _ATTENTION
        why = text("layers are chosen by kind here, not by name")
        reader.take(("model", "lora_targets"), "attention" if only else "all-linear", path, why)


def _template(reader: Reader) -> None:
    path, value = reader.pop("{data}.template_map_fn.template", "prompt_template")
    reader.done("{chat}.prompt_template")
    if value is None:
        return
    name = last_name(value)
    name = _OTHER_NAMES.get(name, name)
    if name in NAMED:
        reader.take(("settings", "prompt_template"), name, path)
    elif _talks(str(reader.found.get(("settings", "pretrained_model_name_or_path"), ""))):
        why = text("the template “{name}” is not known here; the model's own is used", name=name)
        reader.take(("settings", "prompt_template"), "auto", path, why)
    else:
        why = text("the template “{name}” is not known here; a plain one is used", name=name)
        reader.take(("settings", "prompt_template"), "default", path, why)


def _talks(model: str) -> bool:
    """Whether a model of that name is tuned to talk, and so brings a template of its own."""
    card = card_of(model)
    return card.chat if card else bool(_CHAT.search(model))


def _data(reader: Reader) -> None:
    parent = reader.places["{data}"].rpartition(".")[0]
    others = reader.at(parent) if parent.endswith(JOINED) else None
    if isinstance(others, list | tuple | dict) and len(others) > 1:
        why = text("{count} datasets were joined; only the first is taken", count=len(others))
        reader.convert("{data}", why)
    _path(reader)
    _rows(reader)
    _, limit = reader.pop("{data}.max_dataset_length")
    if limit is not None:
        why = text("the first rows are taken, not random ones")
        reader.take(("dataset", "max_rows"), limit, "{data}.max_dataset_length", why)


def _path(reader: Reader) -> None:
    place, source = ("settings", "data_path"), "{data}.dataset"
    if last_name(reader.at("{data}.type")) == "MOSSSFTDataset":
        source, path = "{data}.data_file", reader.at("{data}.data_file")
        if path is not None:
            reader.take(place, path, source)
            why = text("what {name} reads", name="MOSSSFTDataset")
            reader.take(("dataset", "format"), "moss", "{data}.type", why)
        reader.done(source)
        return
    whole = reader.at("{data}.dataset")
    path = whole if isinstance(whole, str) else reader.at("{data}.dataset.path")
    if path in ("json", "csv", "parquet", "text"):
        files: Any = reader.at("{data}.dataset.data_files")
        files = files.get("train") if isinstance(files, dict) else files
        if isinstance(files, list | tuple) and files:
            why = text("{count} files were joined; only the first is taken", count=len(files))
            reader.take(place, files[0], source, why if len(files) > 1 else None)
        elif files is not None:
            reader.take(place, files, source)
    elif isinstance(path, str) and _HUB_ID.fullmatch(path):
        why = text("a dataset of the Hugging Face Hub is written so here")
        reader.take(place, f"hf://datasets/{path}", source, why)
    elif path is not None:
        reader.take(place, path, source)
    reader.done(source)


def _rows(reader: Reader) -> None:
    path = "{data}.dataset_map_fn"
    data = reader.at("{data}")
    function = reader.at(path)
    reader.done(path)
    if not isinstance(data, dict):
        return
    if function is None:
        if "dataset_map_fn" in data:
            why = text("rows in XTuner's own form")
            reader.take(("dataset", "format"), "conversation", path, why)
        return
    name = last_name(function)
    if name in NOT_OFFERED:
        reader.ignore(path, NOT_OFFERED[name])
        return
    if name not in MAP_FUNCTIONS:
        why = text("the function {name} is not run; the layout is found from the data", name=name)
        reader.puzzle(path, why)
        return
    for key, value in MAP_FUNCTIONS[name].items():
        reader.take(("dataset", key), value, path, text("what {name} reads", name=name))
    if name in WITH_SYSTEM:
        why = text("{name} adds a system text; write your own as SYSTEM", name=name)
        reader.ignore(path, why)


def _system(reader: Reader) -> None:
    path, value = reader.pop("{chat}.system", "SYSTEM")
    if isinstance(value, str) and "SYSTEM_TEMPLATE" in value:
        value = Symbol(value)
    if isinstance(value, Symbol):
        why = text("{name} stood only in sample questions, never in training", name=value.last)
        reader.ignore(path, why)
    elif isinstance(value, str) and value:
        why = text("XTuner put it before sample questions only; here also before each row")
        reader.take(("settings", "SYSTEM"), value, path, why)


def _steps(reader: Reader) -> None:
    path, found = reader.pop(
        "optim_wrapper.accumulative_counts",
        "training_args.gradient_accumulation_steps",
        "accumulative_counts",
    )
    count = found if isinstance(found, int) and found > 0 else 1
    split = reader.at("sequence_parallel_size")
    if isinstance(split, int) and split > 1:
        why = text("divided by sequence_parallel_size, as long texts are not split over devices")
        reader.take(("settings", "accumulative_counts"), max(1, count // split), path, why)
        reader.ignore("sequence_parallel_size", text("long texts are not split over devices"))
    elif found is not None:
        reader.take(("settings", "accumulative_counts"), found, path)
    else:  # XTuner steps after every micro-batch where nothing else is said
        reader.take(("settings", "accumulative_counts"), 1, path)
    path, every = reader.pop("training_args.save_steps")
    if every is not None:  # transformers' Trainer counts optimizer steps, as the studio does
        reader.take(("settings", "save_steps"), every, path)
    _, by_epoch = reader.pop("default_hooks.checkpoint.by_epoch")
    reader.done("default_hooks.checkpoint.type")
    for key, *paths in (
        ("save_steps", "default_hooks.checkpoint.interval", "save_steps"),
        ("evaluation_freq", "{chat}.every_n_iters", "evaluation_freq"),
    ):
        place = ("settings", key)
        path, every = reader.pop(*paths)
        if not isinstance(every, int | float) or isinstance(every, bool):
            continue
        if key == "save_steps" and by_epoch is True:
            reader.take(place, -1, path, text("it counted epochs; the end of the run is saved"))
        elif every <= 0:
            reader.take(place, -1, path)
        else:
            why = text(
                "{every:g} micro-batches, {count} to an optimizer step", every=every, count=count
            )
            reader.take(place, math.ceil(every / count), path, why if count > 1 else None)


def _optimizer(reader: Reader) -> None:
    path, kind = reader.pop("optim_wrapper.optimizer.type", "training_args.optim", "optim_type")
    if kind is not None and last_name(kind) not in ("AdamW", "adamw_torch"):
        why = text("{kind} is not offered", kind=last_name(kind) or str(kind)[:40])
        reader.take(("optimizer", "optim_type"), "AdamW", path, why)
    path, iterations = reader.pop("train_cfg.max_iters")
    if iterations is not None:
        why = text("training is counted in epochs here: set settings.max_epochs")
        reader.ignore(path, why)


def _schedule(reader: Reader) -> None:
    found = reader.at("param_scheduler")
    if found is None and reader.at("training_args") is not None:
        _plain_schedule(reader)
        return
    items = [found] if isinstance(found, dict) else found
    items = [x for x in items if isinstance(x, dict)] if isinstance(items, list | tuple) else []
    reader.done("param_scheduler")
    course, ratio = "constant", 0.0
    for number, item in enumerate(items):
        path = f"param_scheduler.{number}"
        kind = last_name(item.get("type"))
        if kind == "LinearLR" and item.get("end_factor", 1.0) == 1.0:
            ratio = _ratio(reader, item)
            if "start_factor" in item:
                place = ("optimizer", "warmup_start_factor")
                reader.take(place, item["start_factor"], f"{path}.start_factor")
        elif kind in ("LinearLR", "PolyLR"):
            course = "linear"
        elif kind == "CosineAnnealingLR":
            course = "cosine"
            if "eta_min" in item:
                reader.take(("optimizer", "eta_min"), item["eta_min"], f"{path}.eta_min")
        elif kind != "ConstantLR":
            course = "cosine"
            reader.convert(path, text("{kind} is not offered; cosine is used", kind=kind or "–"))
    reader.take(("optimizer", "lr_schedule"), course, "param_scheduler")
    reader.take(("settings", "warmup_ratio"), ratio, "warmup_ratio")


def _plain_schedule(reader: Reader) -> None:
    """The course of the learning rate as transformers' Trainer names it."""
    path, kind = reader.pop("training_args.lr_scheduler_type")
    course = kind if kind in ("cosine", "linear", "constant") else "cosine"
    why = None if kind == course else text("{kind} is not offered; cosine is used", kind=str(kind))
    reader.take(("optimizer", "lr_schedule"), course, path, why if kind else None)
    path, ratio = reader.pop("training_args.warmup_ratio")
    if ratio is not None:
        reader.take(("settings", "warmup_ratio"), ratio, path)
    path, steps = reader.pop("training_args.warmup_steps")
    if steps:
        reader.ignore(path, text("set settings.warmup_ratio, a part of all steps, instead"))


def _ratio(reader: Reader, item: dict[str, Any]) -> float:
    """Part of the training that the learning rate rises over."""
    end, epochs = item.get("end"), reader.at("train_cfg.max_epochs") or reader.at("max_epochs")
    numbers = all(isinstance(x, int | float) and x > 0 for x in (end, epochs))
    if numbers and item.get("by_epoch", True) is True:
        return round(min(float(end or 0) / float(epochs), 0.99), 6)
    own = reader.at("warmup_ratio")
    return float(own) if isinstance(own, int | float) and 0 <= own < 1 else 0.03
