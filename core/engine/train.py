"""Train a run's plan: load, adapt, learn step by step, sample, save, and stop when asked."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from peft import PeftModel
from transformers import PreTrainedModel, set_seed

from core import rates, replies
from core.config.schema import Config
from core.config.source import load as load_config
from core.dataset import Message
from core.dataset import load as load_dataset
from core.engine import deepspeed as ds
from core.engine import lora, replay
from core.engine.base import load_base
from core.engine.decoder import decoder_of
from core.engine.gradients import Gradients
from core.engine.graphs import recorder_of
from core.engine.hosted import host
from core.engine.loss import Objective
from core.engine.memory import free_cached, memory_gib, without_holes
from core.engine.offload import leave_table
from core.engine.pace import measure
from core.engine.pulse import Pulse
from core.engine.ranks import Ranks
from core.engine.steps import Steps
from core.engine.trainer import PersonaTrainer
from core.engine.watch import Watch
from core.errors import UserError
from core.hardware import detect
from core.models import folder as model_folder
from core.plan import Plan
from core.questions import questions
from core.run import Run
from core.schedule import Step
from core.settings import Settings
from core.tokens import ChatTokenizer, Encoded
from core.work import Work, encode, steps_of

_JOB: Final = "train"


class Stopped(Exception):
    """Training ended early, on request, after saving."""


def train(
    run: Run, settings: Settings, *, resume: bool, ranks: Ranks, pulse: Pulse | None = None
) -> None:
    """Train from the beginning, or from the newest checkpoint.

    Args:
        pulse: what tells this rank that another is gone; begun once the ranks have met.

    Raises:
        UserError: something in the run does not fit together, or a step does not fit the memory.
        Stopped: on request, after a checkpoint was written.
    """
    began = time.time()
    config = load_config(run.config_file)
    plan = Plan.from_json(run.plan_file.read_text("utf-8"))
    device, dtype = str(plan["device"]), str(plan["dtype"])
    if device == "cuda" and not plan["cuda_graphs"]:
        without_holes()
    deepspeed = ds.settings(config, dtype, run.deepspeed_file)
    if deepspeed is not None:
        ds.prepare(
            device,
            deepspeed,
            lambda done: run.emit(
                "progressed", _JOB, stage="building DeepSpeed's AdamW", done=done, total=1
            ),
        )
    ranks.join(device, alone=deepspeed is not None)
    pulse = pulse or Pulse(run, _JOB, ranks)
    pulse.begin()
    path = model_folder(settings, config.settings.pretrained_model_name_or_path)
    tokenizer = ChatTokenizer.load(path, config.settings.prompt_template)
    work = encode(load_dataset(run.dataset_file), tokenizer, config)
    steps = steps_of(config, work)
    _same_everywhere(ranks, config, steps)
    checkpoint = run.checkpoint() if resume and ranks.first else None
    start = ranks.tell(checkpoint.step if checkpoint else 0)

    _pace(settings, device, dtype, ranks)
    set_seed(config.runtime.seed)  # only now: measuring draws numbers, in one rank, once
    if ranks.first:
        run.emit("started", _JOB, total_steps=len(steps), from_step=start, processes=ranks.world)
    _progress(run, ranks, "loading the model", 0, 1)
    base = _base(path, config, plan, deepspeed, ranks)
    _progress(run, ranks, "loading the model", 1, 1)
    model = lora.attach(base, config)
    driven = deepspeed is not None and ds.drives(deepspeed, dtype)
    if deepspeed is not None and not driven:
        deepspeed = ds.for_adapter(deepspeed)
    facts = {
        "model": config.settings.pretrained_model_name_or_path,
        "prompt_template": config.settings.prompt_template,
        "template_sha256": _template_hash(tokenizer),
        "total_steps": len(steps),
    }
    system = [Message("system", config.settings.SYSTEM)] if config.settings.SYSTEM else []
    prompts = [
        (q, tokenizer.prompt([*system, Message("user", q)]))
        for q in config.settings.evaluation_inputs
    ]
    probes = [
        (probe, tokenizer.prompt([*system, Message("user", probe.question)]))
        for probe in (questions(run).identity if config.settings.stop_at_recall else ())
    ]
    watch = Watch(run, config, facts, ranks, pulse, tokenizer, prompts, checkpoint, probes)
    encoded, kept = list(work.encoded), {}
    held = [i for i, row in enumerate(work.rows) if row.held] if config.dataset.kl_weight else []
    objective = Objective(model, fast=config.own_decoder, kl_reverse=config.dataset.kl_reverse)
    gradients = None if driven else Gradients(lora.trained(objective))
    trainer = PersonaTrainer(
        objective,
        config,
        Steps(
            steps,
            encoded,
            set(held),
            start=start,
            budget=int(plan["micro_batch_tokens"]),
            collapse=bool(plan["collapse"]),
            rank=ranks.rank,
            world=ranks.world,
            even=driven,
            opening_weight=config.dataset.opening_weight,
        ),
        kept,
        folder=str(run.path / ".trainer"),
        dtype=dtype,
        device=device,
        deepspeed=deepspeed,
        gradients=gradients,
        recorder=recorder_of(objective, gradients, plan) if device == "cuda" else None,
        callbacks=[watch],
        offloaded=plan.offload == "all",
    )
    watch.trainer = trainer
    trainer.due = watch.due
    trainer.after_log = watch.after_log
    trainer.after_halving = watch.after_halving

    def begin() -> None:
        """What the base says itself; under stage 3 only now can it be asked."""
        encoded[:] = _replay(run, settings, config, work, model, tokenizer, ranks)
        kept.update(replay.anchors(model, encoded, held, device))
        if start == 0:
            _progress(run, ranks, "asking the base model", 0, 1)
            watch.sample(0)

    trainer.begin = begin
    if start < len(steps):
        trainer.train()
    memory = ranks.agree(memory_gib(device))
    if ranks.first:
        _report(run, plan, time.time() - began, memory)
    if watch.stopped and watch.saved < len(steps):
        raise Stopped


def _pace(settings: Settings, device: str, dtype: str, ranks: Ranks) -> None:
    """Measure the machine once, so that the next plans know it."""
    name = rates.key(detect(), dtype)
    if ranks.world == 1 and name not in rates.known(settings):
        rates.keep(settings, name, measure(device, dtype))
        free_cached(device)


def _base(
    path: Path, config: Config, plan: Plan, deepspeed: dict[str, Any] | None, ranks: Ranks
) -> PreTrainedModel:
    split = ds.splits_base(deepspeed)
    with ds.born_split(deepspeed if split and config.model.quantization == "none" else None):
        base = load_base(
            path,
            dtype=str(plan["dtype"]),
            device=f"cuda:{ranks.local}" if plan["device"] == "cuda" else "cpu",
            quantization=config.model.quantization,
            double_quantization=config.model.double_quantization,
            unpacked=bool(plan["weight_cache"]),
            zero3=split,
        )
    recompute = str(plan["recompute"])
    if recompute == "layers":  # for transformers' own forward pass
        base.gradient_checkpointing_enable({"use_reentrant": False})
        base.enable_input_require_grads()
    if split:
        ds.gather_by_layer(base)
        if config.own_decoder:
            host(base, recompute)
    if plan.offload != "nothing":
        leave_table(base)
    if decoder := decoder_of(base):
        decoder.recompute(recompute)
    return base


def _same_everywhere(ranks: Ranks, config: Config, steps: Sequence[Step]) -> None:
    """Raise UserError where a rank read another config or dataset than rank 0."""
    own = hashlib.sha256(repr((config, steps)).encode()).hexdigest()
    found = ranks.agree((own, socket.gethostname()))
    for other, its_host in found:
        if other != found[0][0]:
            raise UserError(
                "The host {host} has another config or dataset than {first}.",
                "Copy both to all hosts, or put them on a disk that all hosts share.",
                host=its_host,
                first=found[0][1],
            )


def _replay(
    run: Run,
    settings: Settings,
    config: Config,
    work: Work,
    model: PeftModel,
    tokenizer: ChatTokenizer,
    ranks: Ranks,
) -> list[Encoded]:
    """Rows as they are trained: replay prompts with the base's own answers.

    All ranks answer (under stage 3 they must), and take rank 0's word.
    """
    encoded = list(work.encoded)
    for most, asked in work.asked.items():
        cache = replies.file_of(settings, config, most)
        known = ranks.tell(replies.known(cache))
        with model.disable_adapter():
            found = replay.complete(
                model,
                [replies.prompt_of(encoded[i]) for i in asked],
                stop_ids=tokenizer.stop_ids,
                known=known,
                keep=cache if ranks.first else None,
                report=partial(_progress, run, ranks, "asking the base model"),
                most=most,
            )
        for i, row in zip(asked, ranks.tell(found), strict=True):
            encoded[i] = row
    return encoded


def _report(run: Run, plan: Plan, seconds: float, memory: Sequence[float]) -> None:
    """Time and memory (GiB of each rank) beside what the plan expected."""
    expected = sum(plan.seconds) / 2
    run.emit("measured", _JOB, name="time", expected=expected, measured=round(seconds, 1), unit="s")
    run.emit(
        "measured",
        _JOB,
        name="memory",
        expected=round(sum(plan.memory_gib) / 2, 2),
        measured=round(max(memory), 2),
        unit="GiB",
        ranks=[round(gib, 2) for gib in memory],
    )


def _progress(run: Run, ranks: Ranks, stage: str, done: float, total: float) -> None:
    if ranks.first:
        run.emit("progressed", _JOB, stage=stage, done=done, total=total)


def _template_hash(tokenizer: ChatTokenizer) -> str:
    return hashlib.sha256(repr(tokenizer.source).encode()).hexdigest()
