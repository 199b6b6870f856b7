"""Two voices from one run: the tuned model and its base, ready to answer the same question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from peft import PeftModel
from torch import nn

from core.config.schema import Config
from core.dataset import Message
from core.engine.base import load_base
from core.engine.generate import stream
from core.engine.lora import attach, load_adapter, set_strength
from core.run import Run
from core.tokens import ChatTokenizer


class Voices:
    """A loaded pair. `tuned` is the adapter on its base, or the merged model beside the base."""

    def __init__(
        self, tuned: nn.Module, base: nn.Module | None, tokenizer: ChatTokenizer, system: str
    ) -> None:
        self._tuned, self._base = tuned, base
        self._tokenizer, self._system = tokenizer, system

    @classmethod
    def load(
        cls,
        run: Run,
        config: Config,
        base_folder: Path,
        *,
        dtype: str,
        device: str,
        step: int | None,
        merged: bool,
    ) -> Voices:
        """Load a run's adapter (of a step, or the newest) or its merged model.

        Raises:
            UserError: there is no such checkpoint or merged model.
        """
        tokenizer = ChatTokenizer.load(base_folder, config.settings.prompt_template)
        base = load_base(
            base_folder,
            dtype=dtype,
            device=device,
            quantization=config.model.quantization,
            double_quantization=config.model.double_quantization,
        )
        base.eval()
        if merged:
            tuned = load_base(run.merged, dtype=dtype, device=device).eval()
            return cls(tuned, base, tokenizer, config.settings.SYSTEM)
        adapted = attach(base, config)
        load_adapter(adapted, run.checkpoint(step).path)
        return cls(adapted.eval(), None, tokenizer, config.settings.SYSTEM)

    def answer(
        self,
        messages: Sequence[Message],
        *,
        tuned: bool,
        strength: float,
        max_new_tokens: int,
        temperature: float,
        seed: int,
    ) -> Iterator[str]:
        """Yield the answer in pieces of whole characters; `strength` scales an adapter."""
        if self._system and messages[0].role != "system":
            messages = [Message("system", self._system), *messages]
        prompt = self._tokenizer.prompt(messages)
        model = self._tuned if tuned or self._base is None else self._base
        switch = nullcontext() if tuned or self._base is not None else self._tuned.disable_adapter()
        if isinstance(self._tuned, PeftModel):
            set_strength(self._tuned, strength)
        ids: list[int] = []
        told = 0
        with switch:
            for (token,) in stream(
                model,
                [prompt],
                stop_ids=self._tokenizer.stop_ids,
                max_new_tokens=max_new_tokens,
                temperature=temperature,
                seed=seed,
            ):
                if token is None:
                    break
                ids.append(token)
                # A character of several tokens shows as U+FFFD until its last one is there.
                whole = self._tokenizer.decode(ids)
                if not whole.endswith("\ufffd"):
                    yield whole[told:]
                    told = len(whole)
