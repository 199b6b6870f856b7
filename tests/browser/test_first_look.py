"""What a visitor meets first: language, a bad file, a narrow screen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.studio import MINUTE, open_page, shot

pytestmark = pytest.mark.browser


def test_the_language_of_the_browser_is_the_language_of_the_page(browser, server):
    page = open_page(browser, server.url, "zh-CN")
    assert page.url.startswith(f"{server.url}/zh")
    expect(page.get_by_role("tab", name="训练")).to_be_visible()
    shot(page, "zh-persona")
    page.get_by_text("English", exact=True).first.click()
    expect(page.get_by_role("tab", name="Train")).to_be_visible(timeout=MINUTE)
    page.context.close()


def test_a_bad_upload_is_one_clear_sentence(browser, server, tmp_path):
    page = open_page(browser, server.url)
    page.get_by_text("My own conversations").click()
    broken = tmp_path / "half.json"
    broken.write_text('[{"messages": [{"role": "user", "content": "hi"}')
    page.locator("#persona-upload input[type=file]").set_input_files(broken)
    expect(page.get_by_text("half.json").first).to_be_visible(timeout=MINUTE)
    page.locator("#persona-next").click()
    page.wait_for_timeout(1500)
    assert server.runs == []
    page.context.close()


def test_the_page_fits_a_narrow_screen(browser, server):
    page = open_page(browser, f"{server.url}/zh", "zh-CN", width=390)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 392
    shot(page, "zh-narrow")
    page.context.close()
