"""Talking on the page: which model answers, opening it, and the answers as they grow."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from core import chat, scores
from core.chat import Side
from core.errors import UserError
from core.run import Run
from core.settings import Settings
from core.ui.speech import Say

Messages = list[dict[str, str]]

MERGED: Final = "merged"
_PATIENCE: Final = 600.0
_TICK: Final = 0.2


def choices(found: Run | None, t: Say) -> list[tuple[str, str]]:
    """What of a run can be talked to, the most useful first: label and source."""
    if found is None:
        return []
    best = scores.chosen(found)

    def label(source: str) -> str:
        if source == MERGED:
            return _merged(found, t)
        step = source.partition(":")[2]
        if best is not None and step == str(best.step):
            return t("Checkpoint of step {step}, the best by its scores", step=step)
        return t("Checkpoint of step {step}", step=step)

    return [(label(source), source) for source in _sources(found)]


def _merged(found: Run, t: Say) -> str:
    """The merged model's label, with its strength where that is not as trained."""
    facts = json.loads((found.merged / "merge.json").read_text("utf-8"))
    strength = facts.get("strength", 1.0)
    words = t("Merged model")
    if strength == 1:
        return words
    return t("{model}, strength {strength}", model=words, strength=f"{strength:g}")


def _sources(found: Run) -> list[str]:
    best = scores.chosen(found)
    newest = [c.step for c in reversed(found.checkpoints())]
    # What scores best is offered first; of equals, and without scores, the newest.
    newest.sort(key=lambda step: best is None or step != best.step)
    steps = [f"adapter:{step}" for step in newest]
    return [MERGED, *steps] if found.is_merged else steps


def opened(found: Run) -> str:
    """The source that the run's living chat job was started with; empty when none lives."""
    if not found.chatting:
        return ""
    for event in reversed(found.events()):
        if event["job"] == "chat" and event["kind"] == "started":
            step = event.get("step")
            return MERGED if event.get("source") == MERGED else f"adapter:{step}"
    return ""


def open_source(found: Run, source: str, settings: Settings) -> None:
    """Have the chat job of this source running or starting; another source's is closed first.

    Raises:
        UserError: the source is not there, or the old chat does not end.
    """
    if source not in _sources(found):
        raise UserError(
            "The run {run} has nothing like that to talk to.",
            "Pick a model from the list.",
            run=found.name,
        )
    if found.chatting:
        state = chat.state(found).state
        if state in ("starting", "queued") or opened(found) == source:
            return
        chat.close_wholly(found)
    kind, _, step = source.partition(":")
    chat.open_chat(found, settings, kind, int(step) if step else None)


def wait(found: Run, t: Say) -> Iterator[str]:
    """Say why it is not ready yet, until it is.

    Raises:
        UserError: it failed or takes far too long.
    """
    end = time.monotonic() + _PATIENCE
    said = ""
    while (now := chat.state(found)).state != "ready":
        if now.state in ("failed", "closed"):
            problem = now.problem or "The model could not be loaded."
            remedy = now.remedy or "Try again."
            raise UserError("{problem}", "{remedy}", problem=problem, remedy=remedy)
        if time.monotonic() > end:
            raise UserError("The model is still not ready.", "Try again in a moment.")
        words = t("Loading the model …")
        if now.state == "queued":
            words = t("Waiting for {names} …", names=", ".join(now.ahead))
        if words != said:
            said = words
            yield said
        time.sleep(_TICK)


def answers(
    found: Run,
    history: Messages,
    side: Side,
    *,
    length: int,
    temperature: float,
    strength: float = 1.0,
) -> Iterator[Messages]:
    """The conversation with its next answer growing at the end."""
    answer = ""
    for piece in chat.ask(
        found,
        history,
        side,
        max_new_tokens=length,
        temperature=temperature,
        strength=strength,
    ):
        answer += piece
        yield [*history, {"role": "assistant", "content": answer}]
    if not answer.strip():
        yield [*history, {"role": "assistant", "content": "…"}]


def plain(history: Sequence[Any] | None) -> Messages:
    """A Chatbot's value as OpenAI messages: its content comes as blocks, ours are texts."""
    messages = []
    for message in history or ():
        content = message["content"]
        if not isinstance(content, str):
            content = "".join(block.get("text", "") for block in content)
        messages.append({"role": message["role"], "content": content})
    return messages
