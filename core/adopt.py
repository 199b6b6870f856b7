"""A config file of the command line becomes a run, with everything that it names."""

from __future__ import annotations

import shutil
from pathlib import Path

from core import conversations, zero
from core.config import source
from core.dataset import dumps
from core.errors import UserError
from core.files import write_atomic
from core.run import Run
from core.settings import Settings


def adopt(settings: Settings, config_file: Path, work_dir: Path) -> Run:
    """Make a run directory from a config, the dataset it names, and its own DeepSpeed file.

    Raises:
        UserError: the config has faults, its dataset is missing, or the directory is in use.
    """
    config = source.load(config_file)
    own = zero.own(config, config_file.parent / config.runtime.deepspeed)
    rows = conversations.of_config(config, config_file.parent, settings).rows
    found = Run(work_dir)
    if found.events_file.exists() or found.checkpoints():
        raise UserError(
            "{folder} already holds a run.",
            "Use --resume to go on with it, or another --work-dir.",
            folder=work_dir,
        )
    work_dir.mkdir(parents=True, exist_ok=True)
    write_atomic(found.config_file, config_file.read_bytes())
    write_atomic(found.dataset_file, dumps(rows))
    if own is not None:
        write_atomic(found.deepspeed_file, zero.dumps(own))
    persona = config_file.parent / "persona.yaml"
    if persona.exists() and persona != found.persona_file:
        shutil.copyfile(persona, found.persona_file)
    return found
