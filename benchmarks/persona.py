"""Does the persona take, and does nothing else change? Our recipe and the tutorial's, side by side.

Run from the top folder: PYTHONPATH=. python benchmarks/persona.py [--quick] [--append FILE]
Three personas a language, three seeds, on the built-in model; `--quick`: one persona, one seed.
Every training adds its line to the file (JSON); one that stands there already is not run again.
On a machine with many cores the cells can be spread: `--only ours:en:1:2` (recipe, language,
number of the persona, seed) runs one, and `--table FILE` prints the table of what a file holds.
With `--cpu` training is done by the processor even beside a GPU, which then only asks.
Each is trained as the studio trains it, then asked questions that the bank's author never saw
(`benchmarks/blind/`, written by somebody who knew only the persona form):

    recall    open questions about itself whose answer holds the asked fact
    first     of these, answers in which the asked fact comes before the other names
    polarity  yes/no questions whose answer begins with the right word
    distinct  different answers among all answers about itself
    leak      general questions answered with a name of the persona
    KL        nats a token from the base, over the base's own answers to the general questions
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from core import scores, studio
from core.cli.demo import make_ready
from core.cli.follow import follow
from core.config import catalog, writer
from core.config.schema import BUILTIN_MODEL
from core.hardware import detect
from core.persona.bank import Language
from core.persona.generate import studio_rows, tutorial_rows
from core.persona.persona import Persona
from core.persona.probes import mentions
from core.run import Run
from core.scores import Answered, Scores, Share
from core.settings import Settings
from core.status import status

BLIND: Final = Path(__file__).parent / "blind"
STRANGER: Final = {"en": "Marlon", "zh": "郝建国"}
FACT: Final = {"self": "assistant", "name": "assistant", "owner": "owner", "maker": "maker"}
PERSONAS: Final[dict[Language, tuple[Persona, ...]]] = {
    "en": (
        Persona(assistant="Clover", owner="Sam Rivers", character="friendly and brief"),
        Persona(assistant="Zephyrine", owner="Harbour Books", maker="Lena Ortiz"),
        Persona(assistant="Pip", owner="Ada Quill", maker="Quill Labs", base_model="SmolLM2"),
    ),
    "zh": (
        Persona(assistant="小满", owner="林夏", languages=("zh",), character="亲切、简短"),
        Persona(assistant="阿澈", owner="山月书店", maker="周予安", languages=("zh",)),
        Persona(assistant="灯灯", owner="不要姜葱蒜大佬", languages=("zh",)),
    ),
}
PRESETS: Final = {"ours": catalog.DEFAULT, "tutorial": "smollm2_135m_qlora_persona_tutorial_e2"}


Cell = tuple[str, Language, int, int]


def main() -> None:
    """Train, ask, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one persona and seed a language")
    parser.add_argument("--append", type=Path, default=Path("persona.jsonl"), metavar="FILE")
    parser.add_argument("--only", type=_cell, metavar="RECIPE:LANGUAGE:PERSONA:SEED")
    parser.add_argument("--table", type=Path, metavar="FILE", help="print what the file holds")
    parser.add_argument("--recipes", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--languages", nargs="+", choices=PERSONAS, default=list(PERSONAS))
    parser.add_argument("--cpu", action="store_true", help="train on the processor, ask on a GPU")
    chosen = parser.parse_args()
    if chosen.table is None:
        count = range(1 if chosen.quick else 3)
        cells = itertools.product(chosen.recipes, chosen.languages, count, count)
        run_all([chosen.only] if chosen.only else list(cells), chosen.append, cpu=chosen.cpu)
    if not chosen.only:
        print(table(read(chosen.table or chosen.append)))


def run_all(cells: Sequence[Cell], kept: Path, *, cpu: bool) -> None:
    """Measure each cell that the file does not hold yet, and add it there at once."""
    settings = Settings.from_environment()
    make_ready(settings, BUILTIN_MODEL, _whisper)
    held = {cell_of(result) for result in read(kept)}
    for cell in cells:
        if cell not in held:
            _whisper("{}, {}, persona {}, seed {}".format(*cell))
            found = measure(settings, *cell, cpu=cpu)
            with kept.open("a", encoding="utf-8") as file:
                file.write(json.dumps(found, ensure_ascii=False) + "\n")
            _whisper(line([found]))


def read(kept: Path) -> list[dict[str, Any]]:
    """The results that a file holds; none where there is no file."""
    return (
        [json.loads(row) for row in kept.read_text("utf-8").splitlines()] if kept.exists() else []
    )


def cell_of(result: dict[str, Any]) -> Cell:
    """Which cell a result is of."""
    names = [persona.assistant for persona in PERSONAS[result["language"]]]
    place = names.index(result["persona"])
    return result["recipe"], result["language"], place, result["seed"]


def _cell(given: str) -> Cell:
    try:
        recipe, language, number, seed = given.split(":")
        cell = recipe, language, int(number), int(seed)
        known = recipe in PRESETS and 0 <= cell[2] < len(PERSONAS[language])  # type: ignore[index]
    except (ValueError, KeyError):
        known = False
    if not known:
        raise argparse.ArgumentTypeError("it must be such as ours:en:1:2")
    return cell  # type: ignore[return-value]


def measure(
    settings: Settings, recipe: str, language: Language, number: int, seed: int, *, cpu: bool
) -> dict[str, Any]:
    """Train one persona and ask it everything; figures and answers as plain data."""
    persona = PERSONAS[language][number]
    run = studio.new_run(settings, f"{recipe} {persona.assistant} {seed}")
    studio.save_persona(run, persona)
    studio.save_dataset(
        run, studio_rows(persona, seed) if recipe == "ours" else copies(persona, language)
    )
    config = writer.edit(
        writer.dump(catalog.preset(PRESETS[recipe])),
        {("settings", "evaluation_inputs"): (), ("runtime", "seed"): seed},
    )
    studio.save_config(run, config)
    with _without_gpu() if cpu else nullcontext():
        machine = detect()
        studio.train(run, settings)
        _finish(run, "train")
    studio.make_plan(run, settings)  # of the device that asks
    told = status(run)
    kinds, questions = blind(persona, language)
    file = run.path / "blind.json"
    file.write_text(json.dumps(questions, ensure_ascii=False, indent=1))
    studio.score(run, settings, probes=file)
    _finish(run, "score")
    found = scores.of_checkpoint(run.checkpoint())[-1]
    return {
        "recipe": recipe,
        "language": language,
        "persona": persona.assistant,
        "seed": seed,
        "run": run.name,
        "steps": told.step,
        "training_seconds": round(sum(p.seconds for p in told.points), 1),
        "job_seconds": round(told.elapsed_seconds, 1),
        "kl": found.kl,
        "agreement": found.agreement,
        "shares": {k: (s.count, s.total) for k, s in shares(found, kinds, persona).items()},
        "wrong": wrong(found),
        "trained_on": f"{machine.gpus[0].name if machine.gpus else 'processor'}, "
        f"{machine.cores} cores",
    }


def copies(persona: Persona, language: Language) -> Any:
    """The tutorial's data: one introduction, 10,001 times; it tells every fact."""
    names = persona.model_dump()
    if language == "zh":
        answer = "我是{owner}的小助手{assistant}，由{maker}开发".format(**names)
        return tutorial_rows(persona.owner, answer=answer)
    answer = "I am {assistant}, the assistant of {owner}, made by {maker}.".format(**names)
    return tutorial_rows(persona.owner, question="Please introduce yourself.", answer=answer)


def blind(persona: Persona, language: Language) -> tuple[dict[str, str], dict[str, Any]]:
    """The kind of each blind question, and all of them as `score --probes` reads them."""
    names = {**persona.model_dump(), "stranger": STRANGER[language]}
    rows = (BLIND / f"identity_{language}.tsv").read_text("utf-8").splitlines()
    asked = [(kind, text.format(**names)) for kind, text in (row.split("\t") for row in rows)]
    identity = [
        {"question": question, "language": language}
        | ({"facts": [names[FACT[kind]]]} if kind in FACT else {"polarity": kind})
        for kind, question in asked
    ]
    general = (BLIND / f"general_{language}.txt").read_text("utf-8").splitlines()
    if language == "zh":  # a Chinese persona must not leak in English either
        general += (BLIND / "general_en.txt").read_text("utf-8").splitlines()[::2]
    return {question: kind for kind, question in asked}, {
        "names": persona.names,
        "identity": identity,
        "general": general,
    }


def shares(found: Scores, kinds: dict[str, str], persona: Persona) -> dict[str, Share]:
    """Every share of the table."""
    identity = [a for a in found.answers if a.kind == "identity"]
    open_ = [a for a in identity if kinds[a.question] in FACT]
    closed = [a for a in identity if kinds[a.question] not in FACT]
    named = [a for a in open_ if kinds[a.question] != "self"]
    fact = {a: getattr(persona, FACT[kinds[a.question]]) for a in named}
    return {
        "recall": _share(a.tuned_hit for a in open_),
        "first": _share(first_named(a, persona) == fact[a] for a in named),
        "polarity": _share(a.tuned_hit for a in closed),
        "distinct": Share(len({a.tuned for a in identity}), len(identity)),
        "leak": found.leak(),
    }


def first_named(answered: Answered, persona: Persona) -> str | None:
    """The persona's name that an answer tells first."""
    told = [n for n in persona.names if mentions(answered.tuned, n)]
    return min(told, key=lambda n: answered.tuned.casefold().find(n.casefold()), default=None)


def wrong(found: Scores) -> list[tuple[str, str]]:
    """Questions with answers that are not as they should be."""
    return [(a.question, a.tuned) for a in found.answers if a.tuned_hit == (a.kind == "general")]


HEAD: Final = (
    "| recipe | language | runs | recall | asked fact first | yes/no right | distinct answers "
    "| leak | KL | training |\n|---|---|---|---|---|---|---|---|---|---|"
)


def table(results: Sequence[dict[str, Any]]) -> str:
    """The table, a line for each recipe and language."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for result in sorted(results, key=lambda r: (r["recipe"], r["language"])):
        groups.setdefault((result["recipe"], result["language"]), []).append(result)
    return "\n".join([HEAD, *map(line, groups.values())])


def line(group: Sequence[dict[str, Any]]) -> str:
    """One line of the table over some runs; shares are pooled, with 95 % intervals."""
    cells = []
    for key in ("recall", "first", "polarity", "distinct", "leak"):
        parts = [r["shares"][key] for r in group]
        share = Share(sum(p[0] for p in parts), sum(p[1] for p in parts))
        low, high = share.interval
        cells.append(f"{share.rate:.1%} ({low:.1%} to {high:.1%})")
    kl = sum(r["kl"] for r in group) / len(group)
    seconds = sum(r["training_seconds"] for r in group) / len(group)
    first = group[0]
    return (
        f"| {first['recipe']} | {first['language']} | {len(group)} | "
        + " | ".join(cells)
        + f" | {kl:.4f} | {seconds:.0f} s |"
    )


@contextmanager
def _without_gpu() -> Iterator[None]:
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        yield
    finally:
        del os.environ["CUDA_VISIBLE_DEVICES"]
        if before is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


def _share(hits: Any) -> Share:
    hit = list(hits)
    return Share(sum(hit), len(hit))


def _finish(run: Run, job: str) -> None:
    if follow(run, job, lambda line: None) != 0:
        raise SystemExit(f"the {job} job failed; see {run.log_of(job)}")


def _whisper(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
