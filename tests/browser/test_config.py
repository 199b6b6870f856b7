"""The Config tab in a real browser: the tutorial's edits by hand, presets, tokens, copies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.config import catalog, source
from core.config.diff import changes
from core.run import all_runs
from tests.browser.studio import MINUTE, Server, open_page
from tests.browser.test_details import at, box, made

pytestmark = pytest.mark.browser

PRESET = "internlm2_1_8b_qlora_alpaca_e3"
EDITS = {
    "settings-pretrained_model_name_or_path": "internlm/internlm2-chat-1_8b",
    "settings-data_path": "personal_assistant.json",
    "settings-max_length": "1024",
    "settings-max_epochs": "2",
    "settings-save_steps": "300",
    "settings-save_total_limit": "3",
    "settings-evaluation_freq": "300",
    "settings-evaluation_inputs": "请你介绍一下你自己\n你是谁\n你是我的小助手吗",
}


@pytest.fixture
def page(browser, server: Server) -> Iterator[Page]:
    found = open_page(browser, f"{server.url}/en")
    yield found
    found.context.close()


def choose(page: Page, words: str, name: str) -> None:
    """Search the table of presets and take one."""
    if not page.locator("#config-search").is_visible():
        page.locator("#config-presets button").first.click()
    box(page, "config-search").fill(words)
    page.locator(f"#config-table button[data-run={name}]").click(timeout=MINUTE)
    expect(page.locator("#config-about")).to_contain_text(name, timeout=MINUTE)


def test_the_tutorial_s_nine_edits_by_hand_and_a_broken_line_that_is_mended(page, server):
    run = made(server, mode="tutorial", copies=50)
    at(page, server, run, "config")
    choose(page, PRESET, PRESET)
    for id_, value in EDITS.items():
        box(page, f"config-{id_}").fill(value)
        page.keyboard.press("Tab")
        page.wait_for_timeout(150)
    page.locator("#config-dataset-format input").click()
    page.get_by_role("option", name="messages", exact=True).click()

    page.get_by_role("tab", name="What differs").click()
    rows = page.locator("#config-diff tbody tr")
    expect(rows).to_have_count(9, timeout=MINUTE)
    told = rows.all_inner_texts()
    for id_ in (*EDITS, "dataset-format"):
        assert sum(id_.partition("-")[2] in row for row in told) == 1, id_
    page.locator("#config-diff summary").click()
    expect(page.locator("#config-diff ins").get_by_text("max_length: 1024")).to_be_visible()
    expect(page.locator("#config-advice")).to_contain_text("chat model")
    expect(page.locator("#config-advice")).to_contain_text("every 300 steps")

    page.get_by_role("tab", name="YAML").click()
    editor = page.locator("#config-source .cm-content")
    line = editor.get_by_text("max_epochs: 2")
    line.click()
    page.keyboard.press("End")
    page.keyboard.type(": [")
    shown = page.locator("#config-faults")
    expect(shown).to_contain_text(re.compile(r"Line \d+"), timeout=MINUTE)
    page.locator("#config-next").click()
    expect(page.locator(".toast-body").first).to_contain_text("Line", timeout=MINUTE)
    for _ in range(3):
        editor.press("Backspace")
    expect(shown).not_to_contain_text("Line", timeout=MINUTE)
    page.locator("#config-next").click()
    expect(page.locator("#train-start")).to_be_visible(timeout=MINUTE)
    saved = source.load(run.config_file)
    assert len(changes(catalog.preset(PRESET), saved)) == 9
    assert saved.settings.evaluation_inputs[2] == "你是我的小助手吗"


def test_presets_are_found_by_words_with_size_licence_and_memory_and_replace_all_values(
    page, server
):
    at(page, server, made(server), "config")
    choose(page, "qwen tutorial", "qwen2_5_0_5b_instruct_qlora_persona_tutorial_e2")
    row = page.locator("#config-table tr", has_text="qwen2_5_0_5b_instruct_qlora_persona_tutorial")
    for told in ("494 M", "Apache-2.0", "GiB", "The classic tutorial"):
        expect(row).to_contain_text(told)
    model = box(page, "config-settings-pretrained_model_name_or_path")
    expect(model).to_have_value(re.compile("Qwen"), timeout=MINUTE)
    box(page, "config-search").fill("no such thing")
    expect(page.locator("#config-table")).to_contain_text("Try fewer words", timeout=MINUTE)
    page.locator("#config-undo").click()
    expect(model).to_have_value(re.compile("builtin"), timeout=MINUTE)


def test_the_tokens_of_a_conversation_are_shown_with_the_learned_ones_in_colour(
    page, server, tiny_model
):
    run = made(server, mode="tutorial", copies=3, owner="<b>Ada</b>")
    at(page, server, run, "config")
    box(page, "config-settings-pretrained_model_name_or_path").fill(str(tiny_model))
    page.keyboard.press("Tab")
    page.get_by_role("tab", name="Tokens").click()
    shown = page.locator("#config-tokens")
    expect(shown).to_contain_text("Conversation 1 of 1 (× 4)", timeout=MINUTE)
    learned = "".join(
        text.split("\n")[0] for text in shown.locator("div .learned").all_inner_texts()
    )
    assert "assistant" in learned.replace(" ", "") and "<b>" in learned
    assert shown.locator("div span:not(.learned)").count() > 5


def test_a_config_is_duplicated_renamed_and_taken_along(page, server, tmp_path: Path):
    run = made(server, assistant="Robin")
    at(page, server, run, "config")
    box(page, "config-settings-max_epochs").fill("6")
    page.keyboard.press("Tab")
    page.wait_for_timeout(700)
    page.locator("#config-more button").first.click()
    with page.expect_download() as found:
        page.locator("#config-save").click()
    found.value.save_as(tmp_path / "mine.yaml")
    assert found.value.suggested_filename == f"{run.name}.yaml"
    assert source.load(tmp_path / "mine.yaml").settings.max_epochs == 6

    page.locator("#config-copy").click()
    expect(page.locator("#run-name")).not_to_have_text(run.name, timeout=MINUTE)
    expect(box(page, "config-settings-max_epochs")).to_have_value("6", timeout=MINUTE)
    assert source.load(run.config_file).settings.max_epochs == 2
    page.wait_for_timeout(3000)  # the copy's forms are filled one after another
    box(page, "config-name").fill("Robin the second")
    expect(box(page, "config-name")).to_have_value("Robin the second")
    page.locator("#config-rename").click()
    expect(page.locator("#run-name")).to_have_text("Robin-the-second", timeout=MINUTE)
    copy = next(r for r in all_runs(server.home / "runs") if r.name == "Robin-the-second")
    assert source.load(copy.config_file).settings.max_epochs == 6
    assert copy.dataset_file.read_bytes() == run.dataset_file.read_bytes()
    page.reload()
    expect(page.locator("#run-name")).to_have_text("Robin-the-second", timeout=MINUTE)
    page.locator("#config-more button").first.click()
    box(page, "config-name").fill(run.name)
    page.locator("#config-rename").click()
    expect(page.locator(".toast-body").first).to_contain_text("already", timeout=MINUTE)
