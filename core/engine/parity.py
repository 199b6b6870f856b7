"""Before a training: are these the ids that every other program would give the model?

A model that is trained in one spelling of its template and asked in another answers badly, and
nothing says why. So some conversations of the run are encoded twice, by us and by transformers'
`apply_chat_template`, and one differing id stops the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from core.config.source import load as load_config
from core.dataset import Message, Row, unique
from core.dataset import load as load_dataset
from core.errors import UserError
from core.model_folder import read_json
from core.models import folder
from core.run import Run
from core.settings import Settings
from core.tokens import ChatTokenizer

_CHECKED: Final = 6


def check_parity(run: Run, settings: Settings) -> None:
    """Compare the first rows of each kind and length.

    Raises:
        UserError: the ids differ; where, and how, is told.
    """
    config = load_config(run.config_file)
    s = config.settings
    path = folder(settings, s.pretrained_model_name_or_path)
    ours = ChatTokenizer.load(path, s.prompt_template)
    # A tokenizer that wants its own code is read as its tokenizer.json says; the code is not run.
    own_code = "auto_map" in read_json(path / "tokenizer_config.json")
    reader = PreTrainedTokenizerFast if own_code else AutoTokenizer
    try:
        theirs = reader.from_pretrained(path, trust_remote_code=False, local_files_only=True)
    except Exception as error:  # tokenizers and transformers raise what they like
        raise UserError(
            "The tokenizer of {folder} cannot be loaded by other programs: {reason}.",
            "Choose another model, or mend its tokenizer_config.json.",
            folder=path.name,
            reason=f"{type(error).__name__}: {error}".splitlines()[0][:200],
        ) from error
    for row in _chosen(list(unique(load_dataset(run.dataset_file)))):
        messages = row.messages
        if s.SYSTEM and messages[0].role != "system":
            messages = (Message("system", s.SYSTEM), *messages)
        _compare(messages, ours, theirs, own=s.prompt_template == "auto")


def _chosen(rows: Sequence[Row]) -> list[Row]:
    """The first row of each sort: its kind, its turns, whether it has a system text."""
    sorts: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        sorts.setdefault((row.kind, len(row.messages), row.messages[0].role), row)
    return list(sorts.values())[:_CHECKED]


def _compare(messages: Sequence[Message], ours: ChatTokenizer, theirs: Any, *, own: bool) -> None:
    def wanted(until: int, answer_next: bool) -> list[int]:
        return list(
            theirs.apply_chat_template(
                [{"role": m.role, "content": m.content} for m in messages[:until]],
                chat_template=None if own else ours.source,
                add_generation_prompt=answer_next,
                enable_thinking=False,
                tokenize=True,
                return_dict=True,
            )["input_ids"]
        )

    last = max((i for i, m in enumerate(messages) if m.role == "assistant"), default=None)
    asked = len(messages) if last is None else last
    question = messages[asked - 1].content
    prompt, known = list(ours.prompt(messages[:asked])), wanted(asked, answer_next=True)
    # An open thought is ended by us, on purpose, and by nobody else.
    begun = ours.opens_a_thought(messages[:asked])
    _same(prompt[: len(known)] if begun else prompt, known, question, ours)
    if last is None or begun:
        return
    found, known = list(ours.samples(messages)[-1][1].ids), wanted(last + 1, answer_next=False)
    if found[:-1] == known and found[-1] in ours.stop_ids:  # the end mark that the template lacks
        return
    # Where a token would join the prompt's end and the answer's beginning, ours are two: a chat
    # goes on from the prompt's own end, so the texts must be equal, not the cut.
    if found[: len(prompt)] == prompt and ours.decode(found, special=True) == ours.decode(
        known, special=True
    ):
        return
    _same(found, known, question, ours)


def _same(found: list[int], known: list[int], question: str, ours: ChatTokenizer) -> None:
    if found == known:
        return
    at = next(
        (i for i, pair in enumerate(zip(found, known, strict=False)) if pair[0] != pair[1]),
        min(len(found), len(known)),
    )
    raise UserError(
        "The prompt template gives other tokens here than in other programs: token {at} of "
        "“{question}” is {ours} here and {theirs} there.",
        "Set prompt_template to a named one, or choose another model; training now would teach it "
        "a format that nobody uses.",
        at=at,
        question=question[:60],
        ours=_told(found, at, ours),
        theirs=_told(known, at, ours),
    )


def _told(ids: list[int], at: int, ours: ChatTokenizer) -> str:
    return f"{ids[at]} {ours.decode([ids[at]], special=True)!r}" if at < len(ids) else "–"
