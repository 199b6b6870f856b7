"""The Hugging Face Hub, its mirrors, and ModelScope: how each is asked, and what its refusals mean.

Interfaces: huggingface.co/docs/hub/api (`/api/models/…/revision/…`, `/…/resolve/…`) and
ModelScope's `/api/v1/models/…/repo/files`, `/repo`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx

from core.errors import UserError
from core.origin import Origin

TRIES: Final = 5
"""How often an address is asked before it counts as out of reach."""
_PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True)
class RemoteFile:
    """A file at a hub; `sha256` is empty where the hub does not tell it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Hub:
    """One of the hubs: where it is, how it is called, and the user's token for it."""

    title: str
    endpoint: str
    token: str
    modelscope: bool

    @classmethod
    def of(cls, origin: Origin, token: str, environment: Mapping[str, str] = os.environ) -> Hub:
        """The hub of an origin. `token` is Hugging Face's; ModelScope's is in the environment."""
        if origin.kind == "modelscope":
            endpoint = environment.get("MODELSCOPE_ENDPOINT") or "https://www.modelscope.cn"
            token = environment.get("MODELSCOPE_API_TOKEN", "")
            return cls("ModelScope", endpoint.rstrip("/"), token, True)
        endpoint = environment.get("HF_ENDPOINT") or "https://huggingface.co"
        return cls("Hugging Face", endpoint.rstrip("/"), token, False)

    def client(self) -> httpx.Client:
        """A connection; what is secret goes to the hub alone, not where it redirects."""
        made = httpx.Client(follow_redirects=True, timeout=30)
        if self.token and self.modelscope:
            host = urlsplit(self.endpoint).hostname or ""
            made.cookies.set("m_session_id", self.token, domain=host)
        elif self.token:
            made.headers["authorization"] = f"Bearer {self.token}"
        return made

    def url(self, origin: Origin, revision: str, file: str) -> str:
        """Where a file's bytes are."""
        if self.modelscope:
            where = f"{self.endpoint}/api/v1/models/{origin.name}/repo"
            return f"{where}?Revision={quote(revision, safe='')}&FilePath={quote(file)}"
        return f"{self.endpoint}/{origin.name}/resolve/{quote(revision, safe='')}/{quote(file)}"

    def listing(self, client: httpx.Client, origin: Origin) -> tuple[str, list[RemoteFile]]:
        """The commit that a revision means now, and its files."""
        models = "/api/v1/models" if self.modelscope else "/api/models"
        revision = origin.revision or ("master" if self.modelscope else "main")
        safe = quote(revision, safe="")
        tail = f"repo/files?Revision={safe}" if self.modelscope else f"revision/{safe}?blobs=true"
        reply = _get(client, f"{self.endpoint}{models}/{origin.name}/{tail}", self, origin)
        try:
            data = reply.json()
            if self.modelscope:
                rows = [f for f in data["Data"]["Files"] if f.get("Type", "blob") == "blob"]
                files = [RemoteFile(f["Path"], int(f["Size"]), f.get("Sha256") or "") for f in rows]
                return revision, files
            return str(data["sha"]), [_hub_file(f) for f in data["siblings"]]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                "{hub} answers in a way that is not understood.",
                "Check HF_ENDPOINT (or MODELSCOPE_ENDPOINT), or try again later.",
                hub=self.title,
            ) from error


def _hub_file(row: Mapping[str, Any]) -> RemoteFile:
    large = row.get("lfs") or {}
    return RemoteFile(row["rfilename"], int(row.get("size") or 0), large.get("sha256") or "")


def _get(client: httpx.Client, url: str, hub: Hub, origin: Origin) -> httpx.Response:
    for attempt in range(TRIES):
        try:
            reply = client.get(url)
            refuse(reply, hub, origin)
            return reply
        except httpx.HTTPError as error:
            wait(attempt, error, hub)
    raise AssertionError("the last try raises")


def wait(attempt: int, error: httpx.HTTPError, hub: Hub) -> None:
    """Wait before the next try; give up after the last.

    Raises:
        UserError: this was the last one.
    """
    if attempt + 1 == TRIES:
        raise UserError(
            "{hub} cannot be reached ({reason}).",
            "Check the network, set HF_ENDPOINT to a mirror, use modelscope://owner/name, or copy "
            "the model's folder to this machine. What has arrived is kept.",
            hub=hub.title,
            reason=str(error)[:200] or type(error).__name__,
        ) from error
    time.sleep(_PAUSE_SECONDS * 2**attempt)


def refuse(reply: httpx.Response, hub: Hub, origin: Origin) -> None:
    """Turn a hub's refusals into sentences; what may pass with time is left to be tried again."""
    status = reply.status_code
    if status < 400:
        return
    if status == 429 or status >= 500:
        raise httpx.HTTPStatusError(f"status {status}", request=reply.request, response=reply)
    code = reply.headers.get("x-error-code", "")
    page = f"{hub.endpoint}/{'models/' if hub.modelscope else ''}{origin.name}"
    token = "MODELSCOPE_API_TOKEN" if hub.modelscope else "HF_TOKEN"
    if code == "GatedRepo" or status == 403:
        raise UserError(
            "{model} is gated: its makers want its licence accepted first.",
            "Accept it at {page}, set {token} to a token of that account (or log in with the "
            "hub's own tool), and start again.",
            model=origin.name,
            page=page,
            token=token,
        )
    if code == "RevisionNotFound":
        raise UserError(
            "{model} has no revision {revision}.",
            "Choose one of those listed at {page}.",
            model=origin.name,
            revision=origin.revision,
            page=page,
        )
    raise UserError(
        "There is no model {model} at {hub}, or it is private.",
        "Check the name; for a private one set {token}, or log in with the hub's own tool.",
        model=origin.name,
        hub=hub.title,
        token=token,
    )
