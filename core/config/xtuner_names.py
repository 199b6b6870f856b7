"""XTuner 0.1's names and what becomes of them here: the importer's tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.config.fields import Value
from core.errors import Text, text

SOURCES: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("settings", "pretrained_model_name_or_path"): (
        "{llm}.pretrained_model_name_or_path",
        "pretrained_model_name_or_path",
    ),
    ("settings", "max_length"): ("{data}.max_length", "max_length"),
    ("settings", "pack_to_max_length"): ("{data}.pack_to_max_length", "pack_to_max_length"),
    ("settings", "batch_size"): (
        "train_dataloader.batch_size",
        "training_args.per_device_train_batch_size",
        "batch_size",
    ),
    ("settings", "dataloader_num_workers"): (
        "train_dataloader.num_workers",
        "dataloader_num_workers",
    ),
    ("settings", "max_epochs"): (
        "train_cfg.max_epochs",
        "training_args.num_train_epochs",
        "max_epochs",
    ),
    ("settings", "lr"): (
        "optim_wrapper.optimizer.lr",
        "training_args.learning_rate",
        "lr",
    ),
    ("settings", "betas"): ("optim_wrapper.optimizer.betas", "betas"),
    ("settings", "weight_decay"): (
        "optim_wrapper.optimizer.weight_decay",
        "training_args.weight_decay",
        "weight_decay",
    ),
    ("settings", "max_norm"): (
        "optim_wrapper.clip_grad.max_norm",
        "training_args.max_grad_norm",
        "max_norm",
    ),
    ("settings", "save_total_limit"): (
        "default_hooks.checkpoint.max_keep_ckpts",
        "training_args.save_total_limit",
        "save_total_limit",
    ),
    ("settings", "evaluation_inputs"): ("{chat}.evaluation_inputs", "evaluation_inputs"),
    ("model", "double_quantization"): ("{bits}.bnb_4bit_use_double_quant",),
    ("model", "lora_r"): ("{lora}.r",),
    ("model", "lora_alpha"): ("{lora}.lora_alpha",),
    ("model", "lora_dropout"): ("{lora}.lora_dropout",),
    ("dataset", "shuffle"): ("train_dataloader.sampler.shuffle",),
    ("runtime", "seed"): ("randomness.seed", "training_args.seed"),
}
"""Keys whose value is taken as it stands, from the first of these places that has one."""

MAP_FUNCTIONS: Final[Mapping[str, Mapping[str, Value]]] = {
    "openai_map_fn": {"format": "messages"},
    "alpaca_map_fn": {"format": "alpaca"},
    "medical_map_fn": {"format": "alpaca"},
    "oasst1_map_fn": {"format": "oasst1"},
    "wizardlm_map_fn": {"format": "sharegpt"},
    "default_map_fn": {"format": "columns"},
    "alpaca_zh_map_fn": {
        "format": "columns",
        "input_text": ("{instruction_zh}\n{input_zh}",),
        "output_text": ("{output_zh}",),
    },
    "law_reference_map_fn": {
        "format": "columns",
        "input_text": ("{question}",),
        "output_text": ("{answer}",),
    },
    "crime_kg_assitant_map_fn": {"format": "columns"},
    "colors_map_fn": {
        "format": "columns",
        "input_text": ("{description}",),
        "output_text": ("{color}",),
    },
    "sql_map_fn": {
        "format": "columns",
        "input_text": ("{context}\n{question}",),
        "output_text": ("{answer}",),
    },
    "code_alpaca_map_fn": {
        "format": "columns",
        "input_text": ("{prompt}",),
        "output_text": ("{completion}",),
    },
    "tiny_codes_map_fn": {
        "format": "columns",
        "input_text": ("{prompt}",),
        "output_text": ("{response}",),
    },
    "arxiv_map_fn": {
        "format": "columns",
        "input_text": ("{abstract}",),
        "output_text": ("{title}",),
    },
    "openorca_map_fn": {
        "format": "columns",
        "input_text": ("{question}",),
        "output_text": ("{response}",),
        "system_text": "{system_prompt}",
    },
    "stack_exchange_map_fn": {
        "format": "columns",
        "input_text": ("{question}",),
        "output_text": ("{response}",),
    },
}
"""What each of XTuner's dataset functions reads, in our words."""

