"""Puts a new file in the place of an old one, whole or not at all. Everything here blocks.

The new file is written beside the old one under a name of its own and takes its name by rename(2) when it is
complete, with owner and mode as they should be. So a reader sees the old content or the new, also after a crash.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Iterable
from typing import Protocol

_TEMPORARY = ".osapi-"
_STALE_S = 600.0
"""Age after which a temporary file can only be the remains of a crash."""


class Growing(Protocol):
    """A file that is written piece by piece and takes its place at the end. All raise `OSError`, `commit` what `write` raises."""

    def write(self, content: bytes) -> None: ...

    def commit(self, *, mode: int, uid: int, gid: int) -> None: ...

    def close(self) -> None: ...


class NewFile:
    """A file on its way. Takes over `directory`, a descriptor, and closes it; `close` must be called. Raises `OSError`."""

    def __init__(self, directory: int, name: str) -> None:
        self._directory = directory
        self._name = name
        self._temporary = f"{_TEMPORARY}{secrets.token_hex(8)}.tmp"
        self._open = True
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(self._temporary, flags, 0o600, dir_fd=directory)
        except OSError:
            os.close(directory)
            raise

    def write(self, content: bytes) -> None:
        """Write the next piece."""
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def commit(self, *, mode: int, uid: int, gid: int) -> None:
        """Put it in place, durably: owner, mode, fsync, rename, fsync of the directory."""
        os.fchown(self._descriptor, uid, gid)
        os.fchmod(self._descriptor, mode)  # after fchown, which clears the set-id bits
        os.fsync(self._descriptor)
        os.rename(self._temporary, self._name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        self._temporary = ""
        sync_directory(self._directory)
        _sweep(self._directory)

    def close(self) -> None:
        """Let go; what is not in place is removed. A second call does nothing."""
        if not self._open:
            return
        self._open = False
        os.close(self._descriptor)
        if self._temporary:
            with contextlib.suppress(OSError):
                os.unlink(self._temporary, dir_fd=self._directory)
        os.close(self._directory)


def replace(new: Growing, content: Iterable[bytes], *, mode: int, uid: int, gid: int) -> None:
    """Write all of it, put it in place, let go."""
    try:
        for piece in content:
            new.write(piece)
        new.commit(mode=mode, uid=uid, gid=gid)
    finally:
        new.close()


def replace_link(directory: int, name: str, target: str) -> None:
    """Put a symbolic link in place, as `commit` does."""
    temporary = f"{_TEMPORARY}{secrets.token_hex(8)}.tmp"
    os.symlink(target, temporary, dir_fd=directory)
    try:
        os.rename(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=directory)
        raise
    sync_directory(directory)


def sync_directory(directory: int) -> None:
    """Make names in a directory durable; the descriptor may be one that only names it (O_PATH)."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        os.fsync(readable)
    finally:
        os.close(readable)


def names_in(directory: int) -> list[str]:
    """Sorted names in a directory."""
    with os.scandir(directory) as entries:
        return sorted(entry.name for entry in entries)


def _sweep(directory: int) -> None:
    """Remove what a crash between creation and rename has left behind, once it is old."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        names = [name for name in names_in(readable) if name.startswith(_TEMPORARY) and name.endswith(".tmp")]
        for name in names:
            with contextlib.suppress(OSError):
                if time.time() - os.stat(name, dir_fd=readable, follow_symlinks=False).st_mtime > _STALE_S:
                    os.unlink(name, dir_fd=readable)
    finally:
        os.close(readable)
