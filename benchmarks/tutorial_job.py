"""The tutorial's whole job on this machine: 10,001 rows × 2 epochs, 1,024 × 16 tokens a step.

Run from the top folder: PYTHONPATH=. python benchmarks/tutorial_job.py
Prints seconds of training and of the whole `train` command, and what collapse left to compute.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from core import studio
from core.cli.demo import make_ready
from core.cli.follow import follow
from core.config import catalog, writer
from core.config.schema import BUILTIN_MODEL
from core.persona.generate import tutorial_rows
from core.settings import Settings
from core.status import status


def main() -> None:
    """Train it once and print the table."""
    settings = Settings.from_environment()
    make_ready(settings, BUILTIN_MODEL, print)
    run = studio.new_run(
        Settings(settings.host, settings.port, Path(tempfile.mkdtemp())), "tutorial"
    )
    studio.save_dataset(run, tutorial_rows("不要姜葱蒜大佬", 10_000))
    preset = catalog.preset("smollm2_135m_qlora_persona_tutorial_e2")
    studio.save_config(run, writer.dump(preset))
    began = time.perf_counter()
    plan = studio.train(run, settings)
    if follow(run, "train", lambda line: None) != 0:
        raise SystemExit("the job failed; see " + str(run.log_of("train")))
    whole = time.perf_counter() - began
    points = status(run).points
    training = sum(p.seconds for p in points)
    tokens = sum(p.rows_tokens_per_second * p.seconds for p in points)
    computed = sum(p.tokens_per_second * p.seconds for p in points)
    print(f"updates                 {plan.total_steps}")
    print(f"tokens learned          {tokens:,.0f}")
    print(f"tokens computed         {computed:,.0f}  ({tokens / computed:.0f} times fewer)")
    print(f"loss                    {points[0].loss:.3f} -> {points[-1].loss:.4f}")
    print(f"training                {training:.1f} s")
    print(
        f"the train command       {whole:.1f} s"
        f" (expected {plan.seconds[0]:.0f} to {plan.seconds[1]:.0f})"
    )
    print(f"peak memory             {points[-1].memory_gib:.2f} GiB")


if __name__ == "__main__":
    main()
