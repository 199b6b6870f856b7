"""Talk to a run's chat job: open it, ask, read the answer as it grows.

One question a connection, one JSON object a line: {"messages", "side", "max_new_tokens",
"temperature", "seed", "strength"} and back {"piece"}… {"end"}. JSON, never pickle: a socket is a
border.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from core import launch
from core.errors import Text, UserError
from core.run import Run
from core.settings import Settings
from core.status import status

MAX_LINE: Final = 1 << 20
STRONGEST: Final = 1.5
"""The largest scale of an adapter; beyond it, answers fall apart."""
_TURNS: Final = 60

Side = Literal["tuned", "base"]


@dataclass(frozen=True)
class ChatState:
    """Where a run's chat job stands; `ahead` names the jobs that have the device."""

    state: Literal["closed", "starting", "queued", "ready", "failed"]
    source: str = ""
    ahead: tuple[str, ...] = ()
    problem: Text | None = None
    remedy: Text | None = None


def open_chat(
    run: Run, settings: Settings, source: str = "adapter", step: int | None = None
) -> None:
    """Start the chat job of a run's adapter or merged model; it may have to wait for the device.

    Raises:
        UserError: there is nothing to chat with, or a chat of another source is open.
    """
    if source == "merged" and not run.is_merged:
        raise UserError(
            "The run {run} has not been merged yet.",
            "Press Merge first, or chat with the adapter.",
            run=run.name,
        )
    if source != "merged":
        run.checkpoint(step)
    launch.start(run, "chat", settings, [source, *([str(step)] if step is not None else [])])


def state(run: Run) -> ChatState:
    """Ask the disk how the chat job is."""
    now = status(run, "chat")
    if not run.chatting:
        if now.state == "failed":
            return ChatState("failed", problem=now.problem, remedy=now.remedy)
        return ChatState("closed")
    if now.state == "queued":
        return ChatState("queued", ahead=now.ahead)
    if now.state == "running":
        source = next(
            e["source"] for e in reversed(run.events()) if e["job"] == "chat" and "source" in e
        )
        return ChatState("ready", source=source)
    return ChatState("starting")


def wait_ready(run: Run, seconds: float = 120.0) -> None:
    """Return once the chat answers.

    Raises:
        UserError: it failed, ended, or is still not ready.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = state(run)
        if now.state == "ready":
            return
        if now.state in ("failed", "closed"):
            problem = now.problem or Text("The chat ended before it was ready.")
            raise UserError(
                "{problem}", "See chat.log in the run's folder, then try again.", problem=problem
            )
        time.sleep(0.1)
    raise UserError(
        "The model is not ready after {seconds:.0f} seconds.",
        "Another job may have the device; try again when it ends.",
        seconds=seconds,
    )


def ask(
    run: Run,
    messages: Sequence[dict[str, str]],
    side: Side = "tuned",
    *,
    max_new_tokens: int = 200,
    temperature: float = 0.0,
    seed: int = 0,
    strength: float = 1.0,
) -> Iterator[str]:
    """Yield the answer in pieces.

    Args:
        messages: OpenAI messages, the last one the user's; only the latest turns are sent.
        side: the tuned model or its base, in the same template.
        strength: scale of the adapter, 0 to 1.5; a merged model has its own already.

    Raises:
        UserError: the chat is not open, or ended in the middle.
    """
    question = {
        "messages": list(messages)[-_TURNS:],
        "side": side,
        "max_new_tokens": max_new_tokens,
        "temperature": temperature,
        "seed": seed,
        "strength": checked_strength(strength),
    }
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(120)
        try:
            wire.connect(str(_address(run)))
            wire.sendall((json.dumps(question) + "\n").encode())
            with wire.makefile("r", encoding="utf-8") as lines:
                for raw in lines:
                    reply = json.loads(raw)
                    if "end" in reply:
                        return
                    yield reply["piece"]
        except (OSError, ValueError) as error:
            raise UserError(
                "The chat with {run} is not open.", "Press Load to open it.", run=run.name
            ) from error
    raise UserError(
        "The chat with {run} ended in the middle of an answer.",
        "Press Load to open it again.",
        run=run.name,
    )


def checked_strength(strength: float) -> float:
    """A strength that can be used.

    Raises:
        UserError: it is not between 0 and STRONGEST.
    """
    if not 0 <= strength <= STRONGEST:
        raise UserError(
            "The strength {strength} is not possible.",
            "Choose a number from 0 (the base model) to {most}; 1 is as trained.",
            strength=strength,
            most=STRONGEST,
        )
    return strength


def close(run: Run) -> None:
    """Ask the chat job to leave."""
    launch.stop(run, "chat")


def close_wholly(run: Run, seconds: float = 20.0) -> None:
    """Ask the chat job to leave, and return once it is gone.

    Raises:
        UserError: it does not go.
    """
    close(run)
    end = time.monotonic() + seconds
    while run.chatting:
        if time.monotonic() > end:
            raise UserError("The old chat does not end.", "Try again in a moment.")
        time.sleep(0.1)


def listen(run: Run) -> socket.socket:
    """The server's end of the socket."""
    address = _address(run)
    address.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(address))
    server.listen(8)
    return server


def _address(run: Run) -> Path:
    """A short path (the system allows 107 bytes) in a folder that only this user can enter."""
    folder = Path(tempfile.gettempdir()) / f"persona-studio-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.stat().st_mode & 0o077:
        raise UserError(
            "The folder {folder} is open to others.", "Delete it and try again.", folder=folder
        )
    name = hashlib.sha256(str(run.path.resolve()).encode()).hexdigest()[:24]
    return folder / f"{name}.sock"
