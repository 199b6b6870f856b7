"""How to split a training over processes: what each way would save and cost here, which to take.

A pure function of config, model, machine and number of processes. Times are extra to a step's own;
they come from what a step sends over an assumed link, and from what the stages cost on two
processor cores (docs/processes.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from core import zero
from core.config.schema import DEEPSPEED_PRESETS, Config
from core.errors import Text, UserError, text
from core.estimate import SHARE, least_gib, weights_gib
from core.hardware import Hardware
from core.models import Shape
from core.split import Split, split_of

_LINK_BYTES: Final = {
    "cuda": 20e9,
    "cpu": 1e9,
}  # a second: PCIe 4 between GPUs; gloo in one machine
# Seconds a trained number that stages 1 and 2 take longer at the end of a step: in proportion to
# the adapter, as measured on two H200 and two processor cores (docs/processes.md).
_HANDED_OVER: Final = {"cuda": 0.08e-9, "cpu": 14e-9}
# Seconds a layer of a pass that stage 3 takes to hand out weights and to take gradients, beside
# what is sent: two H200 took 0.33 to 0.36 s longer for 24 layers, half of which the link explains.
_HANDED_OUT: Final = {"cuda": 7e-3, "cpu": 12e-3}
_TORCH_ADAM: Final = 2e-9  # seconds a number of AdamW in main memory, read and written

_ORDER: Final = (  # of preference
    *("none", "deepspeed_zero2", "deepspeed_zero3", "deepspeed_zero2_offload"),
    "deepspeed_zero3_offload",
)

SPLITS: Final[Mapping[int, Text]] = {
    0: text("nothing: every process keeps everything"),
    1: text("the optimizer states"),
    2: text("the optimizer states and the gradients"),
    3: text("the optimizer states, the gradients and the model's weights"),
}


@dataclass(frozen=True)
class Option:
    """One choice: what it splits, GiB of one process that do not depend on the batch, and verdict.

    `saved_gib` is against “none”, and below 0 where a stage needs more; `slower` is the part by
    which a step takes longer than with “none”; `main_gib` lies in main memory. `verdict`:
    “best”, “possible”, “pointless” or “tight” (does not fit).
    """

    name: str
    splits: Text
    gib: float
    saved_gib: float
    main_gib: float
    slower: float
    verdict: str
    reason: Text

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        texts = {"splits": self.splits.to_json(), "reason": self.reason.to_json()}
        return {**asdict(self), **texts}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Option:
        """The inverse of `to_json`."""
        texts = {key: Text.from_json(data[key]) for key in ("splits", "reason")}
        return cls(**{**data, **texts})


def options(
    config: Config,
    shape: Shape,
    hardware: Hardware,
    processes: int,
    dtype: str,
    *,
    step_seconds: float = 1.0,
    packs: float = 1.0,
) -> tuple[Option, ...]:
    """“none” and the five presets, in order; exactly one is “best” if any fits.

    Args:
        step_seconds: how long a step takes with “none”.
        packs: forward-backward passes of one process in a step.
    """
    count = shape.lora_parameters(config.model.lora_r, config.model.lora_targets)
    frozen = weights_gib(config, shape, dtype, cache=False)
    free = hardware.device_free_gib * SHARE / (1 if hardware.gpus else processes)
    least = least_gib(config, shape, hardware.device, dtype)
    alone = Split(processes=processes).trained_gib(count, dtype)
    single = Split().trained_gib(count, dtype)  # what `least` counts
    made: list[Option] = []
    for name in DEEPSPEED_PRESETS:
        content = None if name == "none" else zero.preset(name)
        split = split_of(content, processes)
        trained, weights = split.trained_gib(count, dtype), split.frozen_gib(frozen, dtype)
        gib = trained + weights
        sent = split.gathered_bytes(count, frozen, dtype, packs)
        sent -= Split(processes=processes).gathered_bytes(count, frozen, dtype, packs)
        extra = max(0.0, sent) / _LINK_BYTES[hardware.device]
        if split.stage in (1, 2):
            extra += _HANDED_OVER[hardware.device] * count
        if split.stage == 3:
            extra += _HANDED_OUT[hardware.device] * shape.layers * packs
        if split.offload_optimizer:
            extra += _TORCH_ADAM * count / processes
        if split.offload_parameters:
            extra += 2 * packs * frozen * 2**30 / _LINK_BYTES[hardware.device]
        needs = least - single - frozen + gib
        if split.stage == 3 and config.model.quantization == "nf4":
            needs = max(
                needs, frozen + (least - single - frozen)
            )  # each rank loads all of it first
        made.append(
            Option(
                name=name,
                splits=SPLITS[split.stage],
                gib=gib,
                saved_gib=alone + frozen - gib,
                main_gib=split.main_gib(count, frozen, dtype),
                slower=extra / step_seconds,
                verdict="possible" if needs <= free else "tight",
                reason=text(
                    "{needed:.1f} GiB needed, {free:.1f} GiB free", needed=needs, free=free
                ),
            )
        )
    return _judged(made, config, hardware, processes)


def refuse_building(choice: str, builds: bool, hardware: Hardware) -> None:
    """Stop a choice that cannot run on this machine.

    Raises:
        UserError: it wants DeepSpeed's own optimizer, which cannot be built here.
    """
    if builds and hardware.gpus and not hardware.nvcc:
        raise UserError(
            "{name} keeps the optimizer in main memory with DeepSpeed's own AdamW, and there is "
            "no CUDA compiler (nvcc) on this machine to build it with.",
            "Write “zero_force_ds_cpu_optimizer”: false to take torch's AdamW, choose one without "
            "offload, or install the CUDA toolkit.",
            name=choice,
        )


def split_reason(choice: str, stage: int, splits: tuple[Option, ...]) -> Text:
    """What is split, and what would be chosen here if it is another."""
    pick = best(splits)
    if pick is None or pick.name == choice:
        what = pick.reason if pick else SPLITS[stage]
        return text("split over the processes: {what}; {why}", what=SPLITS[stage], why=what)
    return text(
        "split over the processes: {what}. Recommended here is {name}: {why}",
        what=SPLITS[stage],
        name=pick.name.removeprefix("deepspeed_"),
        why=pick.reason,
    )


def slower(found: tuple[Option, ...], choice: str, stage: int) -> float:
    """The part by which a choice's steps take longer than with “none”; one's own file counts as
    the first preset of its stage."""
    named = [o for o in found if o.name == choice]
    return next(o.slower for o in (*named, *found) if named or o.splits == SPLITS[stage])


def best(found: tuple[Option, ...]) -> Option | None:
    """The recommended option, None where none fits."""
    return next((o for o in found if o.verdict == "best"), None)


def _judged(
    made: list[Option], config: Config, hardware: Hardware, processes: int
) -> tuple[Option, ...]:
    by_name = {o.name: o for o in made}
    helps = [n for n in _ORDER if hardware.gpus or not n.endswith("_offload")]
    pick = next((n for n in helps if by_name[n].verdict == "possible"), None)
    return tuple(_verdict(o, pick, config, hardware, processes) for o in made)


def _verdict(
    o: Option,
    pick: str | None,
    config: Config,
    hardware: Hardware,
    processes: int,
) -> Option:
    nf4 = config.model.quantization == "nf4"
    stage3 = o.name.startswith("deepspeed_zero3")
    verdict, reason = o.verdict, o.reason
    if o.name == pick:
        verdict, reason = "best", _why(o.name, processes)
    elif o.verdict == "tight":
        reason = text("does not fit here: {figures}", figures=o.reason)
    elif o.name.endswith("_offload") and not hardware.gpus:
        verdict = "pointless"
        reason = text("without a GPU everything lies in main memory already")
    elif processes == 1 and not o.name.endswith("_offload") and o.name != "none":
        verdict, reason = "pointless", text("one process has nobody to split with")
    elif o.saved_gib < 0.05 and o.name != "none":
        verdict = "pointless"
        reason = text("saves nothing here: an adapter's training state is small")
    else:
        reason = text("works here, and is not needed")
    if stage3 and nf4:
        reason = text(
            "{reason}. Experimental with a 4-bit model: each process first loads all of it, then "
            "keeps its part",
            reason=reason,
        )
    return Option(**{**o.__dict__, "verdict": verdict, "reason": reason})


def _why(name: str, processes: int) -> Text:
    if name == "none" and processes == 1:
        return text("one process: there is nothing to split")
    if name == "none":
        return text("each process has room for everything, and that is the fastest")
    if name == "deepspeed_zero2":
        return text("the least that makes it fit: only the adapter's training state is split")
    if name == "deepspeed_zero3":
        return text("the model does not fit one device; split, it does, at the price of time")
    return text("only with main memory's help does it fit; that is slow")
