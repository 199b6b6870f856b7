"""Which machine a preset needs is told before anything is downloaded."""

from __future__ import annotations

import pytest

from core.config import catalog
from core.hardware import Gpu, Hardware
from core.needs import not_ready

LAPTOP = Hardware(cores=8, memory_gib=16, free_gib=10, cpu_bf16=True)
CARD = Hardware(8, 64, 60, True, (Gpu("RTX", 8, 7.5, (8, 6)),))


@pytest.mark.parametrize(
    ("name", "hardware", "said"),
    [
        ("smollm2_135m_qlora_persona_e1", LAPTOP, "it fits here"),
        ("internlm2_chat_1_8b_qlora_persona_e2", CARD, "it fits here"),
        ("qwen2_5_7b_instruct_lora_persona_e2", CARD, "it needs a GPU of 24 GB"),
        ("llama3_1_70b_instruct_qlora_persona_e2", CARD, "it needs a GPU of 80 GB"),
        ("llama3_1_70b_instruct_lora_persona_e2", LAPTOP, "several GPUs of 80 GB"),
    ],
)
def test_a_model_too_large_says_which_machine_it_needs(name, hardware, said):
    assert said in catalog.describe(name, "en", hardware)


def test_a_model_that_is_not_here_tells_its_size_and_the_machine_it_needs():
    config = catalog.preset("llama3_1_70b_instruct_qlora_persona_e2")
    told = str(not_ready(config, CARD))
    assert "has to be downloaded once (about 131.5 GiB)" in told
    assert "it needs a GPU of 80 GB" in told
    pinned = {"pretrained_model_name_or_path": "modelscope://x/Llama-3.1-70B-Instruct@v1"}
    config = config.model_copy(update={"settings": config.settings.model_copy(update=pinned)})
    assert "it needs a GPU of 80 GB" in str(not_ready(config, CARD))


def test_every_preset_tells_its_licence_its_languages_its_context_and_its_page():
    for name in catalog.names("qlora_alpaca"):
        card = catalog.card_of_preset(name)
        told = catalog.describe(name)
        assert card.license in told and card.url in told and f"{card.context:,}" in told
        assert f"{card.params:g} billion" in told
