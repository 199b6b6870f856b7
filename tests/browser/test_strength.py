"""Strength and Compare in a real browser, on the built-in model after a short training."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from core import compare, studio
from core.config import catalog, writer
from core.config.schema import BUILTIN_MODEL
from core.persona.generate import studio_rows
from core.persona.persona import Persona
from core.run import Run
from core.settings import Settings
from core.status import status
from tests.browser.studio import MINUTE, open_page, shot, wait

pytestmark = pytest.mark.browser

NOVA = Persona(assistant="Nova", owner="Ada Quill")


@pytest.fixture(scope="module")
def run(server) -> Run:
    """Some sixty steps of the studio's recipe: enough to hear who it is."""
    settings = Settings("", 0, server.home)
    wait(lambda: studio.model_ready(settings, BUILTIN_MODEL), 600)
    found = studio.new_run(settings, "nova")
    studio.save_persona(found, NOVA)
    studio.save_dataset(found, studio_rows(NOVA, amount=200, replay=4))
    changes = {("settings", "evaluation_inputs"): (), ("settings", "max_epochs"): 1}
    studio.save_config(found, writer.edit(writer.dump(catalog.preset(catalog.DEFAULT)), changes))
    studio.train(found, settings)
    wait(lambda: status(found).state in ("finished", "failed"), 900)
    assert status(found).state == "finished"
    return found


def answer(page: Page, side: str) -> str:
    """What one side said last, once the other side has its answer too."""
    said = page.locator(f"#chat-{side} .bot").last
    expect(said).to_be_visible(timeout=6 * MINUTE)
    return said.inner_text().strip()


def ask(page: Page, strength: str) -> tuple[str, str]:
    """Both answers to one question, in a conversation of its own, at a strength."""
    page.locator("#chat-clear").click()
    expect(page.locator("#chat-base .bot")).to_have_count(0)
    number: Locator = page.locator("#chat-strength input[type=number]")
    number.fill(strength)
    number.press("Tab")
    page.locator("#chat-ask").get_by_role("textbox").fill("Who are you?")
    page.locator("#chat-send").click()
    answer(page, "base")
    page.wait_for_timeout(1500)
    before = ""
    while (said := answer(page, "base")) != before:  # until it no longer grows
        before = said
        page.wait_for_timeout(4000)
    return answer(page, "tuned"), before


def test_strength_moves_the_answers_between_base_and_persona_without_loading_again(
    browser, server, run
):
    page = open_page(browser, f"{server.url}/en?run={run.name}&tab=chat")
    page.locator("#strength").get_by_text("Strength: how much").click()
    tuned, base = ask(page, "0")
    assert tuned == base
    tuned, base = ask(page, "1")
    assert tuned != base
    assert "Nova" in tuned
    shot(page, "en-strength")
    started = [e for e in run.events() if e["job"] == "chat" and e["kind"] == "started"]
    assert len(started) == 1
    page.context.close()


def test_compare_shows_base_and_checkpoint_side_by_side_with_the_difference_marked(
    browser, server, run
):
    page = open_page(browser, f"{server.url}/en?run={run.name}&tab=chat")
    page.locator("#compare").get_by_text("Compare side by side").click()
    page.locator("#compare-question").get_by_role("textbox").fill("What is your <b>name</b>?")
    page.locator("#compare-ask").click()
    shown = page.locator("#compare-answers")
    expect(shown.locator("mark").first).to_be_visible(timeout=6 * MINUTE)
    expect(shown).to_contain_text("<b>name</b>")  # as text, not as a tag
    found = compare.load(run)
    assert found is not None
    assert [s.source for s in found.sides] == ["base", "adapter"]
    expect(shown).to_contain_text("Nova")
    shot(page, "en-compare")
    page.context.close()
    for language, width, name in (("zh", 1440, "zh-compare"), ("zh", 390, "zh-compare-narrow")):
        page = open_page(browser, f"{server.url}/{language}?run={run.name}&tab=chat", width=width)
        page.locator("#compare").get_by_text("并排比较").click()
        expect(page.locator("#compare-answers mark").first).to_be_visible(timeout=MINUTE)
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 2
        page.locator("#compare-answers").scroll_into_view_if_needed()
        shot(page, name)
        page.context.close()
