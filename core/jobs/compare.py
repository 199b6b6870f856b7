"""Program: let several models answer a run's `compare.json`. `python -m core.jobs.compare RUN`."""

from __future__ import annotations

import sys

from core import compare
from core.compare import Comparison
from core.config.source import load as load_config
from core.engine.compare import compare as answer_all
from core.jobs.common import enter, lead
from core.models import folder
from core.plan import Plan
from core.settings import Settings


def main(arguments: list[str]) -> int:
    """Ask side after side; what was answered before a stop is kept."""
    run = enter("compare", arguments[0])

    def work() -> str:
        run.emit("started", "compare")
        settings = Settings.from_environment()
        asked = compare.load(run)
        if asked is None:
            raise RuntimeError("there is no compare.json to answer")
        plan = Plan.from_json(run.plan_file.read_text("utf-8"))
        configs = [load_config(side.of.config_file) for side in asked.sides]
        total = len(asked.questions) * len(asked.sides)

        def told(so_far: Comparison) -> None:
            compare.save(so_far, run)
            done = sum(a is not None for row in so_far.answers for a in row)
            run.emit("progressed", "compare", stage="comparing", done=done, total=total)

        finished = answer_all(
            asked,
            [(c, folder(settings, c.settings.pretrained_model_name_or_path)) for c in configs],
            load_config(run.config_file),
            dtype=str(plan["dtype"]),
            device=str(plan["device"]),
            told=told,
            stop=run.stop_file("compare").exists,
        )
        return "finished" if finished else "stopped"

    return lead("compare", run, work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
