"""Every config of XTuner's releases, imported: how many come over, and what is not understood.

    PYTHONPATH=. python benchmarks/xtuner_configs.py [FOLDER of wheels]

Without a folder, pip downloads the releases of XTuner from the package index (their wheels only;
nothing of them is installed or run). Counted apart are the configs that teach a language model from
answers with an adapter: those must all come over with nothing unknown.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from core.config import source
from core.config.xtuner import import_config
from core.errors import UserError

RELEASES = [*(f"0.1.{n}" for n in range(12)), "0.2.0"]
TEXT_ONLY = re.compile(r"(?!.*(llava|internvl|dpo|orpo|reward)).*_(qlora|lora)_")


def configs(wheel: Path) -> list[tuple[str, str]]:
    """Names and texts of a wheel's configs; helpers that only share their folder are left out."""
    with zipfile.ZipFile(wheel) as archive:
        found = [n for n in archive.namelist() if re.search(r"/configs/.*\.py$", n)]
        texts = [(Path(n).stem, archive.read(n).decode()) for n in sorted(found)]
    return [(n, t) for n, t in texts if n != "__init__" and not n.startswith("convert_")]


def main() -> int:
    """Import all of them; 1 if a text-only one is refused or not understood wholly."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
    if len(sys.argv) < 2:
        for release in RELEASES:
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
            subprocess.run([*pip, "--dest", str(folder), f"xtuner=={release}"], check=True)
    wrong = 0
    print(f"{'release':24}{'configs':>9}{'read':>7}{'text only':>11}{'wholly':>8}{'slowest':>10}")
    for wheel in sorted(folder.glob("*.whl")):
        found, read, text_only, wholly, slowest = configs(wheel), 0, 0, 0, 0.0
        for name, text in found:
            ours = bool(TEXT_ONLY.match(name))
            text_only += ours
            began = time.monotonic()
            try:
                imported = import_config(text, f"{name}.py")
            except UserError as error:
                print(f"  {name}: {error}")
                continue
            slowest = max(slowest, time.monotonic() - began)
            assert source.parse(source.dump(imported.config)) == imported.config
            read += 1
            wholly += ours and not imported.unknown
            for note in imported.unknown if ours else ():
                print(f"  {name}: {note.sentence}")
        wrong += len(found) - read + text_only - wholly
        print(
            f"{wheel.name.removesuffix('-py3-none-any.whl'):24}{len(found):9}{read:7}"
            f"{text_only:11}{wholly:8}{slowest:8.2f} s"
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
