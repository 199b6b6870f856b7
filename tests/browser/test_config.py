"""The Config tab in a real browser: the tutorial's edits by hand, presets, tokens, copies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import conversations, hub_data
from core.config import catalog, commands, source
from core.config.diff import changes
from core.run import all_runs
from core.settings import Settings
from tests.browser.studio import MINUTE, ROOT, Server, open_page
from tests.browser.test_details import at, box, made

pytestmark = pytest.mark.browser

XTUNER = ROOT / "tests/config/xtuner/internlm2_1_8b_qlora_alpaca_e3.py.txt"
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


def bring(page: Page, file: Path) -> None:
    """Open a config file with the button."""
    with page.expect_file_chooser() as chooser:
        page.locator("#config-file").click()
    chooser.value.set_files(file)


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
    before = source.load(run.config_file)
    at(page, server, run, "config")
    box(page, "config-settings-max_epochs").fill("6")
    page.keyboard.press("Tab")
    expect(page.locator("#config-undo")).to_be_visible(timeout=MINUTE)  # the edit has arrived
    page.locator("#config-more button").first.click()
    with page.expect_download() as found:
        page.locator("#config-save").click()
    found.value.save_as(tmp_path / "mine.yaml")
    assert found.value.suggested_filename == f"{run.name}.yaml"
    assert source.load(tmp_path / "mine.yaml").settings.max_epochs == 6

    page.locator("#config-copy").click()
    expect(page.locator("#run-name")).not_to_have_text(run.name, timeout=MINUTE)
    expect(box(page, "config-settings-max_epochs")).to_have_value("6", timeout=MINUTE)
    assert source.load(run.config_file) == before, "the original keeps what was saved"
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


def test_a_preset_s_dataset_of_the_hub_is_fetched_from_the_tab_or_its_absence_is_told(page, server):
    run = made(server)
    settings = Settings("", 0, server.home)
    here = hub_data.place(settings, "b-mc2/sql-create-context")
    here.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"question": f"Which {n}?", "context": "CREATE", "answer": f"SELECT {n}"} for n in "ab"]
    here.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    at(page, server, run, "config")
    page.wait_for_timeout(3000)  # the forms may be filled a second time
    told = page.locator("#config-data")
    choose(page, "smollm2_135m_qlora_sql", "smollm2_135m_qlora_sql_e3")
    expect(told).to_contain_text("made for b-mc2/sql-create-context", timeout=MINUTE)

    data = box(page, "config-settings-data_path")
    page.wait_for_timeout(1000)  # the preset's values arrive in one field after another
    data.fill("nobody/nothing")
    page.keyboard.press("Tab")
    expect(told).to_contain_text("nobody/nothing is a dataset of the Hugging", timeout=MINUTE)
    page.locator("#config-next").click()
    toast = page.locator(".toast-body")
    expect(toast.first).to_contain_text("this run does not hold yet", timeout=MINUTE)
    page.locator("#config-fetch").click()
    expect(toast.filter(has_text="could not be fetched")).to_contain_text(
        "cannot be reached", timeout=2 * MINUTE
    )
    page.locator("#config-own").click()
    expect(data).to_have_value("dataset.json", timeout=MINUTE)

    data.fill("b-mc2/sql-create-context")
    page.keyboard.press("Tab")
    expect(told).to_contain_text("this run does not hold yet", timeout=MINUTE)
    page.locator("#config-fetch").click()
    expect(told).to_be_empty(timeout=MINUTE)
    expect(data).to_have_value("b-mc2/sql-create-context", timeout=MINUTE)
    kept = conversations.of_run(run).rows
    assert [row.messages[-1].content for row in kept] == ["SELECT a", "SELECT b"]
    assert source.load(run.config_file).settings.data_path == "b-mc2/sql-create-context"
    page.locator("#config-next").click()
    expect(page.locator("#train-start")).to_be_visible(timeout=MINUTE)


def test_files_are_opened_and_compared_with_an_earlier_run(page, server, tmp_path: Path):
    earlier, run = made(server, assistant="Earlier"), made(server, assistant="Later")
    at(page, server, run, "config")
    copied = commands.copy_cfg(PRESET, tmp_path)
    copied.write_text(
        copied.read_text("utf-8").replace("lr: 0.0002", "lr: 0.0004  # mine"), "utf-8"
    )
    page.wait_for_timeout(3000)  # the forms may be filled a second time
    bring(page, copied)
    expect(page.locator("#config-about")).to_contain_text(PRESET, timeout=MINUTE)
    page.get_by_role("tab", name="What differs").click()
    expect(page.locator("#config-diff tbody tr")).to_have_count(1, timeout=MINUTE)
    box(page, "config-other").click()
    page.get_by_role("option", name=earlier.name, exact=True).click()
    shown = page.locator("#config-diff")
    expect(shown).to_contain_text(f"Different from {earlier.name}", timeout=MINUTE)
    expect(shown.locator("tr", has_text="quantization")).to_contain_text("nf4")
    page.get_by_role("tab", name="Form").click()
    box(page, "config-settings-max_epochs").fill("5")
    page.keyboard.press("Tab")
    page.get_by_role("tab", name="YAML").click()
    editor = page.locator("#config-source .cm-content")
    expect(editor).to_contain_text("max_epochs: 5", timeout=MINUTE)
    expect(editor).to_contain_text("lr: 0.0004  # mine")

    theirs = tmp_path / "theirs.py"
    theirs.write_text(XTUNER.read_text("utf-8"), "utf-8")
    bring(page, theirs)
    expect(page.locator("#config-report")).to_contain_text("24 values", timeout=MINUTE)
    expect(page.locator("#config-data")).to_contain_text("tatsu-lab/alpaca", timeout=MINUTE)
    theirs.write_text("import os\nos.system('touch pwned')\n", "utf-8")
    bring(page, theirs)
    toast = page.locator(".toast-body").first
    expect(toast).to_contain_text("Line 2 of theirs.py: it calls system()", timeout=MINUTE)
