"""One optimizer step a batch: transformers' Trainer with our schedule, packs, loss and state."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Final

import torch
import torch.distributed as dist
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainingArguments

from core.config.schema import Config
from core.engine import batch
from core.engine.finished import Finished, Moment, fetched, now, seconds
from core.engine.gradients import Gradients, Trained
from core.engine.graphs import Recorder
from core.engine.loss import Objective
from core.engine.memory import free_cached, halved
from core.engine.offload import HostAdamW
from core.engine.projection import still
from core.engine.rate import rate
from core.engine.steps import Batch, Steps
from core.errors import memory_ran_out
from core.schedule import Step, packs

_log = logging.getLogger(__name__)
_APART: Final = 1_000_003  # between the seeds of two ranks: no two steps share one


class PersonaTrainer(Trainer):
    """Trainer whose batch is a whole optimizer step and whose loss is a weighted sum."""

    def __init__(
        self,
        model: Objective,
        config: Config,
        steps: Steps,
        anchors: dict[int, torch.Tensor],
        *,
        folder: str,
        dtype: str,
        device: str,
        deepspeed: dict[str, Any] | None,
        gradients: Gradients | None,
        recorder: Recorder | None,
        callbacks: list[TrainerCallback],
        offloaded: bool = False,
    ) -> None:
        """`offloaded`: the optimizer's averages stay in main memory."""
        self.offloaded = offloaded
        self.config, self.steps, self.anchors, self.torch_device = config, steps, anchors, device
        self.objective, self.gradients, self.recorder = model, gradients, recorder
        self.told: dict[str, Any] = {}
        self._last: dict[str, Any] = {}
        self.lag = 1 if device == "cuda" else 0  # steps that may be computed but not told yet
        self._waiting: list[Finished] = []
        self._before: Moment | None = None  # the end of the step before, unless work came between
        self._built: tuple[int, list[batch.Pack]] = (-1, [])
        self.begin: Callable[[], None] = lambda: None
        self.due: Callable[[int, int], bool] = lambda step, total: True
        self.after_log: Callable[[int, int], None] = lambda step, total: None
        self.after_halving: Callable[[int, int, int], None] = lambda step, before, tokens: None
        self.budget = steps.budget
        s = config.settings
        arguments = TrainingArguments(
            output_dir=folder,
            max_steps=len(steps),
            per_device_train_batch_size=1,
            learning_rate=s.lr,
            max_grad_norm=s.max_norm,
            logging_steps=1,
            logging_nan_inf_filter=False,  # it would wait for the GPU
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=device == "cpu",
            bf16=deepspeed is not None and gradients is None and dtype == "bfloat16",
            fp16=dtype == "float16",
            seed=config.runtime.seed,
            deepspeed=deepspeed,
            remove_unused_columns=False,
            dataloader_num_workers=s.dataloader_num_workers,
        )
        # Stages 1 and 2 split what is trained and get nothing else; stage 3 splits the base, too,
        # and 16-bit floats need its loss scaling: there the engine drives the model itself.
        self.handed: Trained | None = None
        if gradients is not None and deepspeed is not None:
            bucket = deepspeed["zero_optimization"]["reduce_bucket_size"]
            self.handed = Trained(gradients, model.config, int(bucket))
        elif gradients is not None:
            model._is_accelerate_prepared = True  # no DDP around it: the step adds its ranks up
        super().__init__(
            model=self.handed or model, args=arguments, train_dataset=steps, callbacks=callbacks
        )
        if gradients is not None:
            model.collect(gradients)  # only now: Trainer moves the model, and what hangs on it

    @property
    def inner_optimizer(self) -> Any:
        """DeepSpeed's optimizer, or torch's own: without what Trainer wraps around it."""
        optimizer = self.optimizer
        return getattr(optimizer, "optimizer", optimizer)

    def get_train_dataloader(self) -> DataLoader:
        """Each rank reads the whole schedule and picks its own packs: nothing is sharded here."""
        return DataLoader(
            self.steps,
            batch_size=1,
            collate_fn=lambda items: items[0],
            num_workers=self.config.settings.dataloader_num_workers,
        )

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """AdamW over the adapter, one group."""
        s = self.config.settings
        if self.optimizer is None:
            trained = [p for p in (model or self.model).parameters() if p.requires_grad]
            numbers = {"lr": s.lr, "betas": s.betas, "weight_decay": s.weight_decay}
            if self.offloaded:
                self.optimizer = HostAdamW(trained, **numbers)
            else:
                self.optimizer = torch.optim.AdamW(trained, **numbers, fused=True)
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> LambdaLR:
        """The config's course of the learning rate, from the step that the run resumes at."""
        if self.lr_scheduler is None:
            course = rate(self.config, len(self.steps.steps))
            start = self.steps.start
            inner = optimizer or self.optimizer
            while not isinstance(inner, torch.optim.Optimizer):
                inner = inner.optimizer
            self.lr_scheduler = LambdaLR(inner, lambda i: course(start + i))
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def _clip_grad_norm(self, model: nn.Module) -> torch.Tensor:
        """The same in one pass over one buffer, where the gradients are ours and not scaled."""
        ours = self.gradients is not None and self.handed is None
        if ours and self.accelerator.scaler is None:
            return self.gradients.clip(self.args.max_grad_norm)
        return super()._clip_grad_norm(model)

    def _get_num_items_in_batch(self, batch_samples: list[Batch], device: Any) -> None:
        """Nothing for Trainer to count: a batch knows what its sums are divided by."""

    def floating_point_ops(self, inputs: Batch) -> int:
        """Not counted here: the plan knows the arithmetic of every step."""
        return 0

    def training_step(
        self, model: nn.Module, inputs: Batch, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """All packs of the step, forward and backward; returns the step's loss (scalar, nats)."""
        self.objective.train()
        begin = now(self.torch_device)
        while (sums := self._attempt(model, inputs)) is None:
            self._halve(inputs)
        if self.torch_device == "cuda" and inputs.step < len(self.steps.steps):
            # The GPU is busy with this step: make the next one's packs meanwhile.
            following = self.steps[inputs.step - self.steps.start]
            self._built = (following.step, self._packs(following))
        if self.handed is not None:
            self.gradients.flat.mul_(self.steps.world)  # DeepSpeed will average
            self.accelerator.backward(model())
            self.gradients.clear()
        elif self.gradients is not None and self.steps.world > 1:
            self.gradients.share()
        if self.steps.world > 1:
            dist.all_reduce(sums)
        self._last = {
            "step": inputs.step,
            "sums": sums,
            "tokens": inputs.tokens,
            "real_tokens": inputs.real_tokens,
            "begin": begin,
        }
        return sums[:2].sum()

    def _attempt(self, model: nn.Module, inputs: Batch) -> torch.Tensor | None:
        """The step's sums, (3,), its gradients added; None where memory ran out.

        Only one process may try again: others would wait for the one that fell out of step.
        """
        # Dropout depends on the step alone, so a resumed run repeats an unbroken one.
        torch.manual_seed(self.config.runtime.seed + inputs.step + _APART * self.steps.rank)
        try:
            with still({}) if self.torch_device == "cpu" else nullcontext():
                return self._sums(model, inputs)
        except (RuntimeError, MemoryError) as error:
            alone = self.steps.world == 1 and not self.is_deepspeed_enabled
            if not alone or not memory_ran_out(error):
                raise
            _log.warning("step %d: %s", inputs.step, error)
        return None  # here nothing holds the failed pass's tensors any more

    def _halve(self, inputs: Batch) -> None:
        """Compute half as many tokens at once from now on; the step begins anew."""
        lengths = [len(e.ids) for e in self.steps.encoded]
        before = self.budget
        self.gradients.clear()
        self._built = (-1, [])
        if self.recorder is not None:
            self.recorder.forget()
        free_cached(self.torch_device)
        parts = self._parts(inputs, lengths)
        self.budget = halved(parts, lengths, before, inputs.step, self.torch_device)
        if self.recorder is not None:
            self.recorder.budget = self.budget
        self.after_halving(inputs.step, before, self.budget)

    def _sums(self, model: nn.Module, inputs: Batch) -> torch.Tensor:
        sums = torch.zeros(3, device=self.torch_device)
        mine = self._packs(inputs)
        for i, pack in enumerate(mine):
            if self.recorder is not None:
                sums += self.recorder(pack)
                continue
            driven = self.gradients is None
            if driven:  # DeepSpeed ends the step with the pass that may talk to other ranks
                self.accelerator.gradient_state._set_sync_gradients(i == len(mine) - 1)
            with self.compute_loss_context_manager():
                learned, held, kl = (model if driven else self.objective)(pack)
            if self.handed is not None:
                (learned + held).backward()
            else:
                # DeepSpeed averages over the ranks; the sums are of the whole step.
                self.accelerator.backward((self.steps.world if driven else 1) * (learned + held))
            sums += torch.stack([learned.detach(), held.detach(), kl])
        return sums

    def _parts(self, inputs: Batch, lengths: Sequence[int]) -> list[Step]:
        """The step's packs, cut smaller where memory ran out before."""
        if self.budget == self.steps.budget:
            return list(inputs.packs)
        return [
            p for whole in inputs.packs for p in packs(whole, lengths, self.budget, collapse=True)
        ]

    def _packs(self, inputs: Batch) -> list[batch.Pack]:
        """The packs of a step, weighted so that their losses add up to the step's mean."""
        if self._built[0] == inputs.step:
            return self._built[1]
        kl = self.config.dataset.kl_weight / inputs.held
        made = []
        for members in self._parts(inputs, [len(e.ids) for e in self.steps.encoded]):
            pack = batch.build(
                members,
                self.steps.encoded,
                self.anchors,
                self.torch_device,
                attention=self.objective.attention,
                opening_weight=self.config.dataset.opening_weight,
            )
            weights, held = pack.weights / inputs.learned, pack.held_weights * kl
            made.append(replace(pack, weights=weights, held_weights=held))
        return made

    def _maybe_log_save_evaluate(
        self, tr_loss: Any, grad_norm: Any, *args: Any, learning_rate: float = 0.0, **kwargs: Any
    ) -> None:
        """Tell of the step, or of the one before while the GPU computes: it never waits for us.

        Where something is due at the step, all before it has been told.
        """
        last, self._last = self._last, {}
        if not last:  # Trainer asks once more at the end
            return
        step, total = last["step"], len(self.steps.steps)
        figures = fetched(last.pop("sums"), grad_norm)
        end = now(self.torch_device)
        begin, own = self._before, last.pop("begin")
        rates = {"learning_rate": learning_rate, "figures": figures}
        self._waiting.append(Finished(**last, **rates, begin=begin or own, end=end))
        due = self.due(step, total)
        while len(self._waiting) > (0 if due else self.lag):
            self._tell(self._waiting.pop(0))
        self._before = None if due else end
        if due:
            self.after_log(step, total)

    def _tell(self, done: Finished) -> None:
        loss, held, kl, norm = done.read()
        self.told = {
            "step": done.step,
            "loss": loss,
            "kl": kl / (self.config.dataset.kl_weight or 1.0),
            "tokens": done.tokens,
            "real_tokens": done.real_tokens,
            "seconds": seconds(done.begin, done.end),
        }
        rate_ = done.learning_rate
        self.log({"loss": loss + held, "grad_norm": norm, "learning_rate": rate_})
