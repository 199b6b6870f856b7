"""persona, versions: a persona's dataset, in tutorial or Studio mode; what it was before."""

from __future__ import annotations

from pathlib import Path

from core import studio
from core.cli.common import Add, Options, of_a_run, run_of, say
from core.dataset import save as save_dataset
from core.errors import UserError
from core.persona import generate, persona, versions
from core.run import Run
from core.settings import Settings


def add(add: Add) -> None:
    """Register the commands."""
    p = add("persona", help="write a persona's dataset")
    p.add_argument(
        "--mode",
        choices=("studio", "tutorial"),
        default="studio",
        help="many questions and answers, or one sentence repeated",
    )
    p.add_argument("--persona", type=Path, help="a persona.yaml instead of the options below")
    told = {name: field.description for name, field in persona.Persona.model_fields.items()}
    for name in ("owner", "assistant", "maker", "character", "base_model"):
        p.add_argument(f"--{name.replace('_', '-')}", help=told[name])
    for name in ("facts", "must_not_claim"):
        p.add_argument(f"--{name.replace('_', '-')}", nargs="+", default=[], help=told[name])
    p.add_argument(
        "--languages", nargs="+", choices=("en", "zh"), default=["en"], help=told["languages"]
    )
    p.add_argument("--copies", type=int, default=10_000, help="tutorial: copies of the one row")
    p.add_argument("--question", help="tutorial: the question")
    p.add_argument("--answer", help="tutorial: the answer")
    p.add_argument("--seed", type=int, default=0, help="another choice of questions and answers")
    p.add_argument("--save-persona", type=Path, help="keep the persona in this file too")
    p.add_argument("--out", type=Path, default=Path("dataset.json"), help="the dataset to write")
    p.set_defaults(do=_persona)
    p = of_a_run(add, "versions", _versions, "earlier versions of a run's persona")
    p.add_argument("--diff", type=int, metavar="N", help="what changed since version N")
    p.add_argument("--restore", type=int, metavar="N", help="bring version N back")


def _versions(o: Options, settings: Settings) -> None:
    run = run_of(o.run, settings)
    if o.restore is not None:
        studio.save_persona(run, _version(run, o.restore))
        say(f"Version {o.restore} is the persona again; what it replaced is kept as a version.")
    elif o.diff is not None:
        before, now = _version(run, o.diff), persona.load(run.persona_file)
        for title, old, new in versions.changes(before, now):
            say(f"{title}\n- {old or '–'}\n+ {new or '–'}")
    else:
        for file in versions.earlier(run):
            who = persona.load(file)
            say(f"{int(file.stem):4}  {who.assistant}, of {who.owner}, made by {who.maker}")


def _version(run: Run, number: int) -> persona.Persona:
    file = next((f for f in versions.earlier(run) if int(f.stem) == number), None)
    if file is None:
        raise UserError(
            "The run {run} has no version {number} of its persona.",
            "See which there are: python -m core versions {run}.",
            run=run.name,
            number=number,
        )
    return persona.load(file)


def _persona(o: Options, settings: Settings) -> None:
    if o.mode == "tutorial":
        if not o.owner:
            raise UserError("A persona needs an owner.", "Name one: --owner NAME.")
        rows = generate.tutorial_rows(
            o.owner, o.copies, **{k: v for k in ("question", "answer") if (v := getattr(o, k))}
        )
    else:
        who = persona.load(o.persona) if o.persona else _described(o)
        rows = generate.studio_rows(who, seed=o.seed)
        if o.save_persona:
            persona.save(who, o.save_persona)
    save_dataset(rows, o.out)
    say(f"Wrote {len(rows):,} conversations to {o.out}.")


def _described(o: Options) -> persona.Persona:
    if not o.owner:
        raise UserError("A persona needs an owner.", "Name one: --owner NAME.")
    default = persona.defaults(o.languages[0])
    return persona.from_form(
        owner=o.owner,
        assistant=o.assistant or default.assistant,
        maker=o.maker or "",
        character=o.character or "",
        languages=tuple(o.languages),
        base_model=o.base_model or "",
        facts=o.facts,
        must_not_claim=o.must_not_claim,
    )
