"""From config, data, model shape and hardware to a plan: a pure function, with a reason a value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from core import devices, estimate, zero
from core.config.schema import Config
from core.errors import Text, UserError, text
from core.estimate import Fit, Task
from core.fit import SHOWN_OFFLOAD, SHOWN_RECOMPUTE, fit
from core.hardware import Hardware
from core.models import Shape
from core.plan import Item, Plan, Value
from core.rates import Rates, key, typical
from core.schedule import packs
from core.split import Split, split_of
from core.work import Work, steps_of
from core.zero_advice import Option, best, options, refuse_building, slower, split_reason
from core.zero_file import Content


def plan(
    config: Config,
    work: Work,
    shape: Shape,
    hardware: Hardware,
    own: Content | None = None,
    known: Mapping[str, Rates] | None = None,
    asked: Mapping[int, int] | None = None,
) -> Plan:
    """Decide everything that the config leaves open.

    Args:
        own: the content of the person's own DeepSpeed file, where the config names one.
        known: rates that were measured on this machine, see `core.rates`.
        asked: prompts the base has not answered yet, by `Work.asked`'s lengths; all unless told.

    Raises:
        UserError: the job cannot fit this machine's free memory, or what the config asks for
            cannot run here.
    """
    items: list[Item] = []
    warnings: list[Text] = []

    def decide(
        name: str, value: Value, label: str, reason: Text, shown: Text | None = None
    ) -> None:
        plain = shown or text("{value}", value=f"{value:,}" if type(value) is int else value)
        items.append(Item(name, value, text(label), plain, reason))

    visible = hardware.gpus
    hardware, processes = devices.chosen(config, hardware)
    device = hardware.device
    dtype, why = _dtype(config, hardware)
    decide("device", device, "Device", _device_reason(hardware), _device_shown(hardware))
    decide("dtype", dtype, "Number type", why)

    deepspeed = zero.content_of(config, own)
    choice, stage = config.runtime.deepspeed, zero.stage(deepspeed)
    decide("processes", processes, "Processes", devices.processes_reason(config, hardware))
    if hardware.gpus != visible:
        indices = ",".join(str(g.index) for g in hardware.gpus)
        decide("gpus", indices, "Which GPUs", devices.gpus_reason(config, visible))
    zero.check(deepspeed, config, processes, dtype, choice)
    refuse_building(choice, zero.builds(deepspeed), hardware)
    share = hardware
    if not hardware.gpus:  # processes share the processor and its memory
        share = replace(
            hardware,
            cores=max(1, hardware.cores // processes),
            free_gib=hardware.free_gib / processes,
        )
    splits = options(config, shape, hardware, processes, dtype)
    decide(
        "deepspeed",
        choice,
        "DeepSpeed",
        split_reason(choice, stage, splits),
        text(choice.removeprefix("deepspeed_")),
    )
    if deepspeed is not None and processes == 1:
        warnings.append(
            text(
                "DeepSpeed has nothing to split on one process: it trains the same and starts "
                "more slowly. Choose “none” unless you are trying it out."
            )
        )

    steps = steps_of(config, work)
    collapse = config.dataset.collapse_duplicates and config.model.lora_dropout == 0
    rows, unique_rows = sum(work.copies), len(work.rows)
    decide(
        "steps",
        len(steps),
        "Optimizer steps",
        text(
            "{rows:,} rows × {epochs} epochs, {budget:,} tokens a step",
            rows=rows,
            epochs=config.settings.max_epochs,
            budget=config.tokens_per_step,
        ),
    )
    tokens = sum(work.lengths[m.row] * m.copies for step in steps for m in step)
    sizes = [
        sum(work.lengths[m.row] * (1 if collapse else m.copies) for m in step) for step in steps
    ]
    computed = sum(sizes)
    decide(
        "collapse",
        collapse,
        "Duplicate rows",
        _collapse_reason(config, rows, unique_rows),
        text("{computed:,} of {tokens:,} tokens computed", computed=computed, tokens=tokens),
    )

    uneven = len(steps) - Counter(sizes).most_common(1)[0][1]
    task = Task(len(steps), computed / processes, max(sizes) / processes, uneven)
    rates = (known or {}).get(key(hardware, dtype)) or typical(hardware, dtype)
    if processes > 1 and not hardware.gpus:
        rates = replace(rates, flops=rates.flops / processes, bytes=rates.bytes / processes)
    made = _fit(
        config, work, shape, share, dtype, task, split_of(deepspeed, processes), splits, rates
    )
    decide("micro_batch_tokens", made.micro_batch_tokens, "Tokens at once", made.why_tokens)
    decide(
        "weight_cache",
        made.weight_cache,
        "Unpacked weights",
        made.why_cache,
        text("kept") if made.weight_cache else text("not kept"),
    )
    decide(
        "recompute",
        made.recompute,
        "Activation checkpointing",
        made.why_recompute,
        SHOWN_RECOMPUTE[made.recompute],
    )
    if device == "cuda":
        decide(
            "offload",
            made.offload,
            "Left in main memory",
            text("the GPU's memory has room for all")
            if made.offload == "nothing"
            else text("the GPU fetches what it needs of it: the same numbers, less GPU memory"),
            SHOWN_OFFLOAD[made.offload],
        )
    fast = shape.fast and config.own_decoder
    decide(
        "attention",
        "transformers" if not fast else "varlen" if device == "cuda" else "sdpa",
        "Attention",
        text("each conversation sees only itself; no padding is computed")
        if fast
        else text("asked for in the config, or dropout needs it: the same, but slower")
        if shape.fast
        else text(
            "this kind of model is computed as transformers wrote it: the same, but slower than "
            "Llama, Qwen or Mistral here"
        ),
    )
    if hardware.gpus:
        # In stage 3 DeepSpeed's engine takes part in the passes, which no recording survives.
        able = dtype == "bfloat16" and fast and stage < 3
        decide(
            "cuda_graphs",
            able and made.graphs,
            "CUDA graphs",
            text("only for bfloat16, without dropout and ZeRO stage 3")
            if not able
            else text("a step is started as a whole, where its shape was seen before")
            if made.graphs
            else text("a pack as large as these keeps the GPU busy longer than it takes to start"),
            text("on") if able and made.graphs else text("off"),
        )
    decide(
        "trained",
        shape.lora_parameters(config.model.lora_r, config.model.lora_targets),
        "Trained numbers",
        text(
            "rank {r} on the projections “{targets}” of a model with {total:,} weights",
            r=config.model.lora_r,
            targets=config.model.lora_targets,
            total=shape.linear_parameters + shape.embedding_parameters,
        ),
    )
    if work.cut:
        warnings.append(
            text(
                "{rows:,} rows are longer than max_length = {length} tokens and lose their end.",
                rows=work.cut,
                length=config.settings.max_length,
            )
        )
    at_once = made.micro_batch_tokens
    count = sum(len(packs(s, work.lengths, at_once, collapse=collapse)) for s in steps)
    passes = count / processes
    cost = estimate.cost_of(config, shape, device, dtype, rates, stage=stage)
    training = estimate.training_seconds(cost, work, task, passes, made.choice)
    splits = options(
        config,
        shape,
        hardware,
        processes,
        dtype,
        step_seconds=training / len(steps),
        packs=passes / len(steps),
    )
    training *= 1 + slower(splits, choice, stage)
    recorded = math.ceil(passes) if made.graphs else 0
    asked = {most: len(rows) for most, rows in work.asked.items()} if asked is None else asked
    seconds = estimate.seconds(config, work, cost, task, training, recorded, asked)
    return Plan(
        items=tuple(items),
        total_steps=len(steps),
        seconds=seconds,
        memory_gib=made.memory_gib,
        disk_gib=estimate.disk_gib(config, shape),
        warnings=tuple(warnings),
        options=splits,
        step_seconds=training / len(steps),
    )


def _dtype(config: Config, hardware: Hardware) -> tuple[str, Text]:
    asked = config.model.compute_dtype
    if asked != "auto":
        return asked, text("asked for in the config")
    if hardware.gpus:
        if min(g.capability for g in hardware.gpus) >= (8, 0):
            return "bfloat16", text("this GPU computes bfloat16 at full speed")
        return "float16", text("this GPU has no bfloat16; losses are scaled to keep small numbers")
    if hardware.cpu_bf16:
        return "bfloat16", text("this processor computes bfloat16 itself")
    return "float32", text("this processor has no fast bfloat16")


def _device_shown(hardware: Hardware) -> Text:
    if hardware.gpus:
        return text("{count} × {name}", count=len(hardware.gpus), name=hardware.gpus[0].name)
    return text("processor, {cores} cores", cores=hardware.cores)


def _device_reason(hardware: Hardware) -> Text:
    if hardware.gpus:
        return text("{free:.1f} GiB of GPU memory free", free=hardware.device_free_gib)
    return text("no NVIDIA GPU here; {free:.1f} GiB of memory free", free=hardware.free_gib)


def _fit(
    config: Config,
    work: Work,
    shape: Shape,
    hardware: Hardware,
    dtype: str,
    task: Task,
    split: Split,
    splits: tuple[Option, ...],
    rates: Rates,
) -> Fit:
    """The memory choices; where nothing fits, a stage that would make it fit is named."""
    try:
        return fit(config, work, shape, hardware, dtype, task, split, rates)
    except UserError as error:
        pick = best(splits)
        if pick is None or pick.name in ("none", config.runtime.deepspeed):
            raise
        raise UserError(
            "{problem}",
            "{remedy} Or set runtime.deepspeed: {name}; {why}.",
            problem=error.problem,
            remedy=error.remedy,
            name=pick.name,
            why=pick.reason,
        ) from error


def _collapse_reason(config: Config, rows: int, unique_rows: int) -> Text:
    if rows == unique_rows:
        return text("all {rows:,} rows differ; each epoch computes each of them", rows=rows)
    if config.model.lora_dropout > 0:
        return text(
            "lora_dropout = {dropout} blanks each copy differently, so all copies are computed; "
            "with 0 equal rows would be computed once",
            dropout=config.model.lora_dropout,
        )
    if not config.dataset.collapse_duplicates:
        return text("collapse_duplicates is off: every copy is computed")
    return text(
        "{rows:,} rows are {unique:,} different ones; equal rows of a step are computed once and "
        "weighted, which is the same training",
        rows=rows,
        unique=unique_rows,
    )
