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

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim import Optimizer

from core.engine.lora import save_adapter
from core.run import Checkpoint, Run

_AVERAGES = ("exp_avg", "exp_avg_sq")


def gather(model: nn.Module, optimizer: Optimizer, deepspeed: bool) -> dict[str, torch.Tensor]:
    """Full tensors by name: "weight/…", "exp_avg/…", "exp_avg_sq/…". All ranks must call it."""
    whole = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        whole[f"weight/{name}"] = _weight(parameter, deepspeed)
        for key in _AVERAGES:
            value = _average(parameter, optimizer, key, deepspeed)
            if value is not None:
                whole[f"{key}/{name}"] = value
    return {k: v.detach().float().cpu().contiguous() for k, v in whole.items()}


def scatter(
    model: nn.Module,
    optimizer: Optimizer,
    state: dict[str, torch.Tensor],
    step: int,
    deepspeed: bool,
) -> None:
    """Put gathered tensors back, whatever stage and number of processes hold them now."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            _restore(parameter, optimizer, name, state, step, deepspeed)
    if deepspeed:
        inner = getattr(optimizer, "optimizer", optimizer)
        while hasattr(inner, "optimizer"):
            inner = inner.optimizer
        for held in inner.state.values():
            if "step" in held:
                old = held["step"]
                held["step"] = torch.full_like(old, step) if torch.is_tensor(old) else step


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


def _weight(parameter: nn.Parameter, deepspeed: bool) -> torch.Tensor:
    if not deepspeed:
        return parameter
    from deepspeed.utils import safe_get_full_fp32_param  # noqa: PLC0415 (slow, builds ops)

    return safe_get_full_fp32_param(parameter)


def _average(
    parameter: nn.Parameter, optimizer: Optimizer, key: str, deepspeed: bool
) -> torch.Tensor | None:
    if not deepspeed:
        return optimizer.state.get(parameter, {}).get(key)
    from deepspeed.utils import safe_get_full_optimizer_state  # noqa: PLC0415

    return safe_get_full_optimizer_state(parameter, key)


@torch.no_grad()
def _restore(
    parameter: nn.Parameter,
    optimizer: Optimizer,
    name: str,
    state: dict[str, torch.Tensor],
    step: int,
    deepspeed: bool,
) -> None:
    weight = state[f"weight/{name}"].to(parameter.device)
    averages = {k: state[f"{k}/{name}"].to(parameter.device) for k in _AVERAGES}
    if deepspeed:
        from deepspeed.utils import (  # noqa: PLC0415
            safe_set_full_fp32_param,
            safe_set_full_optimizer_state,
        )

        safe_set_full_fp32_param(parameter, weight)
        for key, value in averages.items():
            safe_set_full_optimizer_state(parameter, value, key)
    else:
        parameter.copy_(weight)
        optimizer.state[parameter] = {
            "step": torch.tensor(float(step), device=parameter.device),
            **averages,
        }
