"""The ways to split a training, as a small table, and the command that runs; pure functions."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from html import escape
from typing import Final

from core.hardware import Gpu
from core.plan import Plan
from core.ui.speech import Language, Say
from core.zero_advice import Option

_TONES: Final = {"best": "good", "tight": "bad", "possible": "info"}
_LITTLE: Final = 0.05  # GiB that nobody would notice


def name_of(choice: str, t: Say) -> str:
    """A choice's short name; a file of one's own keeps its name."""
    return {
        "none": t("Not split"),
        "deepspeed_zero1": "ZeRO 1",
        "deepspeed_zero2": "ZeRO 2",
        "deepspeed_zero2_offload": t("ZeRO 2 with main memory"),
        "deepspeed_zero3": "ZeRO 3",
        "deepspeed_zero3_offload": t("ZeRO 3 with main memory"),
    }.get(choice, choice)


def gpus(here: Sequence[Gpu], asked: Sequence[int]) -> list[tuple[str, int]]:
    """GPUs to tick, each with its free memory; also those that a run asks for and are not here."""
    named = {i: str(i) for i in asked}
    for gpu in here:
        named[gpu.index] = f"{gpu.index} · {gpu.name} · {gpu.free_gib:.0f}/{gpu.memory_gib:.0f} GiB"
    return [(named[index], index) for index in sorted(named)]


def table(plan: Plan, chosen: str, language: Language, t: Say) -> str:
    """Each way with what it splits, saves and costs on this machine, the recommended one marked."""
    if not plan.options:
        return ""
    heads = (
        t("Way"),
        t("What is divided among the processes"),
        t("Memory of each"),
        t("Time"),
        t("On this machine"),
    )
    rows = "".join(_row(o, o.name == chosen, heads, language, t) for o in plan.options)
    best = next((o for o in plan.options if o.verdict == "best"), None)
    head = (
        t(
            "Recommended here: {name}; {why}.",
            name=name_of(best.name, t),
            why=best.reason.render(language),
        )
        if best
        else t("None of these makes it fit; choose a smaller model, or more GPUs.")
    )
    return (
        f"<div class='plan split'><p class='facts'><b>{escape(head)}</b></p>"
        f"<table><thead><tr>{''.join(f'<th>{escape(h)}</th>' for h in heads)}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        f"<p class='facts'>{escape(_words(int(plan['processes']), t))}</p></div>"
    )


def command(plan: Plan, t: Say) -> str:
    """The program that Start runs, as one line to copy."""
    if not plan.command:
        return ""
    return (
        f"<details class='detail command'><summary>{escape(t('The command that will run'))}</summary>"
        f"<pre>{escape(shlex.join(plan.command))}</pre></details>"
    )


def _row(o: Option, chosen: bool, heads: Sequence[str], language: Language, t: Say) -> str:
    verdicts = {
        "best": t("Recommended"),
        "possible": t("Works"),
        "pointless": t("No gain"),
        "tight": t("Does not fit"),
    }
    pill = f"<span class='pill {_TONES.get(o.verdict, '')}'>{escape(verdicts[o.verdict])}</span>"
    cells = (
        escape(o.splits.render(language)),
        escape(_memory(o, t)),
        escape(_time(o, t)),
        f"{pill}<small>{escape(o.reason.render(language))}</small>",
    )
    body = "".join(
        f"<td data-label='{escape(label)}'>{cell}</td>"
        for label, cell in zip(heads[1:], cells, strict=True)
    )
    mark = " class='here' aria-current='true'" if chosen else ""
    return f"<tr{mark}><th scope='row'>{escape(name_of(o.name, t))}</th>{body}</tr>"


def _memory(o: Option, t: Say) -> str:
    if o.name == "none":
        return t("{gib} GiB", gib=f"{o.gib:.1f}")
    if o.saved_gib > _LITTLE:
        said = t("saves {gib} GiB", gib=f"{o.saved_gib:.1f}")
    elif o.saved_gib < -_LITTLE:
        said = t("{gib} GiB more", gib=f"{-o.saved_gib:.1f}")
    else:
        said = t("saves nothing")
    if o.main_gib > _LITTLE:
        said += t(", {gib} GiB in main memory", gib=f"{o.main_gib:.1f}")
    return said


def _time(o: Option, t: Say) -> str:
    if o.name == "none":
        return t("the fastest")
    percent = round(100 * o.slower)
    return t("about {percent} % slower", percent=percent) if percent >= 1 else t("hardly slower")


def _words(processes: int, t: Say) -> str:
    return t(
        "For {n} processes. Counted are the model and what training remembers (gradients: the "
        "corrections of one step; optimizer states: the average of past corrections). What is "
        "computed on the way is not divided; recomputing it is a choice of its own, in the plan.",
        n=processes,
    )
