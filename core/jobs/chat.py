"""Program: answer questions with a run's model. `python -m core.jobs.chat RUN SOURCE [STEP]`.

It listens on a Unix socket that only this user can open, speaks the JSON lines of `core.chat`,
leaves when nobody asked for a while, and at once when another job waits for the device.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from typing import Final

from core import chat
from core.config.source import load as load_config
from core.dataset import Message
from core.engine.talk import Voices
from core.jobs.common import enter, lead
from core.models import folder
from core.plan import Plan
from core.queue import line
from core.run import Run
from core.settings import Settings

_IDLE_SECONDS: Final = 300.0


def main(arguments: list[str]) -> int:
    """Serve until idle, asked to close, or another job waits."""
    run = enter("chat", arguments[0])
    source = arguments[1]
    step = int(arguments[2]) if len(arguments) > 2 else None
    settings = Settings.from_environment()

    def work() -> str:
        config = load_config(run.config_file)
        plan = Plan.from_json(run.plan_file.read_text("utf-8"))
        run.emit("progressed", "chat", stage="loading the model", done=0, total=1)
        voices = Voices.load(
            run,
            config,
            folder(settings, config.settings.pretrained_model_name_or_path),
            dtype=str(plan["dtype"]),
            device=str(plan["device"]),
            step=step,
            merged=source == "merged",
        )
        with chat.listen(run) as server:
            run.emit("started", "chat", source=source, step=step)
            _serve(server, voices, run, settings)
        return "finished"

    return lead("chat", run, work)


def _serve(server: socket.socket, voices: Voices, run: Run, settings: Settings) -> None:
    server.settimeout(0.5)
    last = time.monotonic()
    while time.monotonic() - last < _IDLE_SECONDS and not run.stop_file("chat").exists():
        try:
            connection, _ = server.accept()
        except TimeoutError:
            if len(line(settings.queue)) > 1:
                return
            continue
        with connection:
            connection.settimeout(30)
            _converse(connection, voices)
        last = time.monotonic()


def _converse(connection: socket.socket, voices: Voices) -> None:
    """One question, its answer in lines; a visitor who leaves ends the answer."""
    try:
        with connection.makefile("rw", encoding="utf-8") as wire:
            ask = json.loads(wire.readline(chat.MAX_LINE))
            messages = [Message(m["role"], m["content"]) for m in ask["messages"]]
            for piece in voices.answer(
                messages,
                tuned=ask["side"] == "tuned",
                strength=ask["strength"],
                max_new_tokens=ask["max_new_tokens"],
                temperature=ask["temperature"],
                seed=ask["seed"],
            ):
                wire.write(json.dumps({"piece": piece}) + "\n")
                wire.flush()
            wire.write(json.dumps({"end": True}) + "\n")
    except (OSError, ValueError):
        return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
