"""Make a model folder ready: safetensors under names that transformers loads, a tokenizer.json.

Each conversion is done once, into the workspace. It works in a hidden folder that is renamed when
all is there, `done` last, so that a half-made model is never taken for a whole one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GgufConfig, LlamaConfig
from transformers import LlamaForCausalLM as Llama
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from core.engine import internlm2
from core.engine.pieces import read as read_pieces
from core.engine.pieces import tokenizer as build_tokenizer
from core.engine.shards import Weights, write
from core.errors import UserError
from core.files import require_space
from core.model_folder import INTERNLM3, ORIGIN, layout, read_config, read_json, weight_files
from core.models import shape
from core.templates import NAMED

_SMALL: Final = (
    *("config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"),
    *("special_tokens_map.json", "added_tokens.json", "chat_template.jinja", "tokenizer.model"),
)
_CHAT: Final = {
    "<|im_start|>": 146,
    "<|im_end|>": 145,
    "<|action_start|>": 144,
    "<|action_end|>": 143,
    "<|interpreter|>": 142,
    "<|plugin|>": 141,
}
"""InternLM2's chat specials and the unused pieces that they take the place of."""

Report = Callable[[int, int], None]


def convert_folder(source: Path, target: Path, made_of: Mapping[str, Any], report: Report) -> None:
    """Write `target` from a folder with InternLM2's layout, pickled weights or a tokenizer.model.

    Args:
        made_of: what the `done` marker says.
        report: called with bytes done and in all.

    Raises:
        UserError: the folder does not hold a whole model, or the disk has too little space.
    """
    config, kind = read_config(source), layout(source)
    shape(source)
    require_space(target.parent, int(1.02 * sum(f.stat().st_size for f in weight_files(source))))
    weights = Weights(source)
    with _appearing(target, made_of) as part:
        if kind == "internlm2":
            _internlm2(source, config, weights, part, report)
        else:
            write(weights, internlm2.unchanged(iter(weights)), part, report)
            _keep(source, part)
            if config["architectures"][0] == INTERNLM3:
                told = internlm2.llama_config_of_3(config)
                (part / "config.json").write_text(json.dumps(told, indent=2), "utf-8")
            if not (source / "tokenizer.json").exists():
                _tokenizer(source, config, part)


def convert_gguf(file: Path, target: Path, made_of: Mapping[str, Any], report: Report) -> None:
    """Write `target` from a GGUF file, its weights unpacked to 16 bits.

    Args:
        made_of: what the `done` marker says.
        report: called with stages done and in all.

    Raises:
        UserError: it is no model that can be read, or the disk has too little space.
    """
    require_space(target.parent, 5 * file.stat().st_size)
    with _appearing(target, made_of) as part:
        report(0, 3)
        try:
            # The sizes first: they are checked before anything is built of them.
            config = AutoConfig.from_pretrained(file.parent, gguf_file=file.name)
            config.architectures = [MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[config.model_type]]
            config.save_pretrained(part)
            shape(part)
            tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
            tokenizer.save_pretrained(part)
            if not made_of:
                _split_digits(part / "tokenizer.json")
            report(1, 3)
            model = AutoModelForCausalLM.from_pretrained(
                file.parent,
                gguf_file=file.name,
                dtype=torch.bfloat16,
                quantization_config=GgufConfig(dequantize=True),
            )
        except (
            *(OSError, ValueError, KeyError, RuntimeError, NotImplementedError),
            StrictDataclassError,
        ) as error:
            raise UserError(
                "The GGUF file {file} cannot be read: {reason}.",
                "Choose a GGUF file of a Llama, Qwen, Gemma, Phi or Mistral model.",
                file=file.name,
                reason=str(error).splitlines()[0][:200] if str(error) else type(error).__name__,
            ) from error
        report(2, 3)
        model.save_pretrained(part)
    report(3, 3)


def save_as_internlm2(model: Path, base: Path, target: Path, report: Report) -> None:
    """Write `target` as an InternLM2 checkpoint: fused weights, the original's tokenizer.

    Args:
        model: a folder in Llama's layout, as merged.
        base: the converted InternLM2 that it was made from.
        report: called with bytes written and in all.
    """
    require_space(target.parent, int(1.02 * sum(f.stat().st_size for f in weight_files(model))))
    config = read_json(base / ORIGIN / "config.json")
    weights = Weights(model)
    with _appearing(target, {}) as part:
        _keep(base / ORIGIN, part)
        dtype = str(weights.shape(next(iter(weights))).dtype).removeprefix("torch.")
        told = {**config, "torch_dtype": dtype}
        (part / "config.json").write_text(json.dumps(told, indent=2), "utf-8")
        write(weights, internlm2.from_llama(iter(weights), config), part, report)


