"""The house rules, read off the source: imports, lengths, translations, the README's tree."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = sorted((ROOT / "core").rglob("*.py"))
HEAVY = {"torch", "transformers", "peft", "bitsandbytes", "deepspeed", "accelerate"}


def name(file: Path) -> str:
    """The dotted name of a module."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(p for p in parts if p != "__init__")


def imports(file: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
    return found


@pytest.mark.parametrize("file", CORE, ids=name)
def test_no_file_of_the_core_is_over_300_lines(file):
    assert len(file.read_text("utf-8").splitlines()) <= 300


@pytest.mark.parametrize("file", CORE, ids=name)
def test_imports_go_one_way(file):
    module, used = name(file), imports(file)
    roots = {u.split(".")[0] for u in used}
    if not module.startswith(("core.engine", "core.jobs")):
        assert not roots & HEAVY
        assert not any(u.startswith("core.engine") for u in used)
    if not module.startswith("core.ui"):
        assert not roots & {"gradio", "pandas"}
        assert not any(u.startswith("core.ui") for u in used)
    if not module.startswith("core.jobs"):
        assert not any(u.startswith("core.jobs") for u in used)


def test_the_page_starts_without_torch_or_transformers():
    code = "import sys, app; print(sorted({'torch', 'transformers', 'peft'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def _texts(file: Path) -> set[str]:
    """The English sentences of a file: first arguments of text(), Text(), both of UserError()."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        count = {"text": 1, "Text": 1, "UserError": 2}.get(called, 0)
        for argument in node.args[:count]:
            for part in ast.walk(argument):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    found.add(part.value)
    return found


def test_every_sentence_for_people_has_its_chinese():
    table = {}
    for file in sorted((ROOT / "core" / "locale" / "zh").glob("*.json")):
        table |= json.loads(file.read_text("utf-8"))
    missing = {
        sentence
        for file in CORE
        for sentence in _texts(file)
        if any(c.isalpha() for c in sentence.replace("{problem}", "").replace("{value}", ""))
        and " " in sentence
        and sentence not in table
    }
    assert not missing


def test_the_readme_tree_names_every_package_and_module():
    readme = (ROOT / "README.md").read_text("utf-8")
    named = re.findall(r"[\w*]+\.py", readme)
    missing = [
        file.name
        for file in CORE
        if file.name != "__init__.py" and not any(fnmatch(file.name, n) for n in named)
    ]
    assert not missing


def test_one_english_sentence_has_one_chinese_everywhere():
    said = {}
    for file in sorted((ROOT / "core" / "locale" / "zh").glob("*.json")):
        for english, chinese in json.loads(file.read_text("utf-8")).items():
            assert said.setdefault(english, chinese) == chinese, (file.name, english)
