"""Which GPUs of a machine train, and in how many processes: the plan's first decision."""

from __future__ import annotations

from dataclasses import replace

from core.config.schema import Config
from core.errors import Text, UserError, text
from core.hardware import Gpu, Hardware


def chosen(config: Config, hardware: Hardware) -> tuple[Hardware, int]:
    """The machine with only the GPUs that will train, and the number of processes.

    Raises:
        UserError: a GPU that the config names is not here, or more processes than fit.
    """
    wanted, here = config.runtime.gpus, {g.index: g for g in hardware.gpus}
    for index in wanted:
        if index not in here or wanted.count(index) > 1:
            raise UserError(
                "The config asks for GPU {index} in runtime.gpus, and {fault}.",
                "Name each of the GPUs here ({here}) at most once, or leave runtime.gpus empty.",
                index=index,
                fault=text("names it twice") if index in here else text("this machine has none"),
                here=", ".join(map(str, here)) or text("none"),
            )
    gpus = tuple(here[index] for index in wanted) or hardware.gpus
    processes = config.runtime.processes or max(1, len(gpus))
    _check(processes, len(gpus) or hardware.cores, gpus=bool(gpus))
    return replace(hardware, gpus=_freest(gpus, processes)), processes


def _freest(gpus: tuple[Gpu, ...], count: int) -> tuple[Gpu, ...]:
    """As many GPUs as there are processes, those with most free memory, in their order."""
    taken = sorted(gpus, key=lambda g: -g.free_gib)[:count]
    return tuple(g for g in gpus if g in taken)


def _check(processes: int, limit: int, *, gpus: bool) -> None:
    if processes > limit:
        raise UserError(
            "The config asks for {processes} processes, and this machine has {limit} {what}.",
            "Set runtime.processes to at most {limit}, or 0 for the best number here.",
            processes=processes,
            limit=limit,
            what=text("GPUs") if gpus else text("processor cores"),
        )


def gpus_reason(config: Config, visible: tuple[Gpu, ...]) -> Text:
    """Why not all of the visible GPUs train."""
    if config.runtime.gpus:
        return text("asked for in the config")
    return text("of {count}, those with most free memory", count=len(visible))


def processes_reason(config: Config, hardware: Hardware) -> Text:
    """Why so many."""
    if config.runtime.processes:
        return text("asked for in the config")
    if hardware.gpus:
        return text("one for each GPU")
    return text("one process uses all cores of the processor")
