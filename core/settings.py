"""Where the studio listens and keeps its files: the environment, read once, here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError


@dataclass(frozen=True)
class Settings:
    """Host and port of the page, and the workspace that holds every run, model and queue ticket."""

    host: str
    port: int
    home: Path

    @property
    def runs(self) -> Path:
        """One directory for each run."""
        return self.home / "runs"

    @property
    def models(self) -> Path:
        """Base models made ready for training (converted or downloaded once)."""
        return self.home / "models"

    @property
    def queue(self) -> Path:
        """Tickets of the jobs that wait for, or hold, this machine's device."""
        return self.home / "queue"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read HOST, PORT and STUDIO_HOME.

        Raises:
            UserError: PORT is not a port number.
        """
        port = environment.get("PORT", "7860")
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise UserError(
                "PORT is “{port}”, which is not a port number.",
                "Set it to a number from 1 to 65535, for example PORT=7860.",
                port=port,
            )
        home = Path(environment.get("STUDIO_HOME", "workspace")).expanduser().resolve()
        return cls(host=environment.get("HOST", "127.0.0.1"), port=int(port), home=home)
