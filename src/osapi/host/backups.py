"""Files that were there before OSAPI put its own in their place, kept beside the agent to be put back.

A copy has the content, owner, group and mode of the original, in a folder that only the agent may enter. It
is named after the path, so there is one for each path: the file as it was before OSAPI came.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from osapi.host.ending import in_thread
from osapi.host.files import FileStat, FileTree

_FOLDER = "/backups"


class Backups(Protocol):
    """The copies, by the path of the original. Changed through `Host.apply` only."""

    async def stat(self, path: str) -> FileStat | None:
        """What is known of the copy; None when there is none."""
        ...

    async def read(self, path: str, limit: int) -> bytes | None:
        """The copy's content; None when there is none. Raises `TooLarge` when it is longer than `limit`."""
        ...

    async def digest(self, path: str) -> str | None:
        """SHA-256 of the copy's content, in hexadecimal; None when there is none."""
        ...

    async def keep(self, path: str) -> None:
        """Copy the file, in place of an earlier copy. Raises `NotFound` when it is not there."""
        ...

    async def restore(self, path: str) -> None:
        """Put the copy back as the whole file it was. Raises `NotFound` when there is none."""
        ...

    async def drop(self, path: str) -> None:
        """Remove the copy. A second call does nothing."""
        ...


class LocalBackups:
    """Copies in the folder of the agent's state."""

    def __init__(self, files: FileTree, state: FileTree) -> None:
        self._files = files
        self._state = state

    async def stat(self, path: str) -> FileStat | None:
        return await in_thread(lambda: self._state.stat(_name(path)))

    async def read(self, path: str, limit: int) -> bytes | None:
        return await in_thread(lambda: self._state.read(_name(path), limit))

    async def digest(self, path: str) -> str | None:
        return await in_thread(lambda: self._state.digest(_name(path)))

    async def keep(self, path: str) -> None:
        await in_thread(lambda: self._files.copy(path, self._state, _name(path)))

    async def restore(self, path: str) -> None:
        await in_thread(lambda: self._state.copy(_name(path), self._files, path))

    async def drop(self, path: str) -> None:
        await in_thread(lambda: self._state.remove(_name(path)))


def _name(path: str) -> str:
    return f"{_FOLDER}/{hashlib.sha256(path.encode()).hexdigest()}"
