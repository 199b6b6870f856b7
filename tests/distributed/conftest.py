"""What every test adds to one table, and two hosts made of one machine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.run import Run
from core.settings import Settings
from tests import processes

EPOCHS = 8  # of the short runs: 32 steps
_TABLE: list[tuple[str, ...]] = []
_HEAD = ("stage", "precision", "processes", "hosts", "loss", "largest gap", "GiB of each", "time",
         "resumed", "merged")  # fmt: skip


@dataclass(frozen=True)
class Host:
    """A network namespace: a host of its own, as far as connections go."""

    name: str
    address: str

    def start(self, line: str, log: Path) -> subprocess.Popen[bytes]:
        """Run a line of bash there."""
        argv = ["ip", "netns", "exec", self.name, "bash", "-c", line]
        environment = {**os.environ, "GLOO_SOCKET_IFNAME": "studio0", "OMP_NUM_THREADS": "1"}
        with log.open("ab") as file:
            return subprocess.Popen(argv, env=environment, stdout=file, stderr=file)

    def pids(self) -> list[int]:
        """Every process there."""
        return [int(pid) for pid in _ip("netns", "pids", self.name).split()]


@pytest.fixture(scope="session")
def alone(tmp_path_factory, tiny_model) -> dict[str, list[float]]:
    """The losses of one process, unsplit, by precision."""
    folder = tmp_path_factory.mktemp("alone")
    workspace = Settings("", 0, folder / "studio")
    return {
        base: processes.trained(
            processes.made(folder / base, tiny_model, processes=1, base=base, epochs=EPOCHS),
            workspace,
        )
        for base in ("nf4", "bf16")
    }


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    """Two network namespaces, joined by a cable (veth)."""
    made = [Host(f"studio-{os.getpid()}-{i}", f"10.77.0.{i}") for i in (1, 2)]
    try:
        for host in made:
            _ip("netns", "add", host.name)
        near, far = made
        peer = ("peer", "name", "studio0", "netns", far.name)
        _ip("link", "add", "studio0", "netns", near.name, "type", "veth", *peer)
        for host in made:
            inside = ("-n", host.name)
            _ip(*inside, "addr", "add", f"{host.address}/24", "dev", "studio0")
            _ip(*inside, "link", "set", "studio0", "up")
            _ip(*inside, "link", "set", "lo", "up")
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        pytest.skip(f"two network namespaces cannot be made here: {said.strip()}")
    try:
        yield near, far
    finally:
        for host in made:
            _ip("netns", "del", host.name)


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def tell() -> Any:
    """Adds a line to the table that is printed at the end."""

    def add(run: Run, cell: tuple[str, str, int, int], gap: float, resumed: str) -> None:
        events = run.events()
        steps = [e["loss"] for e in events if e["kind"] == "stepped"]
        memory = [e["ranks"] for e in events if e.get("name") == "memory"]
        merges = [e["measured"] for e in events if "KL" in e.get("name", "")]
        times = [e["measured"] for e in events if e.get("name") == "time" and e["job"] == "train"]
        way, base, processes, count = cell
        _TABLE.append(
            (
                *(way.removeprefix("deepspeed_"), base, str(processes), str(count)),
                f"{steps[0]:.3f} → {steps[-1]:.3f}",
                f"{gap:.4f}",
                " ".join(f"{gib:.2f}" for gib in memory[0]),
                f"{times[0]:.0f} s",
                resumed,
                f"KL {merges[-1]:.0e}" if merges else "-",
            )
        )

    return add


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table."""
    rows = [_HEAD, *_TABLE]
    if _TABLE:
        widths = [max(len(row[i]) for row in rows) for i in range(len(_HEAD))]
        terminalreporter.section("stage × precision × processes × hosts")
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            terminalreporter.write_line("  ".join(cells))