@contextmanager
def _appearing(target: Path, made_of: Mapping[str, Any]) -> Iterator[Path]:
    """A hidden folder that becomes `target` at the end, or is gone."""
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        (part / "done").write_text(json.dumps(made_of, indent=1), "utf-8")
        shutil.rmtree(target, ignore_errors=True)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _internlm2(
    source: Path, config: Mapping[str, Any], weights: Weights, part: Path, report: Report
) -> None:
    outputs = internlm2.to_llama(iter(weights), config)
    chat = _tokenizer(source, config, part, _chat_specials(source))
    own = config.get("eos_token_id", 2)
    eos = list(dict.fromkeys([*(own if isinstance(own, list) else [own]), *chat]))
    new = internlm2.llama_config(config, eos)
    try:
        with torch.device("meta"):
            wanted = Llama(LlamaConfig.from_dict(new)).state_dict()
        found = {o.name: o.build(*(weights.shape(n) for n in o.inputs)) for o in outputs}
    except (StrictDataclassError, ArithmeticError, RuntimeError) as error:  # heads of no shape
        raise _unfit(source, str(error).splitlines()[0][:200]) from error
    if new["tie_word_embeddings"]:
        wanted.pop("lm_head.weight")
        found.pop("lm_head.weight", None)
    wrong = [n for n in wanted if n not in found or found[n].shape != wanted[n].shape]
    if wrong or found.keys() - wanted.keys():
        raise _unfit(source, next(iter([*wrong, *sorted(found.keys() - wanted.keys())])))
    (part / "config.json").write_text(json.dumps(new, indent=2), "utf-8")
    generation = {"bos_token_id": new.get("bos_token_id", 1), "eos_token_id": eos}
    (part / "generation_config.json").write_text(json.dumps(generation, indent=2), "utf-8")
    (part / ORIGIN).mkdir()
    _keep(source, part / ORIGIN)
    write(weights, [o for o in outputs if o.name in wanted], part, report)


def _unfit(source: Path, name: str) -> UserError:
    return UserError(
        "The weights in {folder} do not fit its config.json: {name}.",
        "Choose a folder with a whole InternLM2 model, or download it again.",
        folder=source.name,
        name=name,
    )


def _keep(source: Path, target: Path) -> None:
    for name in _SMALL:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def _chat_specials(source: Path) -> dict[str, int]:
    """Unused pieces' numbers by the chat specials that a folder's tokenizer names; a base model's
    names none."""
    files = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
    told = json.dumps([read_json(source / name) for name in files], ensure_ascii=False)
    return _CHAT if "<|im_start|>" in told else {}


def _tokenizer(
    source: Path, config: Mapping[str, Any], part: Path, chat: Mapping[str, int] | None = None
) -> list[int]:
    """Write tokenizer.json and its settings from a tokenizer.model; ids that end a chat turn."""
    file = source / "tokenizer.model"
    if not file.exists():
        raise UserError(
            "The model folder {folder} has no tokenizer.model.",
            "Choose a folder that holds a whole model.",
            folder=source.name,
        )
    model, settings = read_pieces(file), read_json(source / "tokenizer_config.json")
    at = {text: i for i, (text, _, _) in enumerate(model.pieces)}
    special = _added(settings, len(model.pieces) + 1024)
    for text, number in (chat or {}).items():
        place = at.get(f"[UNUSED_TOKEN_{number}]", special.get(text))
        if place is not None:
            special[text] = place
    names = {i: text for text, i in {**at, **special}.items()}
    told = {}
    for key, usual in (("bos", 1), ("eos", 2), ("unk", 0), ("pad", 2)):
        own = settings.get(f"{key}_token")
        own = own.get("content") if isinstance(own, dict) else own
        place = config.get(f"{key}_token_id", usual)
        told[f"{key}_token"] = own or names.get(place if isinstance(place, int) else usual)
    bos = told["bos_token"] if chat is not None or settings.get("add_bos_token", True) else None
    built = build_tokenizer(model, special, bos)
    apart = [text for text, i in special.items() if built.token_to_id(text) != i]
    if apart:
        raise UserError(
            "The tokenizer {file} cannot be read: {reason}.",
            "Choose a folder that holds a tokenizer.json as well.",
            file=file.name,
            reason=f"{apart[0]} stands apart from its other pieces",
        )
    if built.get_vocab_size() > int(config["vocab_size"]):
        raise UserError(
            "The tokenizer of {folder} has {size:,} tokens, its model only {rows:,}.",
            "Download both again, from one place.",
            folder=source.name,
            size=built.get_vocab_size(),
            rows=int(config["vocab_size"]),
        )
    built.save(str(part / "tokenizer.json"))
    template = settings.get("chat_template")
    if not isinstance(template, str) and chat:
        template = NAMED["internlm2_chat"].jinja(bos=True)
    if isinstance(template, str):
        (part / "chat_template.jinja").write_text(template, "utf-8")
    new = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **told,
        "add_bos_token": bos is not None,
        "clean_up_tokenization_spaces": False,
    }
    (part / "tokenizer_config.json").write_text(json.dumps(new, indent=2), "utf-8")
    return [special["<|im_end|>"]] if chat else []


def _added(settings: Mapping[str, Any], most: int) -> dict[str, int]:
    """Tokens that tokenizer_config.json adds, with their ids below `most`."""
    table = settings.get("added_tokens_decoder")
    return {
        str(token["content"]): int(i)
        for i, token in (table.items() if isinstance(table, dict) else ())
        if isinstance(token, dict) and "content" in token and i.isdecimal() and int(i) < most
    }


def _split_digits(file: Path) -> None:
    """Give SmolLM2's tokenizer back what GGUF cannot say: every digit is a token of its own."""
    data = json.loads(file.read_text("utf-8"))
    byte_level = data["pre_tokenizer"]
    if byte_level["type"] == "ByteLevel":
        digits = {"type": "Digits", "individual_digits": True}
        data["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [digits, byte_level]}
        file.write_text(json.dumps(data, ensure_ascii=False), "utf-8")
