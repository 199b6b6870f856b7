"""Prompt templates rendered by a child process with limits: a hostile one can only fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from core.dataset import Message
from core.errors import UserError

SECONDS: Final = 3.0
"""Processor time for one conversation."""

_WORKER: Final = Path(__file__).with_name("render_worker.py")
_KEPT: Final = ("LD_LIBRARY_PATH", "SYSTEMROOT", "TZ")
_LONGEST: Final = 2**26
_MOST_SOURCE: Final = 2**20


class Renderer:
    """One Jinja template; its process starts at the first use and ends with this object."""

    def __init__(self, source: str, special: Mapping[str, str]) -> None:
        if len(source) > _MOST_SOURCE:
            raise UserError(
                "The model's prompt template is broken: {reason}.",
                "Choose another model, or set prompt_template to a named one.",
                reason="it is far too long",
            )
        self._hello = json.dumps({"source": source, "special": dict(special), "seconds": SECONDS})
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None

    def render(self, wanted: Sequence[tuple[Sequence[Message], bool]]) -> list[str]:
        """Conversations as texts; True ends one where the assistant would begin.

        Raises:
            UserError: the template refuses one, is broken, or takes too long.
        """
        jobs = [
            {
                "messages": [{"role": m.role, "content": m.content} for m in messages],
                "answer_next": answer_next,
            }
            for messages, answer_next in wanted
        ]
        reply = self._ask(json.dumps(jobs))
        if "texts" not in reply:
            raise UserError(
                "The model's prompt template refuses this conversation: {reason}.",
                "Choose another prompt_template, or change the conversation.",
                reason=str(reply.get("error", "")).rstrip("."),
            )
        return [str(text) for text in reply["texts"]]

    def _ask(self, line: str) -> dict[str, Any]:
        with self._lock:
            child = self._child or self._start()
            assert child.stdin is not None and child.stdout is not None
            try:
                if child is not self._child:
                    child.stdin.write(self._hello + "\n")
                    self._child = child
                child.stdin.write(line + "\n")
                child.stdin.flush()
                return dict(json.loads(child.stdout.readline(_LONGEST)))
            except (OSError, ValueError) as error:
                self._child = None
                _end(child)
                raise UserError(
                    "The model's prompt template takes too long or too much memory, "
                    "and was stopped.",
                    "Choose another model, or set prompt_template to a named one.",
                ) from error

    def _start(self) -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={k: os.environ[k] for k in _KEPT if k in os.environ},
            cwd="/",
        )
        weakref.finalize(self, _end, child)
        return child


def _end(child: subprocess.Popen[str]) -> None:
    child.kill()
    for pipe in (child.stdin, child.stdout):
        try:
            if pipe is not None:
                pipe.close()
        except OSError:  # what could not be sent to it any more
            continue
    child.wait()
