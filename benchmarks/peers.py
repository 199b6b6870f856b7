"""TRL's SFTTrainer at its best on one GPU, for `throughput.py`: packing, variable-length attention.

Run by `throughput.py`, or: PYTHONPATH=. python benchmarks/peers.py MODEL ROWS TOKENS on|off|plain
on, off: checkpointing. plain: as most scripts train, transformers and peft with padded rows,
torch's attention and no special kernels; half as many rows at once, which fit the memory.
Attention is FlashAttention 2 where the package flash-attn is installed; else torch's own kernels of
it over the borders (`varlen_attn`), which TRL is given by name. Liger's kernels are used where
they are installed. Prints JSON as its last line.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AttentionInterface,
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    PreTrainedTokenizerFast,
    TrainerCallback,
)

_WARM = 4
_LENGTH = 1024


def varlen(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    position_ids: torch.Tensor | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """FlashAttention 2 inside torch, over the borders that restarting positions tell."""
    assert position_ids is not None
    borders, longest = _borders(position_ids)
    q, k, v = (x[0].transpose(0, 1) for x in (query, key, value))
    out = _Varlen.apply(q, k, v, borders, longest, scaling)
    return out[None], None


class _Varlen(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, k, v, borders, longest, scale):
        out, spread, state, unused, _ = torch.ops.aten._flash_attention_forward(
            q, k, v, borders, borders, longest, longest, 0.0, True, False, scale=scale
        )
        ctx.save_for_backward(q, k, v, out, spread, borders, state, unused)
        ctx.longest, ctx.scale = longest, scale
        return out

    @staticmethod
    def backward(ctx, d):
        q, k, v, out, spread, borders, state, unused = ctx.saved_tensors
        size = ctx.longest
        grads = torch.ops.aten._flash_attention_backward(
            d.contiguous(), q, k, v, out, spread, borders, borders, size, size, 0.0, True,
            state, unused, scale=ctx.scale,
        )  # fmt: skip
        return (*grads, None, None, None)


_seen: tuple[torch.Tensor | None, tuple[torch.Tensor, int]] = (None, (torch.empty(0), 0))


def _borders(positions: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Where conversations begin; found once for all layers of a pass."""
    global _seen
    if _seen[0] is not positions:
        flat = positions.flatten()
        starts = (flat == 0).nonzero().flatten()
        ends = torch.cat([starts, starts.new_tensor([len(flat)])]).int()
        _seen = (positions, (ends, int(flat.max()) + 1))
    return _seen[1]


class Clock(TrainerCallback):
    """Time of each step, the GPU's work waited for."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """A step is done when the GPU has done it."""
        torch.cuda.synchronize()
        self.ends.append(time.perf_counter())
        if len(self.ends) == _WARM:
            torch.cuda.reset_peak_memory_stats()


def tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """TRL wants one, though all rows are token ids already."""
    from tokenizers import Tokenizer, models

    words = {"<pad>": 0, "<eos>": 1, **{f"w{i}": i for i in range(2, vocabulary)}}
    made = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="<eos>")


def main() -> None:
    """Train a few steps and print what was measured."""
    import datasets.fingerprint
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    # Names for cached files, which nothing here reads again; some versions cannot make them.
    datasets.fingerprint.Hasher.hash = classmethod(lambda cls, value: uuid.uuid4().hex)
    folder, lengths, tokens, way = (
        Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()), int(sys.argv[3]),
        sys.argv[4],
    )  # fmt: skip
    plain, checkpointing = way == "plain", way == "on"
    steps = int(sys.argv[5]) if len(sys.argv) > 5 else 16
    attention = "flash_attention_2" if importlib.util.find_spec("flash_attn") else "varlen"
    attention = "sdpa" if plain else attention
    AttentionInterface.register("varlen", varlen)
    liger = not plain and importlib.util.find_spec("liger_kernel") is not None
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.bfloat16,
        device_map={"": "cuda:0"},
        attn_implementation=attention,
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        ),
    )
    vocabulary = model.config.vocab_size
    make = torch.Generator().manual_seed(0)
    rows = {"input_ids": [], "labels": []}
    for length, learned in lengths:
        ids = torch.randint(2, vocabulary, (length,), generator=make).tolist()
        rows["input_ids"].append(ids)
        rows["labels"].append([-100] * (length - learned) + ids[length - learned :])
    clock = Clock()
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            output_dir="/tmp/trl-benchmark",
            packing=not plain,
            max_length=_LENGTH,
            per_device_train_batch_size=tokens // _LENGTH // (2 if plain else 1),
            gradient_checkpointing=checkpointing,
            gradient_checkpointing_kwargs={"use_reentrant": False} if checkpointing else None,
            use_liger_kernel=liger,
            max_steps=steps,
            learning_rate=1e-4,
            bf16=True,
            logging_steps=1000,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_dict(rows),
        processing_class=tokenizer(vocabulary),
        peft_config=LoraConfig(
            r=64,
            lora_alpha=16,
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
        callbacks=[clock],
    )
    counts: list[int] = []
    collate = trainer.data_collator

    def counted(items: list[dict[str, Any]]) -> Any:
        made = collate(items)
        real = made.get("attention_mask", torch.ones_like(made["input_ids"]))
        counts.append(int(real.sum()))
        return made

    trainer.data_collator = counted
    trainer.train()
    seconds = clock.ends[-1] - clock.ends[_WARM - 1]
    done = sum(counts[_WARM : len(clock.ends)])
    print(
        json.dumps(
            {
                "speed": done / seconds,
                "gib": torch.cuda.max_memory_allocated() / 2**30,
                "reserved": torch.cuda.max_memory_reserved() / 2**30,
                "attention": attention,
                "liger": liger,
                "tokens": done / (len(clock.ends) - _WARM),
            }
        )
    )


if __name__ == "__main__":
    main()
