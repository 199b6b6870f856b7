"""Presets: every name of the grammar gives a config that stands up."""

import re
from pathlib import Path

import pytest

from core.config import catalog, source
from core.config.cards import card_of, cards
from core.config.diff import changes
from core.config.facts import facts_of
from core.config.fields import fields, value_of
from core.config.lint import lint
from core.config.recipes import RECIPES
from core.config.schema import BUILTIN_MODEL, Config
from core.config.xtuner import import_config
from core.dataset import Message, Row
from core.errors import UserError
from core.hardware import Gpu, Hardware
from core.planner import plan
from core.tokens import Encoded
from core.work import Work

THEIRS = Path(__file__).with_name("xtuner") / "internlm2_1_8b_qlora_alpaca_e3.py.txt"
GRAMMAR = re.compile(r"[a-z0-9_]+_(qlora|lora)_[a-z0-9_]+_e\d+")


def test_every_name_follows_the_grammar_and_gives_a_config() -> None:
    names = catalog.names()
    assert len(names) == len(set(names)) > 2000
    for name in names:
        config = catalog.preset(name)
        assert GRAMMAR.fullmatch(name)
        assert name.endswith(f"_e{config.settings.max_epochs}")
        assert ("_qlora_" in name) == (config.model.quantization == "nf4")
        assert config.settings.max_length <= catalog.card_of_preset(name).context


def test_presets_of_every_model_and_every_recipe_come_back_from_their_yaml() -> None:
    for name in {
        *catalog.names("smollm2_135m_lora_"),
        *catalog.names("internlm2_1_8b_qlora_"),
        *catalog.names("_qlora_openai_e3"),
    }:
        config = catalog.preset(name)
        assert source.parse(source.dump(config, comments=None)) == config


TOKENS = tuple(range(40))
ROW = Row((Message("user", "Who are you?"), Message("assistant", "Jo.")))
WORK = Work((ROW,), (8,), (Encoded(TOKENS, (False,) * 20 + (True,) * 20),), 0)
LARGE = Hardware(64, 2000, 1900, True, (Gpu("large", 1000, 990, (9, 0)),))


def test_every_preset_is_planned_and_holds_no_trap_of_its_own() -> None:
    for name in catalog.names():
        config, card = catalog.preset(name), catalog.card_of_preset(name)
        made = plan(config, WORK, card.shape, LARGE)
        assert made.total_steps == config.settings.max_epochs
        quiet = {"weight-without-replay", "system-in-no-row"}  # these hang on the rows
        facts = facts_of(config, {ROW: 8})
        assert {f.code for f in lint(config, facts)} <= quiet, name


@pytest.mark.parametrize(
    "model", "internlm2 internlm2_5 internlm3 qwen2_5 qwen3 llama3 llama3_1 llama3_2 llama3_3 "
    "smollm2 smollm3 gemma2 gemma3 phi3 phi4 mistral yi minicpm glm4".split()
)  # fmt: skip
def test_every_family_is_there_as_a_chat_model(model: str) -> None:
    found = [card for key, card in cards().items() if key.startswith(model)]
    assert any(card.chat for card in found)
    if model in ("internlm2", "internlm2_5"):
        sizes = {(card.params, card.chat) for card in found}
        assert {(1.89, True), (1.89, False), (7.74, True), (7.74, False), (19.9, True)} <= sizes


def test_every_recipe_is_there() -> None:
    assert {recipe.key for recipe in RECIPES} >= set(
        "persona persona_tutorial alpaca alpaca_zh alpaca_enzh oasst1 openai sql code_alpaca "
        "colorist medical lawyer openorca moss_sft_all".split()
    )


@pytest.mark.slow
def test_every_preset_comes_back_from_its_yaml() -> None:
    for name in catalog.names():
        config = catalog.preset(name)
        assert source.parse(source.dump(config)) == config


