"""A newcomer's whole way in a real browser on the real built-in model."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from core.status import status
from tests.browser.studio import MINUTE, open_page, shot, wait

pytestmark = pytest.mark.browser


def test_the_journey_from_persona_to_chat_survives_reload_and_a_killed_server(browser, new_server):
    page = open_page(browser, new_server.url)
    page.locator("#persona-owner").get_by_role("textbox").fill("Ada Quill")
    page.locator("#persona-assistant").get_by_role("textbox").fill("Zephyrine")
    expect(page.locator("#persona-preview")).to_contain_text("Zephyrine", timeout=MINUTE)
    shot(page, "en-persona")
    page.locator("#persona-next").click()
    expect(page.locator("#config-next")).to_be_visible(timeout=MINUTE)
    assert "run=" in page.url
    shot(page, "en-config")
    page.locator("#config-next").click()
    start = page.locator("#train-start")
    expect(start).to_be_enabled(timeout=6 * MINUTE)  # the built-in model is being made ready
    expect(page.locator("#train-plan")).to_contain_text("Optimizer steps", timeout=6 * MINUTE)
    shot(page, "en-plan")
    start.dblclick()
    run = new_server.runs[0]
    wait(lambda: status(run).step >= 3, 900)
    assert sum(e["kind"] == "requested" and e["job"] == "train" for e in run.events()) == 1

    page.reload()
    expect(page.locator("#train-stop")).to_be_visible(timeout=MINUTE)
    wait(lambda: status(run).step >= 8, 300)
    shot(page, "en-train")
    other = open_page(browser, f"{new_server.url}/zh?run={run.name}&tab=train", "zh-CN")
    expect(other.locator("#train-stop")).to_be_visible(timeout=MINUTE)
    shot(other, "zh-train")
    other.context.close()

    new_server.kill()
    before = status(run).step
    wait(lambda: status(run).step > before, 300)
    new_server.start()
    page.goto(f"{new_server.url}/en?run={run.name}&tab=train")
    expect(page.locator("#train-next")).to_be_visible(timeout=20 * MINUTE)
    assert status(run).state == "finished"
    page.locator("#train-next").click()

    page.locator("#chat-merge").click()
    wait(lambda: run.is_merged, 400)
    page.locator("#chat-ask").get_by_role("textbox").fill("Who are you?")
    page.locator("#chat-send").click()
    tuned, base = page.locator("#chat-tuned"), page.locator("#chat-base")
    expect(tuned).to_contain_text("Zephyrine", timeout=4 * MINUTE)
    expect(tuned).to_contain_text("Ada Quill", timeout=MINUTE)
    expect(base.locator(".message.bot, .bot").first).to_be_visible(timeout=2 * MINUTE)
    expect(base).not_to_contain_text("Zephyrine")
    page.wait_for_timeout(6000)
    shot(page, "en-chat")
    page.get_by_role("tab", name="Runs").click()
    expect(page.locator("#runs-table")).to_contain_text("Zephyrine", timeout=MINUTE)
    shot(page, "en-runs")
    page.context.close()
