"""A checkpoint's training state that no number of processes is tied to, and no pickle carries.

Adapter weights and AdamW's two averages are gathered to full 32-bit tensors, whichever DeepSpeed
stage split them, and written as safetensors; a resume may use other processes or another stage.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.optim import Optimizer

from core.engine.lora import save_adapter
from core.engine.offload import AVERAGES
from core.run import Checkpoint, Run


def gather(model: nn.Module, optimizer: Any) -> dict[str, torch.Tensor]:
    """Full tensors by name: "weight/…", "exp_avg/…", "exp_avg_sq/…". All ranks must call it.

    Args:
        optimizer: torch's AdamW, or DeepSpeed's around it.
    """
    split = not isinstance(optimizer, Optimizer)
    whole = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        whole[f"weight/{name}"] = _weight(parameter, split)
        for key in AVERAGES:
            whole[f"{key}/{name}"] = _average(parameter, optimizer, key, split)
    return {k: v.detach().float().cpu().contiguous() for k, v in whole.items()}


def scatter(model: nn.Module, optimizer: Any, state: dict[str, torch.Tensor], step: int) -> None:
    """Put gathered tensors back, whatever stage and number of processes hold them now."""
    split = not isinstance(optimizer, Optimizer)
    inner = _inner(optimizer)
    # Stage 3 keeps its parts apart and gives the optimizer one after another.
    parts = getattr(optimizer, "fp32_partitioned_groups_flat", None)
    whole = hasattr(inner, "ds_opt_adam")  # DeepSpeed's own AdamW counts in whole numbers
    for held in parts or [p for group in inner.param_groups for p in group["params"]]:
        inner.state[held] = {
            "step": step if whole else torch.tensor(float(step), device=held.device),
            **{key: inner.state[held].get(key, torch.zeros_like(held)) for key in AVERAGES},
        }
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            _restore(parameter, optimizer, name, state, split)


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
    parameter: nn.Parameter,
    optimizer: Any,
    name: str,
    state: dict[str, torch.Tensor],
    split: bool,
) -> None:
    weight = state[f"weight/{name}"].to(parameter.device)
    averages = {k: state[f"{k}/{name}"].to(parameter.device) for k in AVERAGES}
    if not split:
        parameter.copy_(weight)
        for key, value in averages.items():
            optimizer.state[parameter][key].copy_(value)
        return
    if hasattr(parameter, "ds_id"):
        _restore_part(parameter, weight, averages)
        return
    from deepspeed.utils import (  # noqa: PLC0415
        safe_set_full_fp32_param,
        safe_set_full_optimizer_state,
    )

    parameter.copy_(weight)
    optimizer._lazy_init_hp_params_optimizer_state()
    safe_set_full_fp32_param(parameter, weight)
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