def test_the_default_preset_is_the_persona_recipe_on_the_builtin_model() -> None:
    config = catalog.preset(catalog.DEFAULT)
    assert catalog.DEFAULT in catalog.names()
    assert config.settings.pretrained_model_name_or_path == BUILTIN_MODEL
    assert (config.settings.lr, config.settings.max_length) == (1.4e-3, 320)
    assert (config.model.lora_r, config.model.lora_alpha, config.model.lora_dropout) == (16, 32, 0)
    assert (config.dataset.kl_weight, config.dataset.opening_weight) == (2.5, 5)
    assert config.dataset.kl_reverse == 0.5
    qlora = catalog.preset("smollm2_135m_qlora_persona_e1")
    assert qlora.model_copy(update={"model": config.model}) == config


@pytest.mark.parametrize("model", ["smollm2_135m", "internlm2_chat_1_8b"])
def test_the_tutorial_preset_has_the_values_of_the_classic_tutorial(model: str) -> None:
    config = catalog.preset(f"{model}_qlora_persona_tutorial_e2")
    s, m = config.settings, config.model
    assert (s.lr, s.max_length, s.max_epochs, s.accumulative_counts) == (2e-4, 1024, 2, 16)
    assert (m.lora_r, m.lora_alpha, m.quantization) == (64, 16, "nf4")
    assert config.dataset.kl_weight == 0


XTUNER = {  # internlm2_1_8b_qlora_alpaca_e3 of XTuner 0.1.17 to 0.1.23, value by value
    "settings.pretrained_model_name_or_path": "internlm/internlm2-1_8b",
    "settings.data_path": "hf://datasets/tatsu-lab/alpaca",
    "settings.prompt_template": "default",
    "settings.max_length": 2048,
    "settings.pack_to_max_length": True,
    "settings.batch_size": 1,
    "settings.accumulative_counts": 16,
    "settings.dataloader_num_workers": 0,
    "settings.max_epochs": 3,
    "settings.lr": 2e-4,
    "settings.betas": (0.9, 0.999),
    "settings.weight_decay": 0,
    "settings.max_norm": 1,
    "settings.warmup_ratio": 0.03,
    "settings.save_steps": 32,  # its 500 micro-batches, 16 to an optimizer step
    "settings.save_total_limit": 2,
    "settings.evaluation_freq": 32,
    "settings.SYSTEM": "",  # its alpaca text stood before sample questions only, never in training
    "settings.evaluation_inputs": (
        "请给我介绍五个上海的景点",
        "Please tell me five scenic spots in Shanghai",
    ),
    "model.quantization": "nf4",
    "model.double_quantization": True,
    "model.compute_dtype": "auto",  # its float16 becomes the best of the machine
    "model.lora_r": 64,
    "model.lora_alpha": 16,
    "model.lora_dropout": 0.0,  # its 0.1 would forbid computing equal rows once
    "model.lora_targets": "all-linear",
    "dataset.format": "alpaca",
    "dataset.shuffle": True,
    "optimizer.optim_type": "AdamW",
    "optimizer.lr_schedule": "cosine",
    "optimizer.warmup_start_factor": 1e-5,
    "optimizer.eta_min": 0,
    "runtime.deepspeed": "none",
}


def test_the_best_known_preset_has_xtuner_s_values() -> None:
    config = catalog.preset("internlm2_1_8b_qlora_alpaca_e3")
    found = {f"{part}.{key}": value_of(config, part, key) for part, key in fields()}
    assert {key: found[key] for key in XTUNER} == XTUNER
    theirs = import_config(THEIRS.read_text("utf-8")).config
    differs = {c.key: (c.before, c.after) for c in changes(theirs, config)}
    assert differs == {"lora_dropout": (0.1, 0.0)}


def test_a_copied_or_edited_text_remembers_its_preset() -> None:
    for name in ("internlm2_1_8b_qlora_alpaca_e3", "smollm2_135m_lora_persona_e7"):
        assert catalog.preset_of(catalog.marked(name, source.dump(catalog.preset(name)))) == name
    for text in ("", "settings:\n", "# preset: no_such_qlora_name_e1\n", "# preset: \n"):
        assert catalog.preset_of(text) == ""


def test_base_models_get_a_template_and_no_persona_recipe() -> None:
    assert catalog.preset("internlm2_1_8b_qlora_alpaca_e3").settings.prompt_template == "default"
    chat = catalog.preset("internlm2_chat_1_8b_qlora_alpaca_e3")
    assert chat.settings.prompt_template == "internlm2_chat"
    with pytest.raises(UserError, match="no preset"):
        catalog.preset("internlm2_1_8b_qlora_persona_e2")


