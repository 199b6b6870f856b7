"""A checkpoint's training state that no number of processes is tied to, and no pickle carries.

Adapter weights and AdamW's two averages are gathered to full 32-bit tensors, whichever DeepSpeed
stage split them, and written as safetensors; a resume may use other processes or another stage.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.optim import Optimizer

from core.engine.gradients import Trained, apart
from core.engine.lora import save_adapter
from core.engine.offload import AVERAGES, HostAdamW
from core.run import Checkpoint, Run


def gather(model: nn.Module, optimizer: Any, handed: Trained | None) -> dict[str, torch.Tensor]:
    """Full tensors by name: "weight/…", "exp_avg/…", "exp_avg_sq/…". All ranks must call it.

    Args:
        optimizer: torch's AdamW, or DeepSpeed's around it.
        handed: what DeepSpeed's stages 1 and 2 hold in the model's stead.
    """
    split = not isinstance(optimizer, Optimizer)
    whole: dict[str, torch.Tensor] = {}
    for named, held in _holders(model, handed):
        found = {"weight": _weight(held, split)}
        found |= {key: _average(held, optimizer, key, split) for key in AVERAGES}
        for key, value in found.items():
            own = apart(value, [*named.values()]) if handed else [value]
            whole |= {f"{key}/{name}": part for name, part in zip(named, own, strict=True)}
    return {k: v.detach().float().cpu().contiguous() for k, v in whole.items()}


def scatter(
    model: nn.Module,
    optimizer: Any,
    handed: Trained | None,
    state: dict[str, torch.Tensor],
    step: int,
) -> None:
    """Put gathered tensors back, whatever stage and number of processes hold them now."""
    split = not isinstance(optimizer, Optimizer)
    inner = _inner(optimizer)
    if isinstance(inner, HostAdamW):
        inner.begin()
    # Stage 3 keeps its parts apart and gives the optimizer one after another.
    parts = getattr(optimizer, "fp32_partitioned_groups_flat", None)
    whole = hasattr(inner, "ds_opt_adam")  # DeepSpeed's own AdamW counts in whole numbers
    for held in parts or [p for group in inner.param_groups for p in group["params"]]:
        inner.state[held] = {
            "step": step if whole else torch.tensor(float(step), device=held.device),
            **{key: inner.state[held].get(key, torch.zeros_like(held)) for key in AVERAGES},
        }
    for named, held in _holders(model, handed):
        own = {
            key: torch.cat([state[f"{key}/{name}"].flatten() for name in named])
            if handed
            else state[f"{key}/{next(iter(named))}"]
            for key in ("weight", *AVERAGES)
        }
        _restore(held, optimizer, {k: v.to(held.device) for k, v in own.items()}, split)


def _holders(
    model: nn.Module, handed: Trained | None
) -> Iterator[tuple[dict[str, nn.Parameter], nn.Parameter]]:
    """The trained parameters by name, and who holds their numbers: each itself, or `handed`."""
    named = ((n, p) for n, p in model.named_parameters() if p.requires_grad)
    if handed is None:
        for name, parameter in named:
            yield {name: parameter}, parameter
        return
    for part, numbers in zip(handed.parts, handed.numbers, strict=True):
        yield dict(islice(named, len(part))), numbers


def _inner(optimizer: Any) -> Optimizer:
    while not isinstance(optimizer, Optimizer):
        optimizer = optimizer.optimizer
    return optimizer


def write(
    run: Run, model: nn.Module, whole: dict[str, torch.Tensor], step: int, facts: dict[str, object]
) -> Checkpoint:
    """Write a complete checkpoint; its `done` marker comes last. Only rank 0 calls it."""
    path = run.checkpoint_path(step)
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    weights = {
        k.removeprefix("weight/").removeprefix("model."): v
        for k, v in whole.items()
        if k.startswith("weight/")
    }
    save_adapter(model, part, weights)
    save_file(whole, part / "state.safetensors")
    (part / "facts.json").write_text(
        json.dumps({"step": step, "saved_at": time.time(), **facts}, ensure_ascii=False, indent=2),
        "utf-8",
    )
    for file in part.iterdir():
        with file.open("rb") as written:
            os.fsync(written.fileno())
    (part / "done").touch()
    shutil.rmtree(path, ignore_errors=True)
    part.rename(path)
    return Checkpoint(path)


def read(folder: Path) -> dict[str, torch.Tensor]:
    """The gathered tensors of a checkpoint."""
    return load_file(folder / "state.safetensors")


def rotate(run: Run, keep: int) -> None:
    """Delete the oldest checkpoints beyond `keep`; -1 keeps all."""
    if keep >= 0:
        for old in run.checkpoints()[: -max(1, keep)]:
            shutil.rmtree(old.path, ignore_errors=True)


def _weight(parameter: nn.Parameter, split: bool) -> torch.Tensor:
    if not split:
        return parameter
    from deepspeed.utils import safe_get_full_fp32_param  # noqa: PLC0415 (slow)

    return safe_get_full_fp32_param(parameter)


def _average(parameter: nn.Parameter, optimizer: Any, key: str, split: bool) -> torch.Tensor:
    if not split:
        return optimizer.state[parameter][key]
    from deepspeed.utils import safe_get_full_optimizer_state  # noqa: PLC0415

    return safe_get_full_optimizer_state(parameter, key)


@torch.no_grad()
def _restore(
    parameter: nn.Parameter, optimizer: Any, own: dict[str, torch.Tensor], split: bool
) -> None:
    averages = {k: own[k] for k in AVERAGES}
    if not split:
        parameter.copy_(own["weight"])
        for key, value in averages.items():
            optimizer.state[parameter][key].copy_(value)
        return
    if hasattr(parameter, "ds_id"):
        _restore_part(parameter, own["weight"], averages)
        return
    from deepspeed.utils import (  # noqa: PLC0415
        safe_set_full_fp32_param,
        safe_set_full_optimizer_state,
    )

    parameter.copy_(own["weight"])
    optimizer._lazy_init_hp_params_optimizer_state()
    safe_set_full_fp32_param(parameter, own["weight"])
    for key, value in averages.items():
        safe_set_full_optimizer_state(parameter, value, key)


def _restore_part(
    parameter: nn.Parameter, weight: torch.Tensor, averages: dict[str, torch.Tensor]
) -> None:
    """What stage 3 keeps of one parameter on this rank; the last rank's part is filled up."""
    import deepspeed  # noqa: PLC0415
    from deepspeed.utils import (  # noqa: PLC0415
        safe_set_local_fp32_param,
        safe_set_local_optimizer_state,
    )

    with deepspeed.zero.GatheredParameters([parameter], modifier_rank=0):
        parameter.copy_(weight)
    size = parameter.ds_tensor.numel()

    def part(value: torch.Tensor) -> torch.Tensor:
        padded = F.pad(value.flatten(), (0, size * dist.get_world_size() - value.numel()))
        return padded.narrow(0, size * dist.get_rank(), size)

    safe_set_local_fp32_param(parameter, part(weight))
    for key, value in averages.items():
        safe_set_local_optimizer_state(parameter, part(value), key)
