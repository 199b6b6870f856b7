"""What the browser tests share: the page as a process, a visitor, a picture."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Page

from core.run import all_runs
from core.settings import Settings

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


def wait(ready, seconds: float) -> None:
    """Return once it is so."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.2)