def test_any_number_of_epochs_may_be_asked_for() -> None:
    assert catalog.preset("smollm2_135m_lora_persona_e3").settings.max_epochs == 3
    for wrong in ("smollm2_135m_lora_persona_e0", "smollm2_135m_lora_persona_e01"):
        with pytest.raises(UserError, match="no preset"):
            catalog.preset(wrong)


def test_names_are_found_by_part_of_them_or_by_words() -> None:
    assert catalog.names("INTERNLM2_1_8B_qlora_alpaca_e3") == ["internlm2_1_8b_qlora_alpaca_e3"]
    assert catalog.names("qwen persona")
    assert all("qwen" in n and "persona" in n for n in catalog.names("qwen persona"))
    assert catalog.names("Qwen2.5 0.5B sql") == [
        "qwen2_5_0_5b_instruct_lora_sql_e3",
        "qwen2_5_0_5b_instruct_qlora_sql_e3",
        "qwen2_5_0_5b_lora_sql_e3",
        "qwen2_5_0_5b_qlora_sql_e3",
    ]
    assert catalog.names("no such thing") == []


@pytest.mark.parametrize("words", ["mit hex codes", "apache 颜色", "Llama-3.2 逻辑", "汉语 sql"])
def test_what_no_name_says_is_found_by_licence_language_or_what_the_data_teaches(
    words: str,
) -> None:
    found = catalog.names(words)
    assert found and len(found) < 200
    if "mit" in words:
        assert {catalog.card_of_preset(name).license for name in found} == {"MIT"}
        assert all("_colorist_" in name for name in found)
    if "中文" in words:
        assert all("zh" in catalog.card_of_preset(name).languages for name in found)


@pytest.mark.parametrize("name", ["internlm2_1_8b_qlora_alpacca_e3", "", "../etc", "x" * 100_000])
def test_an_unknown_name_is_told_with_similar_ones(name: str) -> None:
    with pytest.raises(UserError) as caught:
        catalog.preset(name)
    if "alpacca" in name:
        assert "internlm2_1_8b_qlora_alpaca_e3" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_the_shape_of_every_card_counts_as_many_weights_as_its_makers_do() -> None:
    for card in cards().values():
        counted = (card.shape.linear_parameters + card.shape.embedding_parameters) / 1e9
        tolerance = 0.2 if card.family == "minicpm3" else 0.015
        assert counted == pytest.approx(card.params, rel=tolerance), card.key
        assert card.url.startswith("https://huggingface.co/")
        assert set(card.languages) <= {"en", "zh"}


def test_a_card_is_found_by_repository_or_by_folder_name() -> None:
    by_id, by_folder = card_of("internlm/internlm2-1_8b"), card_of("/data/internlm2-chat-1_8b/")
    assert by_id and by_id.key == "internlm2_1_8b" and not by_id.chat
    assert by_folder and by_folder.key == "internlm2_chat_1_8b"
    assert card_of(BUILTIN_MODEL) == cards()["smollm2_135m"]
    assert card_of("someone/unknown") is None


def test_every_preset_is_described_in_both_languages() -> None:
    for recipe in RECIPES:
        name = catalog.names(f"smollm2_135m_qlora_{recipe.key}_e")[0]
        assert "SmolLM2" in catalog.describe(name)
        assert "模型：" in catalog.describe(name, "zh")
    assert "Accept the licence" in catalog.describe("llama3_8b_instruct_qlora_openai_e3")
    assert "lawyer.json" in catalog.describe("qwen3_4b_lora_lawyer_e3")


def test_hub_recipes_name_data_files_and_columns_that_pair_up() -> None:
    for recipe in RECIPES:
        config = catalog.preset(f"smollm2_135m_lora_{recipe.key}_e1")
        assert config.settings.data_path.startswith("hf://datasets/") == (recipe.source == "hub")
        assert len(config.dataset.input_text) == len(config.dataset.output_text)
        assert config.model == Config().model.model_copy(
            update={
                "quantization": "none",
                "lora_r": config.model.lora_r,
                "lora_alpha": config.model.lora_alpha,
                "lora_targets": config.model.lora_targets,
            }
        )
