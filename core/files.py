"""Files that are whole or absent, names that stay in their folder, locks that cannot lie."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from core.errors import UserError

_UNSAFE: Final = re.compile(r"[^\w.-]+")


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write a file so that readers see the old content or the new, never a part.

    Raises:
        UserError: the disk is full or the folder cannot be written.
    """
    raw = data.encode("utf-8") if isinstance(data, str) else data
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's disk errors into sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                "The disk that holds {path} is full.",
                "Free some space (old runs can be deleted in the Runs tab) and try again.",
                path=path,
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise UserError(
                "{path} cannot be written: {reason}.",
                "Choose a folder that you may write to (STUDIO_HOME or --work-dir).",
                path=path,
                reason=error.strerror,
            ) from error
        raise


def require_space(folder: Path, needed_bytes: int) -> None:
    """Raise UserError unless the disk of `folder` has `needed_bytes` free."""
    existing = next(p for p in [folder, *folder.parents] if p.exists())
    free = shutil.disk_usage(existing).free
    if free < needed_bytes:
        raise UserError(
            "This needs {needed:.1f} GiB of disk, and {folder} has {free:.1f} GiB free.",
            "Free some space (old runs can be deleted in the Runs tab) and try again.",
            needed=needed_bytes / 2**30,
            free=free / 2**30,
            folder=existing,
        )


def safe_name(title: str, *, fallback: str = "run") -> str:
    """A file name made from a title: letters of any script, digits, dots, dashes; at most 60."""
    plain = unicodedata.normalize("NFKC", title)
    return _UNSAFE.sub("-", plain).strip("-._")[:60].strip("-._") or fallback


def inside(folder: Path, name: str) -> Path:
    """The path of `name` directly inside `folder`.

    Raises:
        UserError: the name would lead out of the folder, or is hidden, or passes through a link.
    """
    path = folder / name
    if not name or name.startswith(".") or Path(name).name != name or path.is_symlink():
        raise UserError("“{name}” is not a valid name here.", "Pick one from the list.", name=name)
    return path


class Lock:
    """A shared `flock` that dies with its processes: held means alive, whatever a pid file says.

    Takers queue on a short exclusive lock of the folder, so that two starts cannot both win; a
    child process that inherits the descriptor keeps the lock held after the parent lets go.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> Lock | None:
        """The lock, shared from now on; None when somebody holds it."""
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            return None if cls.held(path) else cls.join(path)
        finally:
            os.close(folder)

    @classmethod
    def join(cls, path: Path) -> Lock:
        """Hold the lock beside its other holders, for as long as this process lives."""
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return cls(path, descriptor)

    @staticmethod
    def held(path: Path) -> bool:
        """Whether any living process holds the lock."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def release(self) -> None:
        """Let go here; the lock stays held while a child that inherited it lives."""
        os.close(self.descriptor)
