"""The config: what the person asks for, in five parts that keep XTuner's names and order.

Bounds and help stand here once; the form, the command line, the YAML comments and the checks are
generated from them. Values that a machine can derive belong in the plan, never here.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from core import templates
from core.config.dataset_part import DatasetPart
from core.config.part import Part, ShortText
from core.config.part import described as _help

BUILTIN_MODEL: Final = "builtin/SmolLM2-135M-Instruct"

DEEPSPEED_PRESETS: Final = (
    "none",
    "deepspeed_zero1",
    "deepspeed_zero2",
    "deepspeed_zero2_offload",
    "deepspeed_zero3",
    "deepspeed_zero3_offload",
)
Switch = Literal["auto", "on", "off"]


Question = Annotated[str, Field(min_length=1, max_length=2000)]
Factor = Annotated[float, Field(ge=0, lt=1)]
Interval = Annotated[int, Field(ge=-1, le=10**6)]
GpuNumber = Annotated[int, Field(ge=0, le=255)]


class Settings(Part):
    """Part 1, Settings: the values that people change."""

    pretrained_model_name_or_path: Annotated[
        ShortText, _help("The base: builtin/…, folder, .gguf, owner/name, modelscope://owner/name.")
    ] = BUILTIN_MODEL
    data_path: Annotated[
        ShortText,
        _help(
            "The dataset: a file (a plain name is looked up beside this config), "
            "or owner/name on the Hugging Face Hub."
        ),
    ] = "dataset.json"
    prompt_template: Annotated[
        templates.Name,
        _help(
            "How a conversation becomes text. “auto” is the model's own template, "
            "and right for chat models."
        ),
    ] = "auto"
    max_length: Annotated[
        int,
        _help(
            "Longest conversation, in tokens; longer ones are cut at the end.", ge=32, le=131_072
        ),
    ] = 1024
    pack_to_max_length: Annotated[
        bool,
        _help(
            "Fill each step with whole conversations up to its token budget. "
            "Off: batch_size conversations a step."
        ),
    ] = True
    batch_size: Annotated[
        int,
        _help(
            "Packs of max_length tokens (or conversations, unpacked) in one batch.",
            ge=1,
            le=1024,
        ),
    ] = 1
    accumulative_counts: Annotated[
        int,
        _help(
            "Batches added up before each optimizer step; several processes share them.",
            ge=1,
            le=4096,
        ),
    ] = 16
    dataloader_num_workers: Annotated[
        int, _help("Processes that prepare batches; 0 is fastest for small data.", ge=0, le=64)
    ] = 0
    max_epochs: Annotated[
        int, _help("How many times the whole dataset is learned.", ge=1, le=1000)
    ] = 3
    lr: Annotated[
        float,
        _help(
            "Learning rate at its peak; 1e-4 to 2e-3 works for LoRA, smaller models want more.",
            gt=0,
            le=1,
        ),
    ] = 2e-4
    betas: Annotated[tuple[Factor, Factor], _help("AdamW's two averaging factors.")] = (0.9, 0.999)
    weight_decay: Annotated[float, _help("Pull of the adapter towards zero.", ge=0, le=1)] = 0.0
    max_norm: Annotated[
        float, _help("Gradients longer than this are shortened to it.", gt=0, le=1000)
    ] = 1.0
    warmup_ratio: Annotated[
        float,
        _help("Part of the steps over which the learning rate rises to its peak.", ge=0, lt=1),
    ] = 0.03
    save_steps: Annotated[
        Interval, _help("Optimizer steps between checkpoints; -1 saves only at the end.")
    ] = -1
    save_total_limit: Annotated[
        int, _help("Newest checkpoints that are kept; -1 keeps all.", ge=-1, le=1000)
    ] = 2
    evaluation_freq: Annotated[
        Interval, _help("Optimizer steps between sample answers; -1 answers only before and after.")
    ] = -1
    stop_at_recall: Annotated[
        float,
        _help(
            "End early at the checkpoint that answers this share of held-out questions about the "
            "persona rightly; 0 trains to the end.",
            ge=0,
            le=1,
        ),
    ] = 0.0
    SYSTEM: Annotated[
        str,
        _help(
            "System text put before every conversation that has none; empty for none.",
            max_length=4000,
        ),
    ] = ""
    evaluation_inputs: Annotated[
        tuple[Question, ...],
        _help(
            "Questions answered before, during and after training, to watch it learn.",
            max_length=20,
        ),
    ] = ("Who are you?", "Please tell me five scenic spots in Shanghai")


class Model(Part):
    """Part 2, Model & tokenizer: how the base is loaded and what is trained on it."""

    quantization: Annotated[
        Literal["nf4", "none"],
        _help("“nf4” keeps the frozen base in 4 bits (QLoRA); “none” in 16 bits (LoRA)."),
    ] = "nf4"
    double_quantization: Annotated[
        bool, _help("Quantise the 4-bit scales too; saves 0.4 bits a weight.")
    ] = True
    compute_dtype: Annotated[
        Literal["auto", "bfloat16", "float16", "float32"],
        _help("Number type of the arithmetic; “auto” is the best of this machine."),
    ] = "auto"
    lora_r: Annotated[int, _help("Rank of the adapter: its capacity.", ge=1, le=1024)] = 64
    lora_alpha: Annotated[
        float, _help("The adapter is scaled by lora_alpha / lora_r.", gt=0, le=4096)
    ] = 16.0
    lora_dropout: Annotated[
        float,
        _help(
            "Random blanking inside the adapter; 0 is faster and lets duplicate rows "
            "be computed once.",
            ge=0,
            lt=1,
        ),
    ] = 0.0
    lora_targets: Annotated[
        Literal["all-linear", "upper-linear", "attention"],
        _help(
            "The projections that get an adapter: all; those of the upper two thirds of the "
            "layers, which is faster and changes less; or the attention's."
        ),
    ] = "all-linear"


class Optimizer(Part):
    """Part 4, Scheduler & optimizer."""

    optim_type: Annotated[Literal["AdamW"], _help("The optimizer.")] = "AdamW"
    lr_schedule: Annotated[
        Literal["cosine", "linear", "constant"],
        _help("Course of the learning rate after warm-up."),
    ] = "cosine"
    warmup_start_factor: Annotated[
        float, _help("Learning rate of the first step, as a part of lr.", gt=0, le=1)
    ] = 1e-5
    eta_min: Annotated[float, _help("Learning rate that the course ends at.", ge=0, le=1)] = 0.0


class Runtime(Part):
    """Part 5, Runtime: where and how the job runs."""

    seed: Annotated[
        int,
        _help("Start of every random choice; the same seed repeats the run.", ge=0, le=2**31 - 1),
    ] = 42
    deepspeed: Annotated[
        str,
        _help(
            "Split optimizer states (1), gradients (2), parameters (3) over several processes; "
            "“none” on one; or the name of your own DeepSpeed .json file.",
            pattern=rf"^({'|'.join(DEEPSPEED_PRESETS)}|.{{1,250}}\.json)$",
            examples=[*DEEPSPEED_PRESETS],
        ),
    ] = "none"
    processes: Annotated[
        int, _help("Training processes; 0 is one for each GPU (one on a CPU).", ge=0, le=64)
    ] = 0
    gpus: Annotated[
        tuple[GpuNumber, ...],
        _help("GPUs to train on, as nvidia-smi numbers them; empty: as needed.", max_length=64),
    ] = ()
    activation_checkpointing: Annotated[
        Switch, _help("Recompute activations, store few: less memory, a third slower.")
    ] = "auto"
    attention: Annotated[
        Literal["auto", "transformers"],
        _help("The studio's own decoder where it has one, or the model as transformers wrote it."),
    ] = "auto"
    weight_cache: Annotated[
        Switch, _help("Unpack 4-bit weights once, not at every use: same numbers, more memory.")
    ] = "auto"
    micro_batch_tokens: Annotated[
        int, _help("Tokens computed at once; 0 lets the plan choose by memory.", ge=0, le=2**20)
    ] = 0
    merge_base: Annotated[
        Literal["dequantized", "original"],
        _help("Weights to merge the adapter into: as trained on, or the original ones."),
    ] = "dequantized"
    sample_tokens: Annotated[
        int, _help("Longest sample answer during training, in tokens.", ge=1, le=2048)
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
    def own_decoder(self) -> bool:
        """Whether the studio's own decoder may compute the model, where it knows its family."""
        return self.model.lora_dropout == 0 and self.runtime.attention == "auto"

    @property
    def tokens_per_step(self) -> int:
        """Token budget of one optimizer step, counted before duplicate collapse."""
        s = self.settings
        return s.max_length * s.batch_size * s.accumulative_counts


PARTS: Final = {
    "settings": "Settings",
    "model": "Model & tokenizer",
    "dataset": "Dataset & dataloader",
    "optimizer": "Scheduler & optimizer",
    "runtime": "Runtime",
}
