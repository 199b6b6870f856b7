"""Program: train a run. `python -m core.jobs.train RUN [--resume]`, once per process."""

from __future__ import annotations

import sys

from core.engine.parity import check_parity
from core.engine.pulse import Pulse
from core.engine.ranks import Ranks
from core.engine.train import Stopped, train
from core.jobs.common import enter, lead
from core.settings import Settings


def main(arguments: list[str]) -> int:
    """Train; exit 0 done or stopped, 1 our fault, 2 the user's."""
    ranks = Ranks.from_environment()
    run = enter("train", arguments[0])
    pulse = Pulse(run, "train", ranks)

    def work() -> str:
        settings = Settings.from_environment()
        check_parity(run, settings)
        kind = "finished"
        try:
            train(run, settings, resume="--resume" in arguments, ranks=ranks, pulse=pulse)
        except Stopped:
            kind = "stopped"
        pulse.leave()
        return kind

    return lead("train", run, work, speak=ranks.first, fail=pulse.fail)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
