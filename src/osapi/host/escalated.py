"""Files as an agent without root sees and changes them: read by itself, changed by the helper. Everything here blocks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from osapi.host.backups import LocalBackups
from osapi.host.ending import in_thread
from osapi.host.escalation import Escalation, Order
from osapi.host.files import FileTree
from osapi.host.grants import ROOT_DIR, TRIAL_DIR
from osapi.host.replacing import Growing
from osapi.host.undoing import SCRIPT

_PIECE = 1 << 16


class EscalatedFiles(FileTree):
    """The files of the host. What is below `own`, the agent's folder, it changes itself."""

    def __init__(self, escalation: Escalation, own: str) -> None:
        super().__init__()
        self._escalation = escalation
        self._own = own

    def write(self, path: str, content: bytes, *, mode: int, uid: int, gid: int, make_parents: bool) -> None:
        if self._is_own(path):
            super().write(path, content, mode=mode, uid=os.geteuid(), gid=os.getegid(), make_parents=make_parents)
            return
        order = Order(size=len(content), mode=mode, uid=uid, gid=gid, make_parents=make_parents)
        self._escalation.change("write", path, order, (content,))

    def begin(self, path: str, *, make_parents: bool) -> Growing:
        if self._is_own(path):
            return super().begin(path, make_parents=make_parents)
        return _Spooled(self._escalation, path, self._own, make_parents=make_parents)

    def link(self, path: str, target: str) -> None:
        self._escalation.change("link", path, Order(target=target))

    def overwrite(self, path: str, content: bytes) -> None:
        self._escalation.change("kernel", path, Order(size=len(content)), (content,))

    def remove(self, path: str) -> bool:
        if self._is_own(path):
            return super().remove(path)
        if self.stat(path) is None:
            return False
        self._escalation.change("remove", path, Order())
        return True

    def write_undo(self, copies: Mapping[str, str | None], repair: Sequence[Sequence[str]]) -> None:
        """Have the script made that undoes a change on trial."""
        order = Order(copies=dict(copies), repair=[list(argv) for argv in repair])
        self._escalation.change("undo", f"{TRIAL_DIR}/{SCRIPT}", order)

    def _is_own(self, path: str) -> bool:
        return path.startswith(f"{self._own}/")


class EscalatedBackups(LocalBackups):
    """Copies that root keeps, so that they come back with the owners that they had."""

    def __init__(self, files: FileTree, escalation: Escalation) -> None:
        super().__init__(files, FileTree(ROOT_DIR))
        self._escalation = escalation

    async def keep(self, path: str) -> None:
        await in_thread(lambda: self._escalation.change("keep", path, Order()))

    async def restore(self, path: str) -> None:
        await in_thread(lambda: self._escalation.change("restore", path, Order()))

    async def drop(self, path: str) -> None:
        if await self.stat(path) is not None:
            await in_thread(lambda: self._escalation.change("drop", path, Order()))


class _Spooled:
    """A file on its way, kept in a file without a name until it is whole; as `replacing.NewFile`."""

    def __init__(self, escalation: Escalation, path: str, folder: str, *, make_parents: bool) -> None:
        self._escalation = escalation
        self._path = path
        self._make_parents = make_parents
        self._spool: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`

    def write(self, content: bytes) -> None:
        self._spool.write(content)

    def commit(self, *, mode: int, uid: int, gid: int) -> None:
        order = Order(size=self._spool.tell(), mode=mode, uid=uid, gid=gid, make_parents=self._make_parents)
        self._escalation.change("write", self._path, order, self._pieces())

    def close(self) -> None:
        self._spool.close()

    def _pieces(self) -> Iterator[bytes]:
        self._spool.seek(0)
        while piece := self._spool.read(_PIECE):
            yield piece
