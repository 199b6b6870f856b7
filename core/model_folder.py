"""A model folder as a stranger's files: read within bounds, and nothing in it is ever run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal

from core.errors import UserError

Layout = Literal["ready", "internlm2", "foreign"]
"""How a folder must be treated: used as it is; InternLM2's fused weights; else other files that
stand for safetensors or a tokenizer.json (`.bin`, `tokenizer.model`), or InternLM3's config."""

INTERNLM2: Final = "InternLM2ForCausalLM"
INTERNLM3: Final = "InternLM3ForCausalLM"
"""A Llama by another name: its weights are named as Llama's, its config nearly so."""

ARCHITECTURES: Final = frozenset(
    {
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen3ForCausalLM",
        "GemmaForCausalLM",
        "Gemma2ForCausalLM",
        "Gemma3ForCausalLM",
        "Phi3ForCausalLM",
        "SmolLM3ForCausalLM",
        "MiniCPM3ForCausalLM",
        "GlmForCausalLM",
        "Glm4ForCausalLM",
    }
)
"""Decoders that load without their repository's code and are tested to train, merge and chat."""

FAST: Final = frozenset(
    {"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"}
)
"""Those that the studio's own decoder computes; the others run as transformers wrote them."""

_FAMILIES: Final = {
    "MistralForCausalLM": "mistral",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen3ForCausalLM": "qwen3",
    "GemmaForCausalLM": "gemma",
    "Gemma2ForCausalLM": "gemma",
    "Gemma3ForCausalLM": "gemma",
    "Phi3ForCausalLM": "phi",
    "SmolLM3ForCausalLM": "smollm3",
    "MiniCPM3ForCausalLM": "minicpm3",
    "GlmForCausalLM": "glm4",
    "Glm4ForCausalLM": "glm4",
    INTERNLM2: "internlm2",
}

ORIGIN: Final = "origin"
"""Where a converted InternLM2 keeps its own small files, for saving a result in its layout."""

_MOST_BYTES: Final = {"config.json": 2**20, "tokenizer_config.json": 2**24}
_MOST_OTHER: Final = 2**26
_PICKLED: Final = "pytorch_model"


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object from a file; empty when the file is not there.

    Raises:
        UserError: it is too large, or no JSON object.
    """
    if not file.exists():
        return {}
    try:
        if file.stat().st_size > _MOST_BYTES.get(file.name, _MOST_OTHER):
            raise ValueError("it is far too large")
        found = json.loads(file.read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError("it is not an object")
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            "{file} of {folder} cannot be read ({reason}).",
            "Choose another model, or download this one again.",
            file=file.name,
            folder=file.parent.name,
            reason=str(error)[:200],
        ) from error
    return found


def read_config(folder: Path) -> dict[str, Any]:
    """The config.json of a model that this program knows.

    Raises:
        UserError: it is missing, broken, or describes something else.
    """
    if not (folder / "config.json").exists():
        raise UserError(
            "The model folder {folder} has no config.json.",
            "Choose a folder that holds a whole model.",
            folder=folder.name,
        )
    config = read_json(folder / "config.json")
    named = config.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    if name not in ARCHITECTURES and name not in (INTERNLM2, INTERNLM3):
        raise UserError(
            "The model in {folder} is a {architecture}, which this program cannot train; "
            "code that comes with a model is never run.",
            "Choose a chat model of a kind such as Llama, Qwen, InternLM2, Gemma, Phi or Mistral.",
            folder=folder.name,
            architecture=str(name or config.get("model_type") or "?")[:80],
        )
    if config.get("quantization_config"):
        raise UserError(
            "The weights in {folder} are quantised already, and cannot be trained or merged.",
            "Choose the same model in 16 bits; the studio packs it in 4 bits itself.",
            folder=folder.name,
        )
    return config


def kind(folder: Path) -> tuple[bool | None, str | None]:
    """Whether a folder's model is tuned to talk, and its family; None is unknown.

    A template for conversations tells a chat model, except with Qwen, whose base models have one.
    Llama's architecture belongs to many families.
    """
    try:
        named = read_json(folder / "config.json").get("architectures")
        said = read_json(folder / "tokenizer_config.json").get("chat_template")
    except UserError:
        return None, None
    if not isinstance(named, list) or not named:
        return None, None
    family = _FAMILIES.get(str(named[0]))
    talks = bool(said) or (folder / "chat_template.jinja").exists()
    return (None if talks and family in ("qwen2", "qwen3") else talks), family


def layout(folder: Path) -> Layout:
    """What has to be done with a folder before it can be used.

    Raises:
        UserError: it holds no model, or one that cannot be read.
    """
    config = read_config(folder)
    if config["architectures"][0] == INTERNLM2:
        return "internlm2"
    files = weight_files(folder)
    standard = files[0].suffix == ".safetensors" and (folder / "tokenizer.json").exists()
    return "ready" if standard and config["architectures"][0] != INTERNLM3 else "foreign"


def weight_files(folder: Path) -> list[Path]:
    """The shards of a model, in order: safetensors where there are any, else pickled ones.

    Raises:
        UserError: there are none, or one that the index names is missing.
    """
    for stem, suffix in (("model", "safetensors"), (_PICKLED, "bin")):
        index = folder / f"{stem}.{suffix}.index.json"
        if index.exists():
            table = read_json(index).get("weight_map")
            names = sorted(set(table.values())) if isinstance(table, dict) else []
            return [_shard(folder, name) for name in names]
        whole = folder / f"{stem}.{suffix}"
        if whole.exists():
            return [whole]
        loose = sorted(folder.glob(f"{stem}-*.{suffix}"))
        if loose:
            return loose
    raise UserError(
        "The model folder {folder} has no weights.",
        "It needs model.safetensors (or shards with their index); download it again.",
        folder=folder.name,
    )


def _shard(folder: Path, name: Any) -> Path:
    if not isinstance(name, str) or Path(name).name != name or not (folder / name).is_file():
        raise UserError(
            "The model folder {folder} lacks {file}, which its index names.",
            "Download the model again, wholly.",
            folder=folder.name,
            file=str(name)[:100],
        )
    return folder / name


def stamp(folder: Path) -> list[list[Any]]:
    """Names, sizes and times of a folder's files: equal stamps, equal contents."""
    files = sorted(p for p in folder.iterdir() if p.is_file())
    return [[p.name, p.stat().st_size, p.stat().st_mtime_ns] for p in files]
