"""`python -m core import-cfg` as a person types it: what comes over, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.config import source

ROOT = Path(__file__).parents[2]
ALPACA = ROOT / "tests/config/xtuner/internlm2_1_8b_qlora_alpaca_e3.py.txt"


def import_cfg(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, at work in `folder`."""
    return subprocess.run(
        [sys.executable, "-m", "core", "import-cfg", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "STUDIO_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_config_comes_over_beside_its_file_with_a_report_of_every_value(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.py"
    theirs.write_text(ALPACA.read_text("utf-8") + "\nmy_own_note = 'hm'\n", "utf-8")
    done = import_cfg(tmp_path, "theirs.py")
    assert done.returncode == 0, done.stderr
    last = len(theirs.read_text("utf-8").splitlines())
    for line in (
        "Taken over (24)",
        "settings.lr = 0.0002",
        "settings.save_steps = 32: 500 micro-batches, 16 to an optimizer step",
        "Left out (",
        f"  Line {last}, my_own_note: the studio does not know this setting",
        "Written to theirs.yaml.",
    ):
        assert line in done.stdout
    config = source.load(tmp_path / "theirs.yaml")
    assert config.settings.pretrained_model_name_or_path == "internlm/internlm2-1_8b"
    assert "# Learning rate at its peak" in (tmp_path / "theirs.yaml").read_text("utf-8")


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_text(ALPACA.read_text("utf-8"), "utf-8")
    (tmp_path / "mine.yaml").write_text("# mine\n", "utf-8")
    done = import_cfg(tmp_path, "theirs.py", "--out", "mine.yaml")
    assert done.returncode == 2 and "already there" in done.stderr
    assert (tmp_path / "mine.yaml").read_text("utf-8") == "# mine\n"
    done = import_cfg(tmp_path, "theirs.py", "--out", "new/place/mine.yaml")
    assert done.returncode == 0 and (tmp_path / "new/place/mine.yaml").exists()


START = "import os\nlr = 1e-4\n"
HOSTILE = {
    "a command": (START + "os.system('touch pwned')", 3),
    "a command in a value": (START + "model = dict(a=os.system('touch pwned'))", 3),
    "a comprehension": (START + "model = [x for x in (1,)]", 3),
    "a lambda": (START + "model = lambda: os.system('touch pwned')", 3),
    "a power": (START + "model = 9**9**9", 3),
    "ten megabytes of brackets": (START + "model = " + "[" * 10_000_000, 3),
    "ten megabytes of nested lines": (START + "model = [\n" + "[\n" * 5_000_000, 43),
    "ten megabytes of values": (START + "a = 1\n" * 1_700_000, 43_690),
    "an open quote": (START + "model = '''", 3),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_with_its_line_and_nothing_happens(
    what: str, tmp_path: Path
) -> None:
    text, line = HOSTILE[what]
    (tmp_path / "theirs.py").write_text(text, "utf-8")
    done = import_cfg(tmp_path, "theirs.py", "--out", "mine.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith(f"Line {line} of theirs.py"), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.py"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"settings:\n  lr: 1\n"])
def test_what_is_no_config_of_xtuner_is_told_so(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "theirs.py").write_bytes(content)
    for name in ("theirs.py", "missing.py", "."):
        done = import_cfg(tmp_path, name)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.py"]
