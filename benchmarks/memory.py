"""Trainings in less and less memory of one GPU: what the plan chooses, what is then measured.

Run: PYTHONPATH=. python benchmarks/memory.py [--json FILE] [CASE …]
The process is forbidden more than the limit; the plan is told that so much is free.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from plan_accuracy import Case, run, table

CASES = {
    **{f"1.8B in {g} GiB": Case("1.8B", 64, 1024, 16_384, limit=g) for g in (12, 6.8, 5)},
    "Llama-7B in 8 GiB": Case("7B", 64, 1024, 8192, limit=8.0, steps=8),
    "InternLM2-7B in 8 GiB": Case("InternLM2-7B", 64, 768, 8192, limit=8.0, steps=8),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("only", nargs="*")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(["--device", "cuda", "--home", folder, "--pace"])
        cases = {n: c for n, c in CASES.items() if not asked.only or n in asked.only}
        table(cases, "cuda", Path(folder), asked.json)


if __name__ == "__main__":
    main()
