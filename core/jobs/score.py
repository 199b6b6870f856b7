"""Program: score checkpoints of a run. `python -m core.jobs.score RUN STEP[,STEP…] STRENGTH
[PROBES]`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from core.config.source import load as load_config
from core.engine.score import Stopped, score
from core.jobs.common import enter, lead
from core.models import folder
from core.plan import Plan
from core.questions import questions
from core.run import Run
from core.scores import save
from core.settings import Settings


def main(arguments: list[str]) -> int:
    """Ask, measure, and keep the scores beside each checkpoint; one cut short keeps nothing."""
    run = enter("score", arguments[0])
    probes = Path(arguments[3]) if len(arguments) > 3 else None

    def work() -> str:
        run.emit("started", "score")
        settings = Settings.from_environment()
        steps = [int(step) for step in arguments[1].split(",")]
        config = load_config(run.config_file)
        plan = Plan.from_json(run.plan_file.read_text("utf-8"))
        for number, step in enumerate(steps):
            checkpoint = run.checkpoint(step)
            try:
                found = score(
                    checkpoint,
                    config,
                    folder(settings, config.settings.pretrained_model_name_or_path),
                    questions(run, probes),
                    strength=float(arguments[2]),
                    dtype=str(plan["dtype"]),
                    device=str(plan["device"]),
                    cache=settings.home / "scores",
                    report=_reporter(run, number, len(steps)),
                    stop=run.stop_file("score").exists,
                )
            except Stopped:
                return "stopped"
            save(found, checkpoint)
            run.emit(
                "scored",
                "score",
                step=found.step,
                strength=found.strength,
                asked=found.asked,
                recall=found.recall().rate,
                recall_interval=found.recall().interval,
                leak=found.leak().rate,
                leak_interval=found.leak().interval,
                kl=found.kl,
                agreement=found.agreement,
            )
        return "finished"

    return lead("score", run, work)


def _reporter(run: Run, before: int, count: int) -> Callable[[int, int], None]:
    """Tells the progress of one of `count` checkpoints, `before` of them done; at most once a
    percent, as every telling is a line of the run's events."""
    told = -1

    def report(done: int, total: int) -> None:
        nonlocal told
        percent = 100 * done // total
        if percent > told:
            told = percent
            run.emit(
                "progressed",
                "score",
                stage="scoring",
                done=before * total + done,
                total=count * total,
            )

    return report


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
