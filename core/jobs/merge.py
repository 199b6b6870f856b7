"""Program: merge a run's adapter. `python -m core.jobs.merge RUN STEP STRENGTH LAYOUT`."""

from __future__ import annotations

import sys
import time

from core.config.source import load as load_config
from core.engine.convert import save_as_internlm2
from core.engine.merge import merge
from core.estimate import merging_device
from core.hardware import detect
from core.jobs.common import enter, lead
from core.models import folder, shape
from core.plan import Plan
from core.settings import Settings


def main(arguments: list[str]) -> int:
    """Merge the checkpoint of STEP, its adapter scaled by STRENGTH, and save it in LAYOUT too."""
    run = enter("merge", arguments[0])

    def work() -> str:
        run.emit("started", "merge")
        began = time.time()
        config = load_config(run.config_file)
        plan = Plan.from_json(run.plan_file.read_text("utf-8"))
        base = folder(Settings.from_environment(), config.settings.pretrained_model_name_or_path)

        def report(done: int, total: int) -> None:
            run.emit("progressed", "merge", stage="merging", done=done, total=total)

        facts = merge(
            run,
            run.checkpoint(int(arguments[1])),
            config,
            base,
            strength=float(arguments[2]),
            dtype=str(plan["dtype"]),
            device=merging_device(config, shape(base), detect()),
            report=report,
        )
        if arguments[3] == "internlm2":
            save_as_internlm2(run.merged, base, run.merged_internlm2, report)
        run.emit(
            "measured",
            "merge",
            name="probe KL of adapter and merged",
            expected=0.0,
            measured=facts["probe_kl"],
            unit="nats",
        )
        run.emit(
            "measured",
            "merge",
            name="time",
            expected=0.0,
            measured=round(time.time() - began, 1),
            unit="s",
        )
        return "finished"

    return lead("merge", run, work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
