"""The config: what the person asks for, in five parts that keep XTuner's names and order.

Bounds and help stand here once; the form, the command line, the YAML comments and the checks are
generated from them. Values that a machine can derive belong in the plan, never here.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

BUILTIN_MODEL: Final = "builtin/SmolLM2-135M-Instruct"

DeepSpeedPreset = Literal[
    "none",
    "deepspeed_zero1",
    "deepspeed_zero2",
    "deepspeed_zero2_offload",
    "deepspeed_zero3",
    "deepspeed_zero3_offload",
]


class Part(BaseModel):
    """One of the five parts: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Settings(Part):
    """Part 1, Settings: the values that people change."""

    pretrained_model_name_or_path: Annotated[
        str,
        Field(
            min_length=1,
            max_length=500,
            description="The base model: builtin/…, a folder, or a Hugging Face id.",
        ),
    ] = BUILTIN_MODEL
    data_path: Annotated[
        str,
        Field(
            min_length=1,
            max_length=500,
            description="The dataset file; a plain name is looked up beside this config.",
        ),
    ] = "dataset.json"
    prompt_template: Annotated[
        str,
        Field(
            min_length=1,
            max_length=60,
            description="How a conversation becomes text. “auto” is the model's own template, and right for chat models.",
        ),
    ] = "auto"
    max_length: Annotated[
        int,
        Field(
            ge=32,
            le=131_072,
            description="Longest conversation, in tokens; longer ones are cut at the end.",
        ),
    ] = 1024
    pack_to_max_length: Annotated[
        bool,
        Field(
            description="Fill each step with whole conversations up to its token budget. Off: batch_size conversations a step."
        ),
    ] = True
    batch_size: Annotated[
        int,
        Field(
            ge=1,
            le=1024,
            description="Packs of max_length tokens (or conversations, unpacked) at a time on one device.",
        ),
    ] = 1
    accumulative_counts: Annotated[
        int, Field(ge=1, le=4096, description="Batches added up before each optimizer step.")
    ] = 16
    dataloader_num_workers: Annotated[
        int,
        Field(
            ge=0, le=64, description="Processes that prepare batches; 0 is fastest for small data."
        ),
    ] = 0
    max_epochs: Annotated[
        int, Field(ge=1, le=1000, description="How many times the whole dataset is learned.")
    ] = 3
    lr: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="Learning rate at its peak; 1e-4 to 2e-3 works for LoRA, smaller models want more.",
        ),
    ] = 2e-4
    betas: Annotated[
        tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]],
        Field(description="AdamW's two averaging factors."),
    ] = (0.9, 0.999)
    weight_decay: Annotated[
        float, Field(ge=0, le=1, description="Pull of the adapter towards zero.")
    ] = 0.0
    max_norm: Annotated[
        float, Field(gt=0, le=1000, description="Gradients longer than this are shortened to it.")
    ] = 1.0
    warmup_ratio: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="Part of the steps over which the learning rate rises to its peak.",
        ),
    ] = 0.03
    save_steps: Annotated[
        int,
        Field(
            ge=-1,
            le=1_000_000,
            description="Optimizer steps between checkpoints; -1 saves only at the end.",
        ),
    ] = -1
    save_total_limit: Annotated[
        int, Field(ge=-1, le=1000, description="Newest checkpoints that are kept; -1 keeps all.")
    ] = 2
    evaluation_freq: Annotated[
        int,
        Field(
            ge=-1,
            le=1_000_000,
            description="Optimizer steps between sample answers; -1 answers only before and after.",
        ),
    ] = -1
    SYSTEM: Annotated[
        str,
        Field(
            max_length=4000,
            description="System text put before every conversation that has none; empty for none.",
        ),
    ] = ""
    evaluation_inputs: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=2000)], ...],
        Field(
            max_length=20,
            description="Questions answered before, during and after training, to watch it learn.",
        ),
    ] = ("Who are you?", "Please tell me five scenic spots in Shanghai")


