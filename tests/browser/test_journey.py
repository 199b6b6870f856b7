"""A newcomer's whole way in a real browser on the real built-in model, with the mishaps of life."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from core.run import all_runs
from core.settings import Settings
from core.status import status

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent.parent
SHOTS = ROOT / "docs" / "screenshots"
QUIET = ("no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync")
QUIET += ("disable-background-networking", "disable-component-update")
MINUTE = 60_000


class Server:
    """The page in a process of its own, on a free port, in a workspace that outlives it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def runs(self):
        """The workspace's runs, newest first."""
        return all_runs(Settings("", 0, self.home).runs)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env={**os.environ, "PORT": str(self.port), "STUDIO_HOME": str(self.home)},
        )
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/en/", timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError):
                assert time.monotonic() < end, "the page does not answer"
                time.sleep(0.1)

    def kill(self) -> None:
        """Kill it without a warning."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    found = Server(tmp_path_factory.mktemp("studio"))
    yield found
    found.kill()


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as play:
        shown = play.chromium.launch(executable_path=program, args=[f"--{q}" for q in QUIET])
        yield shown
        shown.close()


def open_page(browser, url: str, locale: str = "en-US", width: int = 1440) -> Page:
    """A new visitor's page."""
    page = browser.new_context(locale=locale, viewport={"width": width, "height": 1000}).new_page()
    page.goto(url)
    page.locator("html[data-ready]").wait_for(timeout=MINUTE)  # the forms are filled
    return page


def shot(page: Page, name: str) -> None:
    """Keep a picture for the README, when asked to: SCREENSHOTS=1 make test."""
    if "SCREENSHOTS" not in os.environ:
        return
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(700)
    page.screenshot(path=SHOTS / f"{name}.png")


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


def test_the_journey_from_persona_to_chat_survives_reload_and_a_killed_server(browser, server):
    page = open_page(browser, server.url)
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
    run = server.runs[0]
    _wait(lambda: status(run).step >= 3, 900)
    assert sum(e["kind"] == "requested" and e["job"] == "train" for e in run.events()) == 1

    page.reload()
    expect(page.locator("#train-stop")).to_be_visible(timeout=MINUTE)
    _wait(lambda: status(run).step >= 8, 300)
    shot(page, "en-train")
    other = open_page(browser, f"{server.url}/zh?run={run.name}&tab=train", "zh-CN")
    expect(other.locator("#train-stop")).to_be_visible(timeout=MINUTE)
    shot(other, "zh-train")
    other.context.close()

    server.kill()
    before = status(run).step
    _wait(lambda: status(run).step > before, 300)
    server.start()
    page.goto(f"{server.url}/en?run={run.name}&tab=train")
    expect(page.locator("#train-next")).to_be_visible(timeout=20 * MINUTE)
    assert status(run).state == "finished"
    page.locator("#train-next").click()

    page.locator("#chat-merge").click()
    _wait(lambda: run.is_merged, 400)
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


def test_the_page_fits_a_narrow_screen(browser, server):
    page = open_page(browser, f"{server.url}/zh", "zh-CN", width=390)
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 392
    shot(page, "zh-narrow")
    page.context.close()


def _wait(ready, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)
