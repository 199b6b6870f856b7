"""Base models in a real browser: a hub's, stopped and taken up again; InternLM2, there and back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from core import studio
from core.config import catalog, writer
from core.persona.persona import Persona
from core.run import Run
from core.settings import Settings
from core.status import status
from tests import hub, internlm2
from tests.browser.conftest import serve
from tests.browser.studio import MINUTE, Server, open_page, wait
from tests.jobs.test_journey import ROWS

pytestmark = pytest.mark.browser

MODEL = "owner/model"


@pytest.fixture(scope="module")
def played(tmp_path_factory, tiny_model) -> Iterator[hub.Hub]:
    """A hub with the tiny model, asked by every program that this one starts."""
    folder = shutil.copytree(tiny_model, tmp_path_factory.mktemp("hub") / "model")
    with hub.serving(folder) as found, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "0")
        patch.setenv("HF_ENDPOINT", found.url)
        patch.setenv("HF_HOME", str(folder.parent / "login"))
        patch.delenv("HF_TOKEN", raising=False)
        assert os.environ["HF_ENDPOINT"] == found.url
        yield found


@pytest.fixture(scope="module")
def models_server(played, builtin_home) -> Iterator[Server]:
    """The page, started after the hub, so that it knows its address."""
    yield from serve(builtin_home)


def made(server: Server, model: str, name: str) -> Run:
    """A run on a base model, ready to train but for the model."""
    settings = Settings("", 0, server.home)
    run = studio.new_run(settings, name)
    studio.save_persona(run, Persona(assistant="Nova", owner="Ada"))
    studio.save_dataset(run, ROWS)
    changes = {
        ("settings", "pretrained_model_name_or_path"): model,
        ("settings", "max_length"): 64,
        ("settings", "evaluation_inputs"): (),
        ("settings", "max_epochs"): 1,
        ("model", "lora_r"): 4,
    }
    studio.save_config(run, writer.edit(writer.dump(catalog.preset(catalog.DEFAULT)), changes))
    return run


def at(browser, server: Server, run: Run, tab: str, locale: str = "en-US", width: int = 1440):
    """A visitor's page of a run."""
    language = locale[:2]
    return open_page(browser, f"{server.url}/{language}/?run={run.name}&tab={tab}", locale, width)


def fetch(page: Page, words: str) -> None:
    """Press the model's button once it says so."""
    button = page.locator("#train-fetch")
    expect(button).to_have_text(words, timeout=MINUTE)
    button.click()


def test_a_hub_s_model_is_gated_then_downloaded_stopped_and_taken_up_again(
    browser, models_server, played
):
    run = made(models_server, MODEL, "hub")
    played.gated = True
    page = at(browser, models_server, run, "train")
    expect(page.locator("#train-plan")).to_contain_text("downloaded once", timeout=MINUTE)
    fetch(page, "Get the model")
    shown = page.locator("#prepare")
    expect(shown).to_contain_text(f"Accept it at {played.url}/{MODEL}", timeout=2 * MINUTE)
    expect(shown).to_contain_text("HF_TOKEN")

    played.gated, played.seconds_a_block = False, 0.3
    fetch(page, "Get the model")
    expect(shown).to_contain_text(" of ", timeout=2 * MINUTE)
    fetch(page, "Stop the download")
    expect(shown).to_contain_text("is kept", timeout=MINUTE)
    page.context.close()

    played.seconds_a_block = 0
    page = at(browser, models_server, run, "train", "zh-CN", 390)
    expect(page.locator("#prepare")).to_contain_text("会保留", timeout=MINUTE)
    fetch(page, "获取模型")
    expect(page.locator("#train-start")).to_be_enabled(timeout=2 * MINUTE)
    expect(page.locator("#train-fetch")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()


def test_an_internlm2_is_converted_trained_and_saved_for_its_own_tools_too(
    browser, models_server, tmp_path_factory
):
    source = internlm2.write(
        tmp_path_factory.mktemp("models") / "internlm2-chat-tiny", max_position_embeddings=512
    )
    run = made(models_server, str(source), "intern")
    page = at(browser, models_server, run, "train")
    expect(page.locator("#train-plan")).to_contain_text("converted once", timeout=MINUTE)
    fetch(page, "Convert the model")
    expect(page.locator("#prepare")).to_contain_text("Converting", timeout=MINUTE)
    expect(page.locator("#prepare")).not_to_contain_text("Downloading")
    page.locator("#train-start:enabled").click(timeout=2 * MINUTE)
    wait(lambda: status(run).state in ("finished", "failed"), 300)
    assert status(run).state == "finished"
    page.context.close()

    page = at(browser, models_server, run, "chat")
    page.locator("#chat-fused input").check(timeout=MINUTE)
    page.locator("#chat-merge:enabled").click(timeout=MINUTE)
    expect(page.locator("#chat-state")).to_contain_text("merged-internlm2", timeout=2 * MINUTE)
    assert (run.merged / "done").exists() and (run.merged_internlm2 / "done").exists()
    page.locator("#chat-fused input").uncheck()
    page.locator("#chat-merge:enabled").click(timeout=MINUTE)
    wait(lambda: not run.merged_internlm2.exists(), 120)  # it was of the merge before
    page.context.close()


def test_what_is_too_large_is_listed_with_the_machine_that_it_needs(browser, models_server):
    page = open_page(browser, f"{models_server.url}/zh/?tab=config", "zh-CN", 390)
    page.locator("#config-presets button").first.click()
    page.locator("#config-search textarea, #config-search input").first.fill("llama3 70b persona")
    row = page.locator("#config-table tr", has_text="llama3_1_70b_instruct_qlora_persona_e2")
    expect(row).to_contain_text("需要", timeout=MINUTE)
    expect(row).to_contain_text("80 GB 的显卡")
    row.get_by_text("选用").click()
    about = page.locator("#config-about")
    expect(about).to_contain_text("70.6", timeout=MINUTE)
    expect(about).to_contain_text("Llama 3.1 Community")
    expect(about.locator("a").first).to_have_attribute(
        "href", "https://huggingface.co/meta-llama/Llama-3.1-70B-Instruct"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
