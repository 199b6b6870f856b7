"""Seconds from `python app.py` to a page that answers, median of five starts.

Run from the top folder: PYTHONPATH=. python benchmarks/page_start.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
PORT = "7899"


def start_once() -> float:
    """One cold process, from exec to the first whole page."""
    environment = {**os.environ, "PORT": PORT, "STUDIO_HOME": tempfile.mkdtemp()}
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
    seconds = [start_once() for _ in range(5)]
    print(f"page answers after {statistics.median(seconds):.2f} s (of {sorted(seconds)})")
