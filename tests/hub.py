"""A model hub on this machine: real HTTP, the two hubs' addresses, and faults on demand."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "a" * 40


class Hub:
    """What the server serves and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.gated = self.private = False
        self.token = ""
        self.elsewhere = ""  # where large files are redirected to, as the real hub does
        self.seconds_a_block = 0.0
        self.drop_after = 0  # bytes after which one connection breaks
        self.garble = False
        self.ranges = True
        self.url = ""

    def files(self) -> list[Path]:
        """Everything it holds."""
        return sorted(p for p in self.folder.iterdir() if p.is_file())


@contextmanager
def serving(folder: Path) -> Iterator[Hub]:
    """A hub with one model, owner/model."""
    hub = Hub(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            hub.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            query = {k: v[0] for k, v in parse_qs(parts.query).items()}
            path = unquote(parts.path)
            known = hub.token and self.headers.get("authorization") == f"Bearer {hub.token}"
            if path.startswith("/elsewhere/"):
                return self._file(path.removeprefix("/elsewhere/"))
            if "owner/model" not in path or (hub.private and not known):
                return self._refuse(401, "RepoNotFound")
            if hub.gated and not known:
                return self._refuse(403, "GatedRepo")
            if path == "/api/v1/models/owner/model/repo/files":
                rows = [{"Path": p.name, "Size": p.stat().st_size, "Type": "blob",
                         "Sha256": _sha256(p)} for p in hub.files()]  # fmt: skip
                return self._json({"Code": 200, "Data": {"Files": rows}})
            if path == "/api/v1/models/owner/model/repo":
                return self._file(query["FilePath"])
            if path.startswith("/api/models/owner/model/revision/"):
                if path.rpartition("/")[2] not in ("main", "v1", COMMIT):
                    return self._refuse(404, "RevisionNotFound")
                rows = [{"rfilename": p.name, "size": p.stat().st_size, "lfs":
                         {"sha256": _sha256(p)} if p.suffix != ".json" else None}
                        for p in hub.files()]  # fmt: skip
                return self._json({"sha": COMMIT, "siblings": rows})
            if path.startswith(f"/owner/model/resolve/{COMMIT}/"):
                name = path.rpartition("/")[2]
                if hub.elsewhere and name.endswith(".safetensors"):
                    self.send_response(302)
                    self.send_header("location", f"{hub.elsewhere}/elsewhere/{name}")
                    self.send_header("content-length", "0")
                    return self.end_headers()
                return self._file(name)
            return self._refuse(404, "EntryNotFound")

        def _refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            self.send_header("x-error-code", code)
            self.send_header("content-length", "0")
            self.end_headers()

        def _json(self, data: object) -> None:
            raw = json.dumps(data).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def _file(self, name: str) -> None:
            raw = (hub.folder / name).read_bytes()
            if hub.garble and name.endswith(".safetensors"):
                raw = raw[:-1] + bytes([raw[-1] ^ 1])
            wanted = self.headers.get("range", "") if hub.ranges else ""
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            self.send_response(206 if wanted else 200)
            self.send_header("content-length", str(len(raw) - start))
            self.end_headers()
            sent = 0
            for at in range(start, len(raw), 4096):
                if hub.drop_after and sent >= hub.drop_after:
                    hub.drop_after = 0
                    return self.connection.shutdown(socket.SHUT_RDWR)
                self.wfile.write(raw[at : at + 4096])
                sent += 4096
                time.sleep(hub.seconds_a_block)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