class Model(Part):
    """Part 2, Model & tokenizer: how the base is loaded and what is trained on it."""

    quantization: Annotated[
        Literal["nf4", "none"],
        Field(
            description="“nf4” keeps the frozen base in 4 bits (QLoRA); “none” in 16 bits (LoRA)."
        ),
    ] = "nf4"
    double_quantization: Annotated[
        bool, Field(description="Quantise the 4-bit scales too; saves 0.4 bits a weight.")
    ] = True
    compute_dtype: Annotated[
        Literal["auto", "bfloat16", "float16", "float32"],
        Field(description="Number type of the arithmetic; “auto” is the best of this machine."),
    ] = "auto"
    lora_r: Annotated[
        int, Field(ge=1, le=1024, description="Rank of the adapter: its capacity.")
    ] = 64
    lora_alpha: Annotated[
        float, Field(gt=0, le=4096, description="The adapter is scaled by lora_alpha / lora_r.")
    ] = 16.0
    lora_dropout: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="Random blanking inside the adapter; 0 is faster and lets duplicate rows be computed once.",
        ),
    ] = 0.0
    lora_targets: Annotated[
        Literal["all-linear", "attention"], Field(description="The layers that get an adapter.")
    ] = "all-linear"


class DatasetPart(Part):
    """Part 3, Dataset & dataloader: how the rows are read and ordered."""

    format: Annotated[
        Literal["auto", "messages", "alpaca", "sharegpt", "conversation", "columns"],
        Field(description="Layout of the data file; “auto” looks at the first row."),
    ] = "auto"
    shuffle: Annotated[bool, Field(description="New order in every epoch.")] = True
    collapse_duplicates: Annotated[
        bool,
        Field(
            description="Compute equal rows of a step once, with their weight: the same training, faster (dropout 0)."
        ),
    ] = True
    kl_weight: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="How strongly replay rows hold the model to its own former answers; 0 is off.",
        ),
    ] = 0.0


class Optimizer(Part):
    """Part 4, Scheduler & optimizer."""

    optim_type: Annotated[Literal["AdamW"], Field(description="The optimizer.")] = "AdamW"
    lr_schedule: Annotated[
        Literal["cosine", "linear", "constant"],
        Field(description="Course of the learning rate after warm-up."),
    ] = "cosine"
    warmup_start_factor: Annotated[
        float, Field(gt=0, le=1, description="Learning rate of the first step, as a part of lr.")
    ] = 1e-5
    eta_min: Annotated[
        float, Field(ge=0, le=1, description="Learning rate that the course ends at.")
    ] = 0.0


class Runtime(Part):
    """Part 5, Runtime: where and how the job runs."""

    seed: Annotated[
        int,
        Field(
            ge=0,
            lt=2**31,
            description="Start of every random choice; the same seed repeats the run.",
        ),
    ] = 42
    deepspeed: Annotated[
        DeepSpeedPreset,
        Field(
            description="Split optimizer states (1), gradients (2), parameters (3) over several processes; “none” on one."
        ),
    ] = "none"
    processes: Annotated[
        int,
        Field(ge=0, le=64, description="Training processes; 0 is one for each GPU (one on a CPU)."),
    ] = 0
    activation_checkpointing: Annotated[
        Literal["auto", "on", "off"],
        Field(
            description="Recompute activations instead of storing them: less memory, a third slower."
        ),
    ] = "auto"
    weight_cache: Annotated[
        Literal["auto", "on", "off"],
        Field(
            description="Unpack the 4-bit weights once instead of at every use: same numbers, more memory."
        ),
    ] = "auto"
    micro_batch_tokens: Annotated[
        int,
        Field(
            ge=0,
            le=1_048_576,
            description="Tokens computed at once; 0 lets the plan choose by memory.",
        ),
    ] = 0
    merge_base: Annotated[
        Literal["dequantized", "original"],
        Field(
            description="Weights the adapter is merged into: those it was trained on, or the original ones."
        ),
    ] = "dequantized"
    sample_tokens: Annotated[
        int, Field(ge=1, le=2048, description="Longest sample answer during training, in tokens.")
    ] = 60


class Config(Part):
    """A whole config, five parts in order."""

    settings: Settings = Settings()
    model: Model = Model()
    dataset: DatasetPart = DatasetPart()
    optimizer: Optimizer = Optimizer()
    runtime: Runtime = Runtime()

    @model_validator(mode="after")
    def _rate_falls(self) -> Config:
        if self.optimizer.eta_min > self.settings.lr:
            raise ValueError("optimizer.eta_min is above settings.lr; lower it to at most lr")
        return self

    @property
    def tokens_per_step(self) -> int:
        """Token budget of one optimizer step on one process, counted before duplicate collapse."""
        s = self.settings
        return s.max_length * s.batch_size * s.accumulative_counts


PARTS: Final = {
    "settings": "Settings",
    "model": "Model & tokenizer",
    "dataset": "Dataset & dataloader",
    "optimizer": "Scheduler & optimizer",
    "runtime": "Runtime",
}
