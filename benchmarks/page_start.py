"""Seconds from `python app.py` to a page that answers, median of five starts.

The workspace (STUDIO_HOME) must hold the built-in model, ready: in an empty one each start would
leave a conversion running beside the next start. Run from the top folder:
STUDIO_HOME=workspace PYTHONPATH=. python benchmarks/page_start.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from core import studio
from core.config.schema import BUILTIN_MODEL
from core.settings import Settings

ROOT = Path(__file__).parent.parent
PORT = "7899"


def start_once() -> float:
    """One cold process, from exec to the first whole page."""
    environment = {**os.environ, "PORT": PORT}
    began = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/en/") as page:
                    page.read()
                return time.perf_counter() - began
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.02)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    if not studio.model_ready(Settings.from_environment(), BUILTIN_MODEL):
        sys.exit("The built-in model is not ready in STUDIO_HOME: start the page once and wait.")
    seconds = [start_once() for _ in range(5)]
    print(f"page answers after {statistics.median(seconds):.2f} s (of {sorted(seconds)})")
