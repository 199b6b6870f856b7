"""How fast a machine computes: measured once by its first training, typical until then.

`core.engine.pace` measures; the workspace's machine.json keeps it, by device and number type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from core.files import write_atomic
from core.hardware import Hardware
from core.settings import Settings


@dataclass(frozen=True)
class Rates:
    """What the time of a pass is made of.

    flops: of large matrix products in the training's number type, a second.
    bytes: read and written by a copy, a second.
    launch_seconds: to start a layer's operations one by one, forward and backward.
    layer_seconds: that a layer takes at least, however few the tokens.
    token_seconds: that a layer takes at least for the next token of an answer.
    link: bytes a second between main memory and a GPU; as PCIe 3 has until it is measured.
    """

    flops: float
    bytes: float
    launch_seconds: float
    layer_seconds: float
    token_seconds: float
    link: float = 1.2e10


_GPUS: Final = {  # bf16 (fp16 before 8.0) and memory of typical cards
    (9, 0): (7.9e14, 3.6e12),
    (10, 0): (1.7e15, 6.5e12),
    (12, 0): (2.2e14, 1.4e12),
    (8, 0): (2.6e14, 1.6e12),
    (8, 6): (6.5e13, 7e11),
    (8, 9): (1.5e14, 8e11),
    (7, 5): (4e13, 2.6e11),
}
_OTHER_GPU: Final = (4e13, 3e11)
_CORE_FLOPS: Final = {"bfloat16": 1.9e11, "float32": 7e10, "float16": 2e10}
_CPU_BYTES: Final = 3e10


def key(hardware: Hardware, dtype: str) -> str:
    """What rates belong to."""
    name = hardware.gpus[0].name if hardware.gpus else f"{hardware.cores} cores"
    return f"{name}, {dtype}"


def typical(hardware: Hardware, dtype: str) -> Rates:
    """Rates of machines like this one, until it is measured."""
    if hardware.gpus:
        flops, moved = _GPUS.get(hardware.gpus[0].capability, _OTHER_GPU)
        if dtype == "float32":
            flops /= 8
        return Rates(flops, moved, 4.7e-3, layer_seconds=2.3e-4, token_seconds=1e-4)
    flops = _CORE_FLOPS[dtype] * hardware.cores
    return Rates(flops, _CPU_BYTES, 3.6e-3, layer_seconds=3.6e-3, token_seconds=9e-4)


def known(settings: Settings) -> dict[str, Rates]:
    """All that was measured in this workspace."""
    file = settings.home / "machine.json"
    try:
        found = json.loads(file.read_text("utf-8"))
        return {
            name: Rates(**{k: float(v) for k, v in each.items()}) for name, each in found.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # not measured yet, or by another version: it will be measured again


def keep(settings: Settings, name: str, rates: Rates) -> None:
    """Add what was measured to the workspace."""
    every: Mapping[str, Rates] = known(settings) | {name: rates}
    made = {name: asdict(each) for name, each in every.items()}
    write_atomic(settings.home / "machine.json", json.dumps(made, indent=1))
