"""Shared by all tests: a tiny real model with a real tokenizer, and a workspace of its own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from core.settings import Settings
from tests import tiny


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty workspace."""
    return Settings(host="127.0.0.1", port=7860, home=tmp_path / "workspace")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a two-layer Llama and its tokenizer, random weights."""
    return tiny.write_model(tmp_path_factory.mktemp("models") / "tiny")
