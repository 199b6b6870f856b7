"""Train a run's plan: load, adapt, learn step by step, sample, save, and stop when asked."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any, Final

import torch
import torch.distributed as dist
from transformers import TrainerCallback, set_seed

from core.config.schema import Config
from core.config.source import load as load_config
from core.dataset import Message
from core.dataset import load as load_dataset
from core.engine import lora, replay, state
from core.engine.base import load_base
from core.engine.decoder import decoder_of
from core.engine.deepspeed import settings as deepspeed_settings
from core.engine.generate import answers
from core.engine.graphs import recorder_of
from core.engine.loss import Objective
from core.engine.memory import memory_gib
from core.engine.trainer import PersonaTrainer, Steps
from core.models import folder as model_folder
from core.plan import Plan
from core.run import Run
from core.settings import Settings
from core.tokens import ChatTokenizer, Encoded
from core.work import Work, encode, steps_of

_JOB: Final = "train"


class Stopped(Exception):
    """Training ended early, on request, after saving."""


class Watch(TrainerCallback):
    """Reports each step, answers the evaluation questions, saves, and hears the stop file."""

    def __init__(self, run: Run, config: Config, facts: dict[str, Any], rank: int) -> None:
        self.run, self.config, self.facts, self.rank = run, config, facts, rank
        self.trainer: PersonaTrainer | None = None
        self.prompts: list[tuple[str, tuple[int, ...]]] = []
        self.tokenizer: ChatTokenizer | None = None
        self.resume_from: Path | None = None
        self.stopped = False
        self.saved = -1

    def on_train_begin(self, args: Any, control: Any, state_: Any = None, **kwargs: Any) -> None:
        """Bring back a checkpoint's numbers once the optimizer exists."""
        assert self.trainer is not None
        if self.resume_from is not None:
            state.scatter(
                self.trainer.model,
                _optimizer(self.trainer),
                state.read(self.resume_from),
                self.trainer.steps.start,
                self.trainer.is_deepspeed_enabled,
            )

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kw: Any) -> None:
        """One finished step, with what Trainer computed of it."""
        assert self.trainer is not None
        last = self.trainer.last
        if "loss" not in (logs or {}) or not last:
            return
        seconds = time.perf_counter() - last["begin"]
        if self.rank == 0:
            self.run.emit(
                "stepped",
                _JOB,
                step=last["step"],
                loss=round(last["loss"], 5),
                kl=round(last["kl"], 5),
                learning_rate=logs["learning_rate"],
                grad_norm=logs.get("grad_norm"),
                tokens=last["tokens"],
                real_tokens=last["real_tokens"],
                seconds=round(seconds, 4),
                memory_gib=round(memory_gib(self.trainer.torch_device), 3),
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask all ranks whether to stop."""
        if self._stop_wanted():
            self.stopped = control.should_training_stop = True

    def after_log(self, step: int, total: int) -> None:
        """Save and sample where the config says so; called after each step's event."""
        s = self.config.settings
        final = step == total
        if self.stopped or final or (s.save_steps > 0 and step % s.save_steps == 0):
            self.save(step)
        if not self.stopped and (
            final or (s.evaluation_freq > 0 and step % s.evaluation_freq == 0)
        ):
            self.sample(step)

    def after_halving(self, step: int, before: int, tokens: int) -> None:
        """Tell that a step did not fit the memory and is computed in smaller parts."""
        self.run.emit("halved", _JOB, step=step, before=before, tokens=tokens)

    def save(self, step: int) -> None:
        """Write a checkpoint; every rank helps to gather it."""
        assert self.trainer is not None
        trainer = self.trainer
        whole = state.gather(trainer.model, _optimizer(trainer), trainer.is_deepspeed_enabled)
        if self.rank == 0:
            state.write(self.run, trainer.model.model, whole, step, self.facts)
            state.rotate(self.run, self.config.settings.save_total_limit)
            self.run.emit("saved", _JOB, step=step)
        self.saved = step

    def sample(self, step: int) -> None:
        """Answer the evaluation questions; under ZeRO-3 every rank must take part."""
        assert self.trainer is not None and self.tokenizer is not None
        if not self.prompts:
            return
        model = self.trainer.model.model
        model.eval()
        questions = [question for question, _ in self.prompts]
        found = answers(
            model,
            [prompt for _, prompt in self.prompts],
            stop_ids=self.tokenizer.stop_ids,
            max_new_tokens=self.config.runtime.sample_tokens,
        )
        for question, ids in zip(questions, found, strict=True):
            if self.rank == 0:
                answer = self.tokenizer.decode(ids)
                self.run.emit("sampled", _JOB, step=step, question=question, answer=answer)
        model.train()

    def _stop_wanted(self) -> bool:
        wanted = self.rank == 0 and self.run.stop_file(_JOB).exists()
        if dist.is_initialized() and dist.get_world_size() > 1:
            flag = torch.tensor([int(wanted)], device=self.trainer.torch_device)
            dist.broadcast(flag, 0)
            return bool(flag.item())
        return wanted


def train(run: Run, settings: Settings, *, resume: bool, rank: int, world: int) -> None:
    """Train from the beginning, or from the newest checkpoint.

    Raises:
        UserError: something in the run does not fit together, or a step does not fit the memory.
        Stopped: on request, after a checkpoint was written.
    """
    began = time.time()
    config = load_config(run.config_file)
    plan = Plan.from_json(run.plan_file.read_text("utf-8"))
    device, dtype = str(plan["device"]), str(plan["dtype"])
    if device == "cuda":
        torch.cuda.set_device(rank)
    set_seed(config.runtime.seed)
    path = model_folder(settings, config.settings.pretrained_model_name_or_path)
    tokenizer = ChatTokenizer.load(path, config.settings.prompt_template)
    work = encode(load_dataset(run.dataset_file), tokenizer, config)
    steps = steps_of(config, work, world)
    checkpoint = run.checkpoint() if resume else None
    start = checkpoint.step if checkpoint else 0

    if rank == 0:
        run.emit("started", _JOB, total_steps=len(steps), from_step=start, processes=world)
    _progress(run, rank, "loading the model", 0, 1)
    deepspeed = deepspeed_settings(config, dtype, run.deepspeed_file)
    trainer_folder = str(run.path / ".trainer")
    base = load_base(
        path,
        dtype=dtype,
        device=f"cuda:{rank}" if device == "cuda" else "cpu",
        quantization=config.model.quantization,
        double_quantization=config.model.double_quantization,
        unpacked=bool(plan["weight_cache"]),
        zero3=deepspeed is not None and deepspeed["zero_optimization"]["stage"] == 3,
    )
    if plan["activation_checkpointing"]:
        base.gradient_checkpointing_enable({"use_reentrant": False})
        base.enable_input_require_grads()
        if decoder := decoder_of(base):
            decoder.checkpointing = True
    _progress(run, rank, "loading the model", 1, 1)
    encoded, held = _replay(run, settings, config, work, base, tokenizer, rank)
    model = lora.attach(base, config)
    kept = replay.anchors(model, encoded, held, device)
    facts = {
        "model": config.settings.pretrained_model_name_or_path,
        "prompt_template": config.settings.prompt_template,
        "template_sha256": _template_hash(tokenizer),
        "total_steps": len(steps),
    }
    watch = Watch(run, config, facts, rank)
    watch.tokenizer = tokenizer
    system = [Message("system", config.settings.SYSTEM)] if config.settings.SYSTEM else []
    watch.prompts = [
        (q, tokenizer.prompt([*system, Message("user", q)]))
        for q in config.settings.evaluation_inputs
    ]
    watch.resume_from = checkpoint.path if checkpoint else None
    schedule = Steps(
        steps,
        encoded,
        set(held),
        start=start,
        budget=int(plan["micro_batch_tokens"]),
        collapse=bool(plan["collapse"]),
        rank=rank,
        world=world,
    )
    objective = Objective(model, fast=config.model.lora_dropout == 0)
    trainer = PersonaTrainer(
        objective,
        config,
        schedule,
        kept,
        folder=trainer_folder,
        dtype=dtype,
        device=device,
        deepspeed=deepspeed,
        recorder=recorder_of(objective, plan) if device == "cuda" else None,
        callbacks=[watch],
    )
    watch.trainer = trainer
    trainer.after_log = watch.after_log
    trainer.after_halving = watch.after_halving
    if start == 0:
        _progress(run, rank, "asking the base model", 0, 1)
        watch.sample(0)
    if start < len(steps):
        trainer.train()
    if rank == 0:
        _report(run, plan, watch, time.time() - began, device)
    if watch.stopped and watch.saved < len(steps):
        raise Stopped


def _replay(
    run: Run,
    settings: Settings,
    config: Config,
    work: Work,
    base: Any,
    tokenizer: ChatTokenizer,
    rank: int,
) -> tuple[list[Encoded], list[int]]:
    """Rows as they are trained, and which of them are held by KL."""
    encoded = list(work.encoded)
    replayed = [i for i, row in enumerate(work.rows) if row.held]
    asked = [i for i in replayed if work.rows[i].messages[-1].role != "assistant"]
    if asked:
        prompts = [_asked(encoded[i]) for i in asked]
        name = f"{config.settings.pretrained_model_name_or_path}/{config.model.quantization}"
        cache = settings.home / "replay" / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"
        rows = replay.complete(
            base,
            prompts,
            stop_ids=tokenizer.stop_ids,
            cache=cache,
            report=lambda done, total: _progress(run, rank, "asking the base model", done, total),
        )
        for i, row in zip(asked, rows, strict=True):
            encoded[i] = row
    return encoded, replayed if config.dataset.kl_weight > 0 else []


def _asked(row: Encoded) -> list[int]:
    return [token for token, on in zip(row.ids, row.learned, strict=True) if not on]


def _report(run: Run, plan: Plan, watch: Watch, seconds: float, device: str) -> None:
    expected = sum(plan.seconds) / 2
    run.emit("measured", _JOB, name="time", expected=expected, measured=round(seconds, 1), unit="s")
    run.emit(
        "measured",
        _JOB,
        name="memory",
        expected=round(sum(plan.memory_gib) / 2, 2),
        measured=round(memory_gib(device), 2),
        unit="GiB",
    )


def _optimizer(trainer: PersonaTrainer) -> Any:
    optimizer = trainer.optimizer
    return optimizer if trainer.is_deepspeed_enabled else getattr(optimizer, "optimizer", optimizer)


def _progress(run: Run, rank: int, stage: str, done: float, total: float) -> None:
    if rank == 0:
        run.emit("progressed", _JOB, stage=stage, done=done, total=total)


def _template_hash(tokenizer: ChatTokenizer) -> str:
    return hashlib.sha256(repr(tokenizer.source).encode()).hexdigest()
