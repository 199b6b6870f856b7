"""DeepSpeed's settings as its engine gets them, and what starting it takes."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch.utils import cpp_extension
from transformers import PreTrainedModel
from transformers.integrations.deepspeed import HfDeepSpeedConfig, unset_hf_deepspeed_config

from core import zero
from core.config.schema import Config
from core.errors import UserError


def settings(config: Config, dtype: str, own: Path) -> dict[str, Any] | None:
    """The JSON that DeepSpeed gets, None without it; `own` is the run's own file, if it has one."""
    content = zero.content_of(config, zero.own(config, own))
    return zero.resolve(content, config, dtype) if content else None


def drives(found: dict[str, Any], dtype: str) -> bool:
    """Whether the engine must run the model itself: stage 3, and 16-bit floats' loss scaling."""
    return splits_base(found) or dtype == "float16"


def splits_base(found: dict[str, Any] | None) -> bool:
    """Whether each rank keeps only its part of the frozen base (stage 3)."""
    return found is not None and found["zero_optimization"]["stage"] == 3


def for_adapter(found: dict[str, Any]) -> dict[str, Any]:
    """The settings of an engine that gets the adapter alone, whose numbers are 32-bit."""
    return {**found, "bf16": {"enabled": False}, "fp16": {"enabled": False}}


def prepare(device: str, found: dict[str, Any], report: Callable[[float], None]) -> None:
    """Import DeepSpeed for a device, and compile what it would compile in the middle of its start.

    Compiled in two ranks at once, its operation for inference on a processor was the cause of
    starts that failed; training uses none of it, so it is never built.

    Args:
        report: is told 0 before something is compiled, which takes a minute, and 1 after it.

    Raises:
        UserError: it cannot be compiled here.
    """
    if device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    import deepspeed  # noqa: PLC0415 (slow, and looks for accelerators)

    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    if zero.builds(found):
        from deepspeed.ops.op_builder import CPUAdamBuilder  # noqa: PLC0415

        _build(CPUAdamBuilder(), report)


def _build(builder: Any, report: Callable[[float], None]) -> None:
    """Compile and load an operation: by the first process that comes, for all that wait for it."""
    folder = Path(cpp_extension._get_build_directory(builder.name, verbose=False))
    with (folder.parent / "studio.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # torch's own mark of a build; a killed one leaves it, and torch would wait for ever.
        (folder / "lock").unlink(missing_ok=True)
        new = not (folder / f"{builder.name}.so").exists()
        if new:
            report(0)
        try:
            builder.load(verbose=False)
        except Exception as error:
            raise UserError(
                "DeepSpeed's own AdamW could not be built: {reason}",
                "Install a C++ compiler (g++ 9 or newer) and ninja, or write "
                "“zero_force_ds_cpu_optimizer”: false to take torch's AdamW.",
                reason=f"{type(error).__name__}: {error}".splitlines()[0][:300],
            ) from error
        if new:
            report(1)


def gather_by_layer(base: PreTrainedModel) -> None:
    """Let stage 3 gather a decoder layer at once, not each of its forty modules by itself.

    DeepSpeed waits for the GPU at every module that it gathers, so a pass of small pieces leaves
    the GPU idle most of the time. What a layer's gradients wait for is the gradient of its input,
    which the first layer has only where the token table's output is made to have one.
    """
    from deepspeed.utils import set_z3_leaf_modules  # noqa: PLC0415 (as above)

    base.enable_input_require_grads()
    # Names of the layers' classes, which transformers keeps for models spread over devices.
    set_z3_leaf_modules(base, sorted(base._no_split_modules or ()), raise_if_not_found=False)


@contextlib.contextmanager
def born_split(found: dict[str, Any] | None) -> Iterator[None]:
    """Within, transformers gives each rank only its part of a model's weights (stage 3)."""
    kept = HfDeepSpeedConfig(found) if found else None
    try:
        yield
    finally:
        if kept is not None:
            unset_hf_deepspeed_config()
