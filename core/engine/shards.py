"""Weights on disk as named tensors: read one at a time, written one at a time.

Memory holds the tensors that one output is made of, never a whole shard. Pickled shards (`.bin`)
are read with torch's restricted unpickler, which builds tensors and runs nothing.
"""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open

from core.errors import UserError
from core.files import disk_errors
from core.model_folder import weight_files

_SHARD_BYTES: Final = 4 * 2**30
_NAMES: Final = {
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
}


class Weights:
    """The tensors of a model folder by name; one shard is open at a time.

    Raises:
        UserError: there are no weights, or a file is damaged or holds more than tensors.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: tuple[Path, Any] | None = None
        self._files: dict[str, Path] = {}
        for file in weight_files(folder):
            for name in self._shard(file).keys():
                self._files[name] = file

    def __iter__(self) -> Any:
        return iter(self._files)

    def shape(self, name: str) -> torch.Tensor:
        """The tensor without its numbers (on torch's meta device)."""
        shard = self._shard(self._files[name])
        if isinstance(shard, dict):
            return shard[name].to("meta")
        part = shard.get_slice(name)
        kind = {v: k for k, v in _NAMES.items()}.get(part.get_dtype())
        if kind is None:
            raise _unfit(self.folder, f"{name} is of type {part.get_dtype()}")
        return torch.empty(part.get_shape(), dtype=kind, device="meta")

    def __getitem__(self, name: str) -> torch.Tensor:
        shard = self._shard(self._files[name])
        return shard[name] if isinstance(shard, dict) else shard.get_tensor(name)

    def _shard(self, file: Path) -> Any:
        if self._open is None or self._open[0] != file:
            self._open = None
            try:
                if file.suffix == ".safetensors":
                    self._open = (file, safe_open(file, framework="pt"))
                else:
                    self._open = (file, _unpickle(file))
            except (OSError, SafetensorError) as error:
                raise _unfit(self.folder, f"{file.name}: {error}") from error
        return self._open[1]


def _unpickle(file: Path) -> dict[str, torch.Tensor]:
    try:
        try:
            found = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError:  # written before torch 1.6, not to be mapped
            found = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise UserError(
            "{file} holds more than weights, or is damaged: it was not opened.",
            "Choose a model with safetensors weights; such a file could run a stranger's code.",
            file=file.name,
        ) from error
    if not isinstance(found, dict) or not all(isinstance(t, torch.Tensor) for t in found.values()):
        raise _unfit(file.parent, f"{file.name} is not a table of tensors")
    if sum(t.nbytes for t in found.values()) > 2 * file.stat().st_size:
        raise _unfit(file.parent, f"{file.name} claims to be larger than it is")
    return found


def _unfit(folder: Path, reason: str) -> UserError:
    return UserError(
        "The weights in {folder} cannot be read: {reason}.",
        "Choose a folder with a whole model, or download it again.",
        folder=folder.name,
        reason=reason.splitlines()[0],
    )


@dataclass(frozen=True)
class Output:
    """A tensor to write: its name, what it is made of, and how."""

    name: str
    inputs: tuple[str, ...]
    build: Callable[..., torch.Tensor]


def write(
    source: Mapping[str, torch.Tensor] | Weights,
    outputs: Sequence[Output],
    target: Path,
    report: Callable[[int, int], None],
    *,
    stem: str = "model",
    shard_bytes: int = _SHARD_BYTES,
) -> int:
    """Write safetensors shards with their index into an existing folder.

    Args:
        outputs: in the order in which they are written.
        report: called with bytes written and in all.

    Returns:
        Bytes of all tensors.

    Raises:
        UserError: the disk is full.
    """
    shapes = [o.build(*(_shape(source, name) for name in o.inputs)) for o in outputs]
    total, done = sum(s.nbytes for s in shapes), 0
    shards: list[list[int]] = [[]]
    size = 0
    for i, shape in enumerate(shapes):
        if shards[-1] and size + shape.nbytes > shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append(i)
        size += shape.nbytes
    where = {}
    for number, members in enumerate(shards, 1):
        name = f"{stem}-{number:05d}-of-{len(shards):05d}.safetensors"
        if len(shards) == 1:
            name = f"{stem}.safetensors"
        with disk_errors(target), (target / name).open("wb") as file:
            file.write(_header([(outputs[i].name, shapes[i]) for i in members]))
            for i in members:
                built = outputs[i].build(*(source[n] for n in outputs[i].inputs))
                file.write(memoryview(built.contiguous().reshape(-1).view(torch.uint8).numpy()))
                where[outputs[i].name] = name
                done += shapes[i].nbytes
                report(done, total)
    if len(shards) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": where}
        (target / f"{stem}.safetensors.index.json").write_text(json.dumps(index, indent=1), "utf-8")
    return total


def _shape(source: Mapping[str, torch.Tensor] | Weights, name: str) -> torch.Tensor:
    return source.shape(name) if isinstance(source, Weights) else source[name].to("meta")


def _header(tensors: Sequence[tuple[str, torch.Tensor]]) -> bytes:
    """The head of a safetensors file: the length of a JSON table, and the table."""
    table: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, t in tensors:
        table[name] = {
            "dtype": _NAMES[t.dtype],
            "shape": list(t.shape),
            "data_offsets": [at, at + t.nbytes],
        }
        at += t.nbytes
    raw = json.dumps(table).encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", len(raw)) + raw
