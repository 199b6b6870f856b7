"""What DeepSpeed is told: presets, a person's own file, and where it contradicts the config."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path

import pytest

from core import zero, zero_file
from core.config.schema import DEEPSPEED_PRESETS, Config
from core.errors import UserError
from core.zero_keys import REFUSED, RULES, SECTIONS

FIVE = DEEPSPEED_PRESETS[1:]
OWN = {"zero_optimization": {"stage": 2}}


def refused(content) -> str:
    source = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(UserError) as error:
        zero_file.parse(source, "mine.json")
    assert error.value.render("zh") != error.value.render("en")
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "stage", "optimizer", "parameters"),
    [*zip(FIVE, (1, 2, 2, 3, 3), (0, 0, 1, 0, 1), (0, 0, 0, 0, 1), strict=True)],
)
def test_the_five_presets_have_xtuner_s_values_and_pass_their_own_check(
    name, stage, optimizer, parameters
):
    made = zero.preset(name)
    split = made["zero_optimization"]
    assert zero.stage(made) == stage
    assert split["overlap_comm"] is True
    assert ("offload_optimizer" in split, "offload_param" in split) == (optimizer, parameters)
    assert ("stage3_gather_16bit_weights_on_model_save" in split) == (stage == 3)
    assert made["zero_force_ds_cpu_optimizer"] is False
    assert zero_file.parse(zero.dumps(made).encode(), name) == made
    assert zero.faults(made, Config(), 2, "bfloat16") == []


def test_every_fault_of_a_file_is_told_at_once_with_the_key_that_was_meant():
    said = refused(
        {
            "zero_optimisation": {"stage": 2},
            "zero_optimization": {
                "stage": 4,
                "overlap_com": True,
                "reduce_bucket_size": "big",
                "offload_optimizer": {"device": "gpu"},
                "gradient_clipping": 1,
            },
            "bf16": True,
            "tensorboard": {"enabled": True},
        }
    )
    assert "Did you mean “zero_optimization”?" in said
    assert "zero_optimization.stage: 4 cannot be used here. Write one of: 0, 1, 2, 3." in said
    assert "Did you mean “overlap_comm”?" in said
    assert 'reduce_bucket_size: "big" cannot be used here. Write “auto”, or a number' in said
    assert 'offload_optimizer.device: "gpu" cannot' in said
    assert "zero_optimization.gradient_clipping: DeepSpeed has no such key" in said
    assert "Did you mean gradient_clipping?" in said
    assert "bf16: It must hold keys." in said
    assert "tensorboard: It has no place here." in said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b'{"zero_optimization": {"stage": 2},}', "line 1"),
        (b"[1]", "JSON object"),
        (b"{}", "zero_optimization: It is missing."),
        (b'{"zero_optimization": {}}', "zero_optimization.stage: It is missing."),
        (b'{"bf16": {}, "bf16": {}, "zero_optimization": {"stage": 1}}', "here twice"),
        (b"[" * 50_000, "is not JSON"),
        (b"\xff", "is not JSON"),
        (b" " * 70_000, "larger than 64 KiB"),
        (
            b'{"zero_optimization": {"stage": 2, "offload_param": {"device": "cpu"}}}',
            "It needs stage 3.",
        ),
        (
            b'{"zero_optimization": {"stage": 2, "offload_optimizer": {"nvme_path": "/x"}}}',
            "Offload to a disk is not offered",
        ),
    ],
)
def test_what_is_no_deepspeed_file_is_refused_with_the_reason(source, said):
    assert said in refused(source)


def test_a_missing_file_is_no_crash(tmp_path):
    with pytest.raises(UserError, match="no DeepSpeed file"):
        zero_file.read(tmp_path / "gone.json")


def test_numbers_that_contradict_the_config_are_explained_and_auto_agrees():
    config = Config.model_validate({"settings": {"accumulative_counts": 4}})
    own = {
        **OWN,
        "train_batch_size": 9,
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 16,
        "gradient_clipping": 0.5,
        "fp16": {"enabled": True},
        "optimizer": {"type": "AdamW", "params": {"lr": 1e-5, "betas": "auto"}},
        "scheduler": {"type": "WarmupDecayLR"},
    }
    said = {f.key: str(f.sentence) for f in zero.faults(own, config, 2, "bfloat16")}
    assert set(said) == {
        *("train_batch_size", "gradient_accumulation_steps", "gradient_clipping"),
        *("fp16.enabled", "optimizer.params.lr", "scheduler.type"),
    }
    assert (
        "9 here, but settings.batch_size × settings.accumulative_counts is 4"
        in said["train_batch_size"]
    )
    assert "computes in bfloat16" in said["fp16.enabled"]
    with pytest.raises(UserError, match=r"mine\.json cannot be used"):
        zero.check(own, config, 2, "bfloat16", "mine.json")
    zero.check(OWN, config, 2, "bfloat16", "mine.json")


def test_the_engine_gets_the_config_s_values_and_buffers_that_fit_an_adapter():
    config = Config.model_validate({"settings": {"max_norm": 0.5}})
    own = {
        **OWN,
        "train_batch_size": "auto",
        "optimizer": {"type": "AdamW"},
        "fp16": {"hysteresis": 3},
    }
    told = zero.resolve(own, config, "float16")
    assert told["gradient_clipping"] == 0.5
    assert told["fp16"] == {"hysteresis": 3, "enabled": True}
    assert told["bf16"] == {"enabled": False}
    assert told["zero_optimization"] == {"stage": 2, "reduce_bucket_size": 2**24}
    assert told["timers"] == {"throughput": {"enabled": False}}, "they would wait for the GPU"
    assert zero.resolve({**OWN, "timers": {}}, config, "float16")["timers"] == {}
    assert not {"train_batch_size", "optimizer"} & set(told)
    assert OWN == {"zero_optimization": {"stage": 2}}, "the person's content is left alone"


def test_a_run_s_own_file_is_the_only_one_that_is_read(tmp_path):
    config = Config.model_validate({"runtime": {"deepspeed": "/etc/other.json"}})
    (tmp_path / "deepspeed.json").write_text(json.dumps(OWN))
    assert zero.own(config, tmp_path / "deepspeed.json") == OWN
    assert zero.own(Config(), tmp_path / "gone.json") is None


def installed(file: str) -> dict[str, set[str]]:
    """Keys by class as the installed DeepSpeed declares them, its aliases in their place."""
    package = importlib.util.find_spec("deepspeed")
    assert package is not None and package.origin is not None
    tree = ast.parse((Path(package.origin).parent / "runtime" / file).read_text("utf-8"))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            found[node.name] = {
                next(
                    (k.value.value for k in getattr(f.value, "keywords", []) if k.arg == "alias"),
                    f.target.id,
                )
                for f in node.body
                if isinstance(f, ast.AnnAssign)
            }
    return found


@pytest.mark.parametrize(
    ("file", "name", "section"),
    [
        ("zero/config.py", "DeepSpeedZeroConfig", "zero_optimization"),
        (
            "zero/offload_config.py",
            "DeepSpeedZeroOffloadOptimizerConfig",
            "zero_optimization.offload_optimizer",
        ),
        (
            "zero/offload_config.py",
            "DeepSpeedZeroOffloadParamConfig",
            "zero_optimization.offload_param",
        ),
        ("precision_config.py", "DeepSpeedFP16Config", "fp16"),
        ("precision_config.py", "DeepSpeedBF16Config", "bf16"),
    ],
)
def test_the_studio_s_table_has_every_key_of_the_installed_deepspeed(file, name, section):
    known = {*RULES, *SECTIONS, *REFUSED}
    here = {k.rpartition(".")[2] for k in known if k.rpartition(".")[0] == section}
    gone = {"mics_shard_size", "mics_hierarchical_params_gather", "zeropp_loco_param"}
    assert here - gone == installed(file)[name] - {"config_dict"}
