"""Shared by all tests: a tiny real model with a real tokenizer, and a workspace of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from core import studio
from core.config.schema import BUILTIN_MODEL
from core.engine.convert import convert_gguf
from core.models import builtin_file, folder
from core.run import Run
from core.settings import Settings
from tests import processes, tiny


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty workspace."""
    return Settings(host="127.0.0.1", port=7860, home=tmp_path / "workspace")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a two-layer Llama and its tokenizer, random weights."""
    return tiny.write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def builtin_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in model's folder, made ready once: modules that need it take links to it."""
    made = Settings("", 0, tmp_path_factory.mktemp("builtin"))
    target = folder(made, BUILTIN_MODEL)
    convert_gguf(builtin_file(), target, {}, lambda done, total: None)
    return target


@pytest.fixture(scope="module")
def builtin_home(builtin_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module's own workspace in which the built-in model is ready."""
    home = tmp_path_factory.mktemp("studio")
    target = folder(Settings("", 0, home), BUILTIN_MODEL)
    shutil.copytree(builtin_model, target, copy_function=os.link)
    return home


@pytest.fixture
def going(tmp_path: Path, settings: Settings, tiny_model: Path) -> Iterator[Run]:
    """A run of two processes that has saved a checkpoint and would go on for long."""
    run = processes.made(tmp_path / "run", tiny_model, epochs=1000, save_steps=2)
    studio.train(run, settings)
    processes.at_step(run, 4)
    yield run
    studio.stop(run)
    studio.stop(run)
    processes.until(lambda: not run.alive)
