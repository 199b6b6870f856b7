"""A server and a browser for each file of browser tests."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import sync_playwright

from core import chat
from tests.browser.studio import QUIET, Server


@pytest.fixture(scope="module")
def server(builtin_home):
    yield from serve(builtin_home)


@pytest.fixture(scope="module")
def new_server(tmp_path_factory):
    """A server as a newcomer starts it: nothing in its workspace, no model ready."""
    yield from serve(tmp_path_factory.mktemp("studio"))


def serve(home):
    found = Server(home)
    yield found
    found.kill()
    for run in found.runs:  # a loaded model stays with its run, not with the page
        chat.close(run)


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as play:
        shown = play.chromium.launch(executable_path=program, args=[f"--{q}" for q in QUIET])
        yield shown
        shown.close()
