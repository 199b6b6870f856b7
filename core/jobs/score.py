"""Program: score a run's checkpoint. `python -m core.jobs.score RUN STEP [PROBES]`."""

from __future__ import annotations

import sys
from pathlib import Path

from core.config.source import load as load_config
from core.engine.score import Stopped, score
from core.jobs.common import enter, lead
from core.models import folder
from core.plan import Plan
from core.scores import questions, save
from core.settings import Settings


def main(arguments: list[str]) -> int:
    """Ask, measure, and keep the scores beside the checkpoint; stopped, nothing is kept."""
    run = enter("score", arguments[0])
    probes = Path(arguments[2]) if len(arguments) > 2 else None

    def work() -> str:
        run.emit("started", "score")
        checkpoint = run.checkpoint(int(arguments[1]))
        config = load_config(run.config_file)
        plan = Plan.from_json(run.plan_file.read_text("utf-8"))
        try:
            found = score(
                checkpoint,
                config,
                folder(Settings.from_environment(), config.settings.pretrained_model_name_or_path),
                questions(run, probes),
                dtype=str(plan["dtype"]),
                device=str(plan["device"]),
                report=lambda done, total: run.emit(
                    "progressed", "score", stage="scoring", done=done, total=total
                ),
                stop=run.stop_file("score").exists,
            )
        except Stopped:
            return "stopped"
        save(found, checkpoint)
        run.emit(
            "scored",
            "score",
            step=found.step,
            recall=found.recall().rate,
            leak=found.leak().rate,
            kl=found.kl,
            agreement=found.agreement,
        )
        return "finished"

    return lead("score", run, work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
