"""Changes between configs, by key and as text."""

from core.config import catalog, source
from core.config.diff import Change, changes, text_diff
from core.config.schema import Config


def test_equal_configs_have_no_changes() -> None:
    assert changes(Config(), Config()) == []
    assert text_diff("a\n", "a\n") == ""


def test_each_differing_key_is_told_with_both_values() -> None:
    qlora = catalog.preset("smollm2_135m_qlora_persona_e1")
    lora = catalog.preset("smollm2_135m_lora_persona_e5")
    assert changes(qlora, lora) == [
        Change("settings", "max_epochs", 1, 5),
        Change("model", "quantization", "nf4", "none"),
    ]


def test_the_text_diff_shows_only_the_changed_lines_of_an_edit() -> None:
    before = source.dump(Config())
    after = source.edit(before, {("settings", "lr"): 0.001})
    diff = text_diff(before, after, names=("mine.yaml", "new.yaml"))
    assert diff.startswith("--- mine.yaml\n+++ new.yaml\n@@")
    assert [x for x in diff.splitlines() if x[0] in "+-" and x[:3] not in ("+++", "---")] == [
        "-  lr: 0.0002",
        "+  lr: 0.001",
    ]
