"""What this machine can compute with, found without loading torch."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_QUERY: Final = "name,memory.total,memory.free,compute_cap,index,uuid"


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU. Memory in GiB; `capability` as (major, minor), 8.0 and newer know bf16.

    `index` is nvidia-smi's number: the place on the bus, whatever CUDA_VISIBLE_DEVICES leaves out.
    """

    name: str
    memory_gib: float
    free_gib: float
    capability: tuple[int, int]
    index: int = 0


@dataclass(frozen=True)
class Hardware:
    """Processor cores and memory of this process's share of the machine, and its GPUs.

    `nvcc`: whether the CUDA compiler is here, which DeepSpeed builds its offload programs with.
    """

    cores: int
    memory_gib: float
    free_gib: float
    cpu_bf16: bool
    gpus: tuple[Gpu, ...] = ()
    nvcc: bool = False

    @property
    def device(self) -> str:
        """“cuda” with a GPU, else “cpu”."""
        return "cuda" if self.gpus else "cpu"

    @property
    def device_free_gib(self) -> float:
        """Memory that a job may use: of the GPU with least free, or of the machine."""
        return min((g.free_gib for g in self.gpus), default=self.free_gib)


def detect() -> Hardware:
    """Look at the machine as it is now."""
    total, free = _memory_gib()
    return Hardware(
        cores=_cores(),
        memory_gib=total,
        free_gib=free,
        cpu_bf16=_cpu_bf16(),
        gpus=_gpus(),
        nvcc=_nvcc(),
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0))


@cache
def _cpu_bf16() -> bool:
    info = Path("/proc/cpuinfo")
    return info.exists() and any(f in info.read_text() for f in ("avx512_bf16", "amx_bf16"))


def _nvcc() -> bool:
    """As torch looks for it: CUDA_HOME or CUDA_PATH, the PATH, then the usual place."""
    homes = [os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda"]
    places = [Path(home) / "bin" / "nvcc" for home in homes if home]
    return shutil.which("nvcc") is not None or any(place.is_file() for place in places)


def _memory_gib() -> tuple[float, float]:
    """Total and available memory; a container's limit counts where it is tighter."""
    fields = {}
    for entry in Path("/proc/meminfo").read_text().splitlines():
        name, value = entry.split(":")
        fields[name] = int(value.split()[0]) * 1024
    total, free = fields["MemTotal"], fields["MemAvailable"]
    limit, used = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
    if limit.exists() and limit.read_text().strip().isdigit():
        total = min(total, int(limit.read_text()))
        free = min(free, total - int(used.read_text()))
    return total / 2**30, free / 2**30


def _gpus() -> tuple[Gpu, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    answer = subprocess.run(
        [program, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = []
    for row in answer.stdout.splitlines():
        name, total, free, capability, index, uuid = (cell.strip() for cell in row.split(","))
        if visible is not None and not _seen(index, uuid, visible):
            continue
        major, minor = capability.split(".")
        memory = (float(total) / 1024, float(free) / 1024)
        found.append(Gpu(name, *memory, (int(major), int(minor)), int(index)))
    return tuple(found)


def _seen(index: str, uuid: str, visible: str) -> bool:
    """Whether CUDA_VISIBLE_DEVICES names a GPU: by its number, or by the start of its UUID."""
    named = [word.strip() for word in visible.split(",") if word.strip()]
    return any(word == index or (word[0] == "G" and uuid.startswith(word)) for word in named)
