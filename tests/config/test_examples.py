"""Every example config is right, names data that is there, and holds no trap of its own."""

from pathlib import Path

import pytest

from core import dataset
from core.config import source
from core.config.lint import facts_of, lint
from core.dataset_formats import Columns

FOLDER = Path(__file__).parents[2] / "examples/configs"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))


def test_there_are_examples() -> None:
    assert [path.name for path in EXAMPLES] == [
        "own_columns.yaml",
        "own_messages.yaml",
        "tutorial_zh.yaml",
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_reads_its_data_and_holds_no_trap(path: Path) -> None:
    config = source.load(path)
    d = config.dataset
    columns = Columns(d.input_text, d.output_text, d.system_text)
    rows = dataset.load(
        path.parent / config.settings.data_path,
        d.format,
        columns=columns if d.format == "columns" else None,
    )
    assert rows
    findings = lint(config, facts_of(config, rows))
    assert [f.code for f in findings if f.code != "weight-without-replay"] == []
