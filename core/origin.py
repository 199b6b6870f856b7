"""Where a base model comes from, told from the one line that names it in a config.

- `builtin/SmolLM2-135M-Instruct`: the model that is installed with the studio;
- a folder, or a `.gguf` file, on this machine;
- `owner/name` or `hf://owner/name`: the Hugging Face Hub (or its mirror, HF_ENDPOINT);
- `modelscope://owner/name`: ModelScope, the hub in China;
- a hub's model may end in `@revision`: a branch, a tag or a commit.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from core.config.schema import BUILTIN_MODEL
from core.errors import UserError
from core.files import safe_name

Kind = Literal["builtin", "folder", "gguf", "hub", "modelscope"]

_HUB: Final = re.compile(
    r"(?:(hf|modelscope)://)?([\w-][\w.-]{0,95}/[\w-][\w.-]{0,95})(?:@([\w][\w./-]{0,127}))?",
    re.ASCII,
)


@dataclass(frozen=True)
class Origin:
    """A named base model. `name` is a path, or owner/name at a hub; `key` names it on disk."""

    kind: Kind
    name: str
    revision: str = ""

    @property
    def remote(self) -> bool:
        """Whether it has to be downloaded."""
        return self.kind in ("hub", "modelscope")

    @property
    def path(self) -> Path:
        """The folder or file, for a model on this machine."""
        return Path(self.name)

    @property
    def key(self) -> str:
        """The name of its folder in the workspace, once it is made ready."""
        if self.kind == "builtin":
            return BUILTIN_MODEL.split("/")[1]
        if self.remote:
            stem = self.name.replace("/", "--")
            stem = f"modelscope--{stem}" if self.kind == "modelscope" else stem
            return f"{stem}@{safe_name(self.revision)}" if self.revision else stem
        mark = hashlib.sha256(self.name.encode()).hexdigest()[:8]
        return f"{safe_name(self.path.stem if self.kind == 'gguf' else self.path.name)}-{mark}"


def origin(model: str) -> Origin:
    """What a `pretrained_model_name_or_path` names.

    Raises:
        UserError: it is no name of a model, or a path that leads nowhere.
    """
    if model == BUILTIN_MODEL:
        return Origin("builtin", model)
    path = Path(model).expanduser()
    if model.strip() and path.is_dir():
        return Origin("folder", str(path.resolve()))
    if path.is_file() and path.suffix == ".gguf":
        return Origin("gguf", str(path.resolve()))
    match = _HUB.fullmatch(model)
    if match and not model.startswith("builtin/") and ".." not in model:
        kind: Kind = "modelscope" if match[1] == "modelscope" else "hub"
        return Origin(kind, match[2], match[3] or "")
    raise UserError(
        "The model {model} is not on this machine.",
        "Name a folder that holds it, owner/name at a hub, or use {builtin}.",
        model=model,
        builtin=BUILTIN_MODEL,
    )
