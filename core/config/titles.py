"""What each key of the config is called in the form; its help and bounds stand on the field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.errors import Text, text

TITLES: Final[Mapping[str, Text]] = {
    "pretrained_model_name_or_path": text("Base model"),
    "data_path": text("Dataset"),
    "prompt_template": text("Prompt template"),
    "max_length": text("Longest conversation"),
    "pack_to_max_length": text("Fill every step"),
    "batch_size": text("Batch size"),
    "accumulative_counts": text("Batches to a step"),
    "dataloader_num_workers": text("Data processes"),
    "max_epochs": text("Epochs"),
    "lr": text("Learning rate"),
    "betas": text("Averaging factors"),
    "weight_decay": text("Weight decay"),
    "max_norm": text("Longest gradient"),
    "warmup_ratio": text("Warm-up"),
    "save_steps": text("Save every … steps"),
    "save_total_limit": text("Checkpoints kept"),
    "evaluation_freq": text("Sample answers every … steps"),
    "stop_at_recall": text("Stop once it knows itself"),
    "SYSTEM": text("System text"),
    "evaluation_inputs": text("Sample questions"),
    "quantization": text("Base in memory"),
    "double_quantization": text("Quantise twice"),
    "compute_dtype": text("Number type"),
    "lora_r": text("Adapter rank"),
    "lora_alpha": text("Adapter scale"),
    "lora_dropout": text("Adapter dropout"),
    "lora_targets": text("Adapted layers"),
    "format": text("Data layout"),
    "input_text": text("Question from columns"),
    "output_text": text("Answer from columns"),
    "system_text": text("System text from columns"),
    "max_rows": text("Most rows"),
    "max_copies": text("Most copies of a row"),
    "max_replay": text("Most replay rows"),
    "shuffle": text("Shuffle"),
    "collapse_duplicates": text("Equal rows at once"),
    "kl_weight": text("Hold on the rest"),
    "opening_weight": text("Weight of an answer's opening"),
    "optim_type": text("Optimizer"),
    "lr_schedule": text("Course of the rate"),
    "warmup_start_factor": text("First rate"),
    "eta_min": text("Last rate"),
    "seed": text("Seed"),
    "deepspeed": text("DeepSpeed"),
    "processes": text("Processes"),
    "gpus": text("Which GPUs"),
    "activation_checkpointing": text("Recompute activations"),
    "attention": text("Decoder and attention"),
    "weight_cache": text("Unpacked weights"),
    "micro_batch_tokens": text("Tokens at once"),
    "merge_base": text("Merge into"),
    "sample_tokens": text("Longest sample answer"),
}
"""Titles by key; no two parts have a key of the same name."""