NOT_OFFERED: Final[Mapping[str, Text]] = {
    "llava_map_fn": text("pictures are not learned here, only the language model is"),
    "llava_image_only_map_fn": text("pictures are not learned here, only the language model is"),
    "pretrain_map_fn": text("plain text without a question is not learned here"),
    "msagent_react_map_fn": text("it runs code that stands in the data, which is never done here"),
}
"""Dataset functions whose rows cannot be learned here, with the reason."""

WITH_SYSTEM: Final = frozenset(
    f"{name}_map_fn"
    for name in (
        "medical",
        "law_reference",
        "crime_kg_assitant",
        "colors",
        "sql",
        "code_alpaca",
        "tiny_codes",
        "arxiv",
    )
)
"""Functions that put a system text of their own before each row."""

VARIABLES: Final = frozenset(
    (
        "use_varlen_attn",
        "sequence_parallel_size",
        "accumulative_counts",
        "optim_type",
        "warmup_ratio",
        "save_steps",
        "evaluation_freq",
        "SYSTEM",
        "prompt_template",
        "tokenizer",
        "train_dataset",
        *(paths[-1] for paths in SOURCES.values()),
    )
)
"""Names that XTuner's configs give to values which they then use in a section."""

_STUDIO: Final = text("the studio decides this itself")
_NATIVE: Final = text("model and tokenizer are loaded natively, without code from their repository")
_ANSWERS: Final = text("learning from preferences is not offered, only from answers")
_PICTURES: Final = text("pictures are not learned here, only the language model is")
_PACKING: Final = text("rows are packed whole, each seeing only itself")
_NUMBERS: Final = text("number types and loss scaling are chosen for the machine")
_QUESTIONS: Final = text("during training the studio asks its own questions instead")

IGNORED: Final[tuple[tuple[str, Text], ...]] = (
    (r"model\.(visual_|freeze_|pretrained_pth|projector|image_processor)", _PICTURES),
    (r"(image_|visual_|llava_|pad_image)", _PICTURES),
    (r"model\.(loss_type|beta|ref_llm|use_varlen_attn_ref|reward_|penalty_type|label_)", _ANSWERS),
    (r"(dpo|loss_type|loss_beta|orpo|reward|penalty_type)", _ANSWERS),
    (r"(sequence_parallel|.*\.sequence_parallel)", text("long texts are not split over devices")),
    (
        r"(model\.use_activation_checkpointing|gradient_checkpointing)$",
        text("set runtime.activation_checkpointing if needed"),
    ),
    (r"model\.(type|use_varlen_attn)$", _STUDIO),
    (
        r"{llm}\.(type|trust_remote_code|low_cpu_mem_usage|attn_implementation|device_map)$",
        _NATIVE,
    ),
    (r"{bits}\.", _NUMBERS),
    (r"{lora}\.(type|task_type|bias)$", _STUDIO),
    (r"(trainer|training_args)(\.|$)", _STUDIO),
    (r"model_resource", _NATIVE),
    (r"(model\.)?tokenizer(\.|$)", _NATIVE),
    (r"(val|test)_(dataset|dataloader|cfg|evaluator)", _QUESTIONS),
    (r"{data}\.(type|tokenizer|image_processor|dataset\.type|template_map_fn(\.type)?)", _NATIVE),
    (
        r"{data}\.(remove_unused_columns|shuffle_before_pack|use_varlen_attn|map_num_proc)$",
        _PACKING,
    ),
    (r"{data}\.bot_name$", text("a row is read as it stands, with the name in it")),
    (r"{data}\.(image_folder|pad_image_to_square|per_image_length)", _PICTURES),
    (r"train_dataloader\.dataset\.(type$|datasets)", text("a config here has one dataset")),
    (
        r"train_dataloader\.(sampler|batch_sampler|collate_fn|persistent_workers|pin_memory)",
        _STUDIO,
    ),
    (r"optim_wrapper\.(type|dtype|loss_scale|clip_grad|optimizer\.type)", _NUMBERS),
    (r"train_cfg\.(type|by_epoch|val_interval)$", _STUDIO),
    (r"custom_hooks", _STUDIO),
    (r"default_hooks", _STUDIO),
    (r"(env_cfg|visualizer|vis_backends|log_level|log_processor|launcher|work_dir)", _STUDIO),
    (r"(default_scope|randomness|runner_type|experiment_name|framework)", _STUDIO),
    (r"strategy", text("set runtime.deepspeed instead")),
    (r"(load_from|resume)", text("a run goes on from its own checkpoints")),
)
"""Patterns of names that have no place here, the first that fits, each with the reason."""
