"""Training on several machines: the commands, one for each host, or a script for Slurm.

All hosts see the run's folder and the studio's at the same paths. The first host writes the plan;
then every host starts torchrun, and they meet at the first one. Nothing here starts anything.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import UserError
from core.launch import on_gpus

_ROOT: Final = Path(__file__).resolve().parent.parent
_TIME: Final = re.compile(r"(\d{1,3}-)?\d{1,3}(:\d{2}){0,2}")
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._,:+-]{0,127}")
_SAVING: Final = 110  # seconds that torchrun leaves its processes to save, once it is warned
_HEAD: Final = "${hosts[0]}"  # bash fills it in, inside double quotes


@dataclass(frozen=True)
class Cluster:
    """Machines that train together: how many, processes (GPUs) on each, and where they meet.

    `gpus`: which ones on each machine, where the config names them.
    """

    nodes: int
    processes: int
    port: int = 29500
    hosts: tuple[str, ...] = ()
    gpus: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        limits = {"nodes": (self.nodes, 1024), "processes": (self.processes, 64)}
        limits["port"] = (self.port, 65_535)
        for name, (value, most) in limits.items():
            if not 1 <= value <= most:
                raise UserError(
                    "{name} is {value}.",
                    "Write a whole number from 1 to {most}.",
                    name=name,
                    value=value,
                    most=most,
                )
        if self.gpus and len(self.gpus) != self.processes:
            raise UserError(
                "The config names {found} GPUs in runtime.gpus, and {processes} processes are "
                "asked for on each machine.",
                "Ask for as many, or leave runtime.gpus empty.",
                found=len(self.gpus),
                processes=self.processes,
            )
        if self.hosts and len(self.hosts) != self.nodes:
            raise UserError(
                "The hostfile names {found} hosts, and {nodes} are asked for.",
                "Leave --nodes away, or name as many hosts.",
                found=len(self.hosts),
                nodes=self.nodes,
            )


@dataclass(frozen=True)
class Job:
    """What trains: the config, the run's folder, and the studio's (`home`, STUDIO_HOME)."""

    config: Path
    run: Path
    home: Path


@dataclass(frozen=True)
class Options:
    """What Slurm is asked for besides machines; “” leaves its default."""

    time: str = "04:00:00"
    partition: str = ""
    account: str = ""

    def __post_init__(self) -> None:
        if not _TIME.fullmatch(self.time):
            raise UserError(
                "{time} is no time limit that Slurm knows.",
                "Write hours:minutes:seconds, for example 04:00:00, or days-hours.",
                time=self.time,
            )
        for name in (self.partition, self.account):
            if name and not _WORD.fullmatch(name):
                raise UserError(
                    "{name} is no name of a partition or account.",
                    "Use letters, digits, dots, dashes and underscores.",
                    name=name,
                )


def planning(job: Job) -> list[str]:
    """The argv that makes the run's folder and its plan, on a machine that will train."""
    core = [sys.executable, "-m", "core"]
    return [*core, "plan", str(job.config), "--work-dir", str(job.run)]


def training(job: Job, cluster: Cluster, endpoint: str, meeting: str, host: str = "") -> list[str]:
    """The argv of one host: torchrun with our train program; `meeting` names the rendezvous.

    `host`: the address at which the others reach it, where a hostfile says so; the machine need
    not find out by itself.
    """
    first = int(host in cluster.hosts[:1])
    known = [f"--local-addr={host}", f"--rdzv-conf=is_host={first}"] if host else []
    return [
        *on_gpus(",".join(map(str, cluster.gpus))),
        *(sys.executable, "-m", "torch.distributed.run"),
        *(f"--nnodes={cluster.nodes}", f"--nproc-per-node={cluster.processes}"),
        *("--rdzv-backend=c10d", f"--rdzv-endpoint={endpoint}", f"--rdzv-id={meeting}"),
        *known,
        *("-m", "core.jobs.train", str(job.run)),
    ]


def by_hand(job: Job, cluster: Cluster) -> str:
    """What to type on each host, in the order of the hosts; the first of them plans."""
    hosts = cluster.hosts or tuple(f"host{i + 1}" for i in range(cluster.nodes))
    endpoint = f"{hosts[0]}:{cluster.port}"
    enter = f"cd {shlex.quote(str(_ROOT))} && export {_home(job)}"
    lines = [f"# on {hosts[0]}, first:", f"({enter} && {shlex.join(planning(job))})"]
    for host in hosts:
        own = host if cluster.hosts else ""
        command = training(job, cluster, endpoint, job.run.name, own)
        lines += [f"# on {host}:", f"({enter} && {shlex.join(command)})"]
    return "\n".join([*lines, ""])


def slurm(job: Job, cluster: Cluster, options: Options, *, gpus: bool) -> str:
    """An sbatch script; what follows its name (`--resume`) goes to the train program.

    Slurm warns two minutes before the time is up; training then saves a checkpoint and ends.
    """
    wants = {
        "job-name": job.run.name,
        "nodes": cluster.nodes,
        "ntasks-per-node": 1,
        "gpus-per-node": cluster.processes if gpus else None,
        "cpus-per-task": None if gpus else cluster.processes,
        "time": options.time,
        "partition": options.partition,
        "account": options.account,
        "output": str(job.run) + "-slurm-%j.log",
        "signal": "TERM@120",
    }
    head = [f"#SBATCH --{key}={_plain(value)}" for key, value in wants.items() if value]
    command = training(job, cluster, f"{_HEAD}:{cluster.port}", "${SLURM_JOB_ID}")
    return "\n".join(
        [
            "#!/bin/bash",
            *head,
            "set -euo pipefail",
            f"cd {shlex.quote(str(_ROOT))}",
            f"export {_home(job)}",
            'mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")',
            f'srun --nodes=1 --ntasks=1 --nodelist="{_HEAD}" {shlex.join(planning(job))}',
            f'exec srun --kill-on-bad-exit=1 {_joined(command)} "$@"',
            "",
        ]
    )


def _joined(command: Sequence[str]) -> str:
    """As `shlex.join`, but bash's own variables, which only we put there, stay open."""
    ours = (_HEAD, "${SLURM_JOB_ID}")
    return " ".join(
        f'"{word}"' if any(name in word for name in ours) else shlex.quote(word) for word in command
    )


def _home(job: Job) -> str:
    home = f"STUDIO_HOME={shlex.quote(str(job.home))} HF_HUB_OFFLINE=1"
    return f"{home} TORCH_ELASTIC_SHUTDOWN_TIMEOUT={_SAVING}"


def _plain(value: object) -> str:
    """A value of an #SBATCH line, which ends at white space and knows quotes.

    Raises:
        UserError: it holds a character that Slurm would read otherwise.
    """
    said = str(value)
    if re.search(r"[\s\"'\\#]", said):
        raise UserError(
            "{value} cannot stand in a Slurm script.",
            "Use a --work-dir without spaces and quotes.",
            value=said,
        )
    return said
