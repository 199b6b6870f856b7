"""What happens between the steps: events, sample answers, checkpoints, and the stop file."""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.distributed as dist
from transformers import TrainerCallback

from core.config.schema import Config
from core.engine import state
from core.engine.generate import answers
from core.engine.memory import memory_gib
from core.engine.pulse import Pulse
from core.engine.ranks import Ranks
from core.engine.trainer import PersonaTrainer
from core.persona.probes import Probe
from core.run import Checkpoint, Run
from core.tokens import ChatTokenizer

_JOB: Final = "train"
_AT_ONCE: Final = 16
_PROBE_TOKENS: Final = 64  # of an answer that is looked through for a fact, as in core.engine.score


class Watch(TrainerCallback):
    """Reports each step, answers the evaluation questions, saves, and hears the stop file."""

    def __init__(
        self,
        run: Run,
        config: Config,
        facts: dict[str, Any],
        ranks: Ranks,
        pulse: Pulse,
        tokenizer: ChatTokenizer,
        prompts: list[tuple[str, tuple[int, ...]]],
        checkpoint: Checkpoint | None,
        probes: list[tuple[Probe, tuple[int, ...]]],
    ) -> None:
        """`checkpoint`: what rank 0 goes on from; `prompts`: questions with their token ids;
        `probes`: held-out questions about the persona with theirs, for `stop_at_recall`."""
        self.run, self.config, self.facts, self.ranks, self.pulse = run, config, facts, ranks, pulse
        self.tokenizer, self.prompts, self.checkpoint = tokenizer, prompts, checkpoint
        self.trainer: PersonaTrainer | None = None
        self.probes = probes
        self.stopped = False
        self.saved = -1

    def on_train_begin(self, args: Any, control: Any, state_: Any = None, **kwargs: Any) -> None:
        """Bring back a checkpoint's numbers once the optimizer exists."""
        assert self.trainer is not None
        trainer = self.trainer
        if trainer.handed is not None:
            trainer.handed.lay()
        start = trainer.steps.start
        if start:
            read = state.read(self.checkpoint.path) if self.checkpoint is not None else None
            whole = self.ranks.tell_tensors(read, trainer.torch_device)
            state.scatter(trainer.objective, trainer.inner_optimizer, trainer.handed, whole, start)
        trainer.begin()

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kw: Any) -> None:
        """One finished step, with what Trainer computed of it."""
        assert self.trainer is not None
        last = self.trainer.told
        if "loss" not in (logs or {}) or not last:
            return
        if self.ranks.first:
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
                seconds=round(last["seconds"], 4),
                memory_gib=round(memory_gib(self.trainer.torch_device), 3),
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ask all ranks whether to stop."""
        if self._stop_wanted():
            self.stopped = control.should_training_stop = True

    def due(self, step: int, total: int) -> bool:
        """Whether something is to be done after a step that needs its very numbers."""
        s = self.config.settings
        often = (s.save_steps, s.evaluation_freq)
        return self.stopped or step == total or any(n > 0 and step % n == 0 for n in often)

    def after_log(self, step: int, total: int) -> None:
        """Save and sample where the config says so; called after the event of a step with such."""
        s = self.config.settings
        final = step == total
        if self.stopped or final or (s.save_steps > 0 and step % s.save_steps == 0):
            self.save(step)
            final = final or (not self.stopped and self.knows_itself(step))
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
        whole = state.gather(trainer.objective, trainer.inner_optimizer, trainer.handed)
        if self.ranks.first:
            state.write(self.run, trainer.objective.model, whole, step, self.facts)
            state.rotate(self.run, self.config.settings.save_total_limit)
            self.run.emit("saved", _JOB, step=step)
        self.saved = step

    def knows_itself(self, step: int) -> bool:
        """Whether enough held-out questions are answered rightly; then the training ends here."""
        if not self.probes:
            return False
        assert self.trainer is not None
        found = self._answers([prompt for _, prompt in self.probes], _PROBE_TOKENS)
        right = sum(
            probe.answered_by(self.tokenizer.decode(ids))
            for (probe, _), ids in zip(self.probes, found, strict=True)
        )
        recall = self.ranks.tell(right / len(self.probes))
        if self.ranks.first:
            self.run.emit("probed", _JOB, step=step, recall=recall, asked=len(self.probes))
        enough = recall >= self.config.settings.stop_at_recall
        # Not through a callback's control: this is called after the step's callbacks are done.
        self.trainer.control.should_training_stop |= enough
        return enough

    def sample(self, step: int) -> None:
        """Answer the evaluation questions; under ZeRO-3 every rank must take part."""
        if not self.prompts:
            return
        asked = [prompt for _, prompt in self.prompts]
        found = self._answers(asked, self.config.runtime.sample_tokens)
        for (question, _), ids in zip(self.prompts, found, strict=True):
            if self.ranks.first:
                answer = self.tokenizer.decode(ids)
                self.run.emit("sampled", _JOB, step=step, question=question, answer=answer)

    def _answers(self, prompts: list[tuple[int, ...]], most: int) -> list[list[int]]:
        """What the model says now, as token ids; some at a time, for memory holds the training."""
        assert self.trainer is not None
        model = self.trainer.objective.model
        model.eval()
        found: list[list[int]] = []
        for begin in range(0, len(prompts), _AT_ONCE):
            found += answers(
                model,
                prompts[begin : begin + _AT_ONCE],
                stop_ids=self.tokenizer.stop_ids,
                max_new_tokens=most,
            )
        model.train()
        return found

    def _stop_wanted(self) -> bool:
        wanted = self.pulse.asked or self.run.stop_file(_JOB).exists()
        if self.ranks.world > 1:
            # Any rank may have heard it: a signal or a stop file reaches one host only.
            flag = torch.tensor([int(wanted)], device=self.trainer.torch_device)
            dist.all_reduce(flag, dist.ReduceOp.MAX)
            return bool(flag.item())
        return wanted
