"""Every example config is right, names data that is there, and holds no trap of its own."""

from pathlib import Path

import pytest

from core import conversations
from core.config import source
from core.config.facts import facts_of
from core.config.lint import lint
from core.dataset import unique
from core.settings import Settings

FOLDER = Path(__file__).parents[2] / "examples/configs"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))


def test_there_are_examples() -> None:
    assert [path.name for path in EXAMPLES] == [
        "own_columns.yaml",
        "own_messages.yaml",
        "tutorial_zh.yaml",
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_reads_its_data_and_holds_no_trap(path: Path, settings: Settings) -> None:
    config = source.load(path)
    rows = conversations.of_config(config, FOLDER, settings).rows
    assert rows
    findings = lint(config, facts_of(config, unique(rows)))
    assert [f.code for f in findings if f.code != "weight-without-replay"] == []
