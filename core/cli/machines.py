"""launch-script: commands for several machines."""

from __future__ import annotations

from pathlib import Path

from core import hostfile, zero
from core.cli.common import Add, Options, say
from core.config import source
from core.errors import UserError
from core.launch_script import Cluster, Job, by_hand, slurm
from core.launch_script import Options as SlurmOptions
from core.settings import Settings


def add(add: Add) -> None:
    """Register the command."""
    p = add("launch-script", help="print how to train a config on several machines")
    p.add_argument("config", type=Path)
    p.add_argument("--work-dir", type=Path, help="the run directory (work_dirs/<config stem>)")
    p.add_argument("--scheduler", choices=("slurm", "none"), default="none")
    p.add_argument("--hostfile", type=Path, help="DeepSpeed's: one line a host, “name slots=8”")
    p.add_argument("--nodes", type=int, help="machines (those of the hostfile, else 2)")
    each = p.add_mutually_exclusive_group()
    each.add_argument("--gpus-per-node", type=int, help="a process for each GPU")
    each.add_argument("--processes-per-node", type=int, help="processes on machines without GPUs")
    p.add_argument(
        "--port", type=int, default=29500, help="where the first machine listens (29500)"
    )
    p.add_argument("--time", default="04:00:00", help="Slurm's time limit (04:00:00)")
    p.add_argument("--partition", default="", help="Slurm's partition")
    p.add_argument("--account", default="", help="Slurm's account")
    p.set_defaults(do=_launch_script)


def _launch_script(o: Options, settings: Settings) -> None:
    config = source.load(o.config)
    zero.own(config, o.config.parent / config.runtime.deepspeed)
    hosts = hostfile.read(o.hostfile) if o.hostfile else None
    gpus = config.runtime.gpus
    processes = o.gpus_per_node or o.processes_per_node or (hosts.slots if hosts else len(gpus))
    if not processes:
        raise UserError(
            "It is not said how many processes each machine runs.",
            "Add --gpus-per-node 8, or --processes-per-node 2 without GPUs, or a --hostfile.",
        )
    names = hosts.names if hosts else ()
    cluster = Cluster(o.nodes or len(names) or 2, processes, o.port, names, gpus)
    run = (o.work_dir or Path("work_dirs") / o.config.stem).resolve()
    job = Job(o.config.resolve(), run, settings.home.resolve())
    if o.scheduler == "none":
        return say(by_hand(job, cluster).rstrip())
    asked = SlurmOptions(o.time, o.partition, o.account)
    return say(slurm(job, cluster, asked, gpus=not o.processes_per_node).rstrip())
