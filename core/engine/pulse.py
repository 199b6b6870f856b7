"""The ranks of a training feel at once that one is gone, and end with that one's error.

Each rank holds a connection to rank 0. A process that dies lets go of it, however it dies, and the
kernel asks after a host that fell silent; so nothing here is timed, and a rank that is only slow is
never taken for dead. A rank in trouble says so over the connection before it leaves. Whatever the
others then do (wait for it in a collective operation, most likely) is ended from a thread.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import selectors
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Final

from core.engine.ranks import Ranks
from core.errors import Text, text
from core.run import Run

_SECONDS: Final = 5  # between the kernel's questions to a silent host; three unanswered are its end
_PATIENCE: Final = 1.5  # seconds in which the death of another rank may explain one's own error
_TICK: Final = 0.5
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
_LONGEST: Final = 65_536  # bytes of a message


class Pulse:
    """The connections of one rank, and how it says that the training failed."""

    def __init__(self, run: Run, job: str, ranks: Ranks) -> None:
        self.asked = False
        self._run, self._job, self._ranks = run, job, ranks
        self._parent = os.getppid()
        self._peers: dict[socket.socket, int] = {}
        self._ending = threading.Lock()  # whoever goes through the peers, or takes one out
        if ranks.world > 1:
            # Until the ranks have met, a rank only waits for others, in code that hears no Python:
            # torchrun ends it with SIGTERM, and the kernel when torchrun is killed.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            _die_with_parent(signal.SIGKILL)

    def begin(self) -> None:
        """Connect, once the process group stands; from now on SIGTERM asks for a polite stop."""
        if self._ranks.world == 1:
            return
        one_host = os.environ.get("LOCAL_WORLD_SIZE") == str(self._ranks.world)
        server = port = None
        if self._ranks.first:
            server = socket.create_server(("127.0.0.1" if one_host else "", 0))
            port = server.getsockname()[1]
        port, token = self._ranks.tell((port, secrets.token_hex(16)) if server else None)
        host = "127.0.0.1" if one_host else os.environ["MASTER_ADDR"]
        if server:
            self._accept(server, token)
        else:
            peer = socket.create_connection((host, port), timeout=60)
            _send(peer, {"token": token, "rank": self._ranks.rank})
            self._peers[_lasting(peer)] = 0
        signal.signal(signal.SIGTERM, self._ask)
        _die_with_parent(0)  # the thread notices that, and says so
        threading.Thread(target=self._feel, daemon=True).start()

    def leave(self) -> None:
        """Say that all is done here: the end of this process means nothing from now on."""
        with self._ending:
            for peer in self._peers:
                with suppress(OSError):
                    _send(peer, {"left": True})
            self._peers = {}

    def fail(self, problem: Text, remedy: Text, detail: str = "") -> None:
        """Tell why this rank ends; where another one died first, that is told instead."""
        alone = self._ranks.world == 1
        fields = {
            "problem": (self._of_rank(problem) if detail and not alone else problem).to_json(),
            "remedy": remedy.to_json(),
            "detail": detail,
        }
        with self._ending:
            peers = [*self._peers]
        if not peers:
            self._run.emit("failed", self._job, **fields)
            return
        time.sleep(_PATIENCE)
        if not self._ranks.first:
            with suppress(OSError):
                _send(peers[0], {"failed": fields})
                time.sleep(_SECONDS)  # rank 0 writes it down and ends us
        self._end(fields)

    def _of_rank(self, problem: Text) -> Text:
        return text(
            "Process {number} of {world}: {problem}",
            number=self._ranks.rank + 1,
            world=self._ranks.world,
            problem=problem,
        )

    def _ask(self, *_: Any) -> None:
        self.asked = True

    def _accept(self, server: socket.socket, token: str) -> None:
        """Wait for all others; whoever does not know the token is sent away."""
        server.settimeout(60)
        with server:
            while len(self._peers) < self._ranks.world - 1:
                peer, _ = server.accept()
                peer.settimeout(10)
                with suppress(OSError, ValueError, TypeError, KeyError):
                    said = json.loads(_line(peer))
                    if secrets.compare_digest(said["token"], token):
                        self._peers[_lasting(peer)] = int(said["rank"])
                        continue
                peer.close()

    def _feel(self) -> None:
        """The thread: hear what others say, and their silence."""
        heard = {peer: b"" for peer in self._peers}
        with selectors.DefaultSelector() as selector:
            for peer in heard:
                selector.register(peer, selectors.EVENT_READ)
            while self._peers:
                if os.getppid() != self._parent:
                    self._end(launcher_gone())
                for key, _ in selector.select(_TICK):
                    peer = key.fileobj
                    with suppress(OSError):
                        if more := peer.recv(_LONGEST):
                            heard[peer] += more
                            if b"\n" not in heard[peer]:
                                continue
                    whole, end, _ = heard[peer].partition(b"\n")
                    said = json.loads(whole) if end else {}
                    selector.unregister(peer)
                    if "left" not in said:
                        self._end(said.get("failed") or self._gone(self._peers.get(peer, 0)), said)
                    with self._ending:
                        self._peers.pop(peer, None)

    def _gone(self, rank: int) -> dict[str, Any]:
        problem = text(
            "Process {number} of {world} ended without a word: it was killed from outside, most "
            "often because memory ran out, or its machine is gone.",
            number=rank + 1,
            world=self._ranks.world,
        )
        return {"problem": problem.to_json(), "remedy": _remedy().to_json()}

    def _end(self, fields: dict[str, Any], said: dict[str, Any] | None = None) -> None:
        """Write down why, tell the others, and end this process wherever its main thread is."""
        with self._ending:
            if not self._peers:
                return  # all left in order meanwhile
            if "ended" not in (said or {}):
                self._run.emit("failed", self._job, **fields)
            for peer in self._peers:
                with suppress(OSError):
                    _send(peer, {"ended": True})
            sys.stderr.flush()
            os._exit(1)


def _die_with_parent(number: int) -> None:
    """Let the kernel send us a signal when our parent ends; 0 for none."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)


def launcher_gone() -> dict[str, Any]:
    """A “failed” event's fields for a training whose torchrun was killed."""
    problem = text("torchrun, which keeps the processes together, was killed from outside.")
    return {"problem": problem.to_json(), "remedy": _remedy().to_json()}


def _remedy() -> Text:
    return text("Press Resume to go on from the last checkpoint; the log may say more.")


def _send(peer: socket.socket, said: dict[str, Any]) -> None:
    peer.sendall(json.dumps(said).encode() + b"\n")


def _line(peer: socket.socket) -> bytes:
    """One message, and not a byte of the next."""
    said = b""
    while not said.endswith(b"\n") and len(said) < _LONGEST and (more := peer.recv(1)):
        said += more
    return said


def _lasting(peer: socket.socket) -> socket.socket:
    """A connection that ends by itself a quarter of a minute after its host fell silent."""
    peer.settimeout(None)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, _SECONDS),
        (socket.TCP_KEEPINTVL, _SECONDS),
        (socket.TCP_KEEPCNT, 3),
        (socket.TCP_USER_TIMEOUT, 3_000 * _SECONDS),
    ):
        peer.setsockopt(socket.IPPROTO_TCP, option, value)
    return peer
