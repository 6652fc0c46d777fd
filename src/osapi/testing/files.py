"""Files in memory that behave like `host.files.FileTree`."""

from __future__ import annotations

import errno
import os
import posixpath
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from osapi.contract.errors import Invalid, TooLarge
from osapi.host.accounts import id_of
from osapi.host.failures import from_os, unsafe
from osapi.host.files import FileKind, FileStat, parts_of
from osapi.host.plan import sha256


@dataclass(frozen=True, kw_only=True)
class FakeFile:
    """One name in the file system. `content` is the target of a link and unused for a directory."""

    content: bytes = b""
    kind: FileKind = FileKind.FILE
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    refuses: Mapping[str, int] = field(default_factory=dict[str, int])
    """Values that a kernel value does not take, with the number of the error (errno(3)); `*` is any value."""
    bends: Mapping[str, str] = field(default_factory=dict[str, str])
    """Values that a kernel value silently takes for others."""


DIRECTORY = FakeFile(kind=FileKind.DIRECTORY, mode=0o755)


class FakeFiles:
    """A file system in memory. Directories that lead to a file exist by themselves."""

    def __init__(self, files: Mapping[str, FakeFile], modified: datetime, accounts: Sequence[str] = ("root",)) -> None:
        self.modified = modified
        self._numbers = {"root": 0} | {name: 999 + place if place else 0 for place, name in enumerate(accounts)}
        self._files: dict[str, FakeFile] = {}
        for path, file in files.items():
            self.put(path, file)

    def put(self, path: str, file: FakeFile | None) -> None:
        """Set or, with None, take away a file, whatever the rules say."""
        if file is None:
            self._files.pop(path, None)
            return
        for parent in _parents(path):
            self._files.setdefault(parent, DIRECTORY)
        self._files[path] = file

    def snapshot(self) -> dict[str, FakeFile]:
        """Everything but plain directories, as it is now."""
        return {path: file for path, file in self._files.items() if file is not DIRECTORY}

    def stat(self, path: str) -> FileStat | None:
        file = self._find(path, f"cannot look at {path}")
        if file is None:
            return None
        return FileStat(
            kind=file.kind,
            mode=file.mode,
            uid=self.number(file.owner),
            gid=self.number(file.group),
            size=len(file.content),
            modified=self.modified,
        )

    def number(self, name: str) -> int:
        """The number of an account or group: 0 is the first, then 1000, 1001. Raises `Invalid` (`unknown_owner`)."""
        return id_of(name, self._numbers.__getitem__)

    def digest(self, path: str) -> str | None:
        content = self.read(path, sys.maxsize)
        return None if content is None else sha256(content)

    def whole(self, path: str) -> FakeFile | None:
        """A regular file with all that belongs to it; None when it is not there."""
        return None if self.read(path, sys.maxsize) is None else self._files[path]

    def list_dir(self, path: str) -> list[str]:
        file = self._find(path, f"cannot list {path}")
        if file is None:
            return []
        if file.kind is not FileKind.DIRECTORY:
            raise _refused(errno.ENOTDIR, f"cannot list {path}")
        return sorted(posixpath.basename(name) for name in self._files if posixpath.dirname(name) == path != name)

    def read(self, path: str, limit: int, *, follow: bool = False) -> bytes | None:
        doing = f"cannot read {path}"
        file = self._find(self._resolve(path) if follow else path, doing)
        if file is None:
            return None
        if file.kind is FileKind.LINK:
            raise _refused(errno.ELOOP, doing)
        if file.kind is not FileKind.FILE:
            raise unsafe(f"{doing}: it is no regular file")
        if len(file.content) > limit:
            raise TooLarge(f"{doing}: it is longer than {limit} bytes")
        return file.content

    def read_link(self, path: str) -> str | None:
        file = self._find(path, f"cannot read the link {path}")
        return file.content.decode() if file is not None and file.kind is FileKind.LINK else None

    def link(self, path: str, target: str) -> None:
        doing = f"cannot write the link {path}"
        if not target or not target.isprintable():
            raise Invalid(f"a link cannot lead to {target[:80]!r}; use a path without control characters")
        found = self._find(path, doing)
        if found is not None and found.kind not in (FileKind.FILE, FileKind.LINK):
            raise unsafe(f"{doing}: it is a {found.kind.value}, not a regular file")
        if self._find(posixpath.dirname(path), doing) is None:
            raise _refused(errno.ENOENT, doing)
        self.put(path, FakeFile(kind=FileKind.LINK, content=target.encode()))

    def write(self, path: str, file: FakeFile, *, make_parents: bool) -> None:
        doing = f"cannot write {path}"
        self._refuse_unless_file(path, doing)
        parent = posixpath.dirname(path)
        if self._find(parent, doing) is None and not make_parents:
            raise _refused(errno.ENOENT, doing)
        self.put(path, file)

    def remove(self, path: str) -> bool:
        self._refuse_unless_file(path, f"cannot remove {path}")
        return self._files.pop(path, None) is not None

    def overwrite(self, path: str, content: bytes) -> None:
        """Write into a value of the kernel. Raises `OSError`."""
        file = self._files.get(path)
        if file is None:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        value = content.decode().strip()
        refusal = file.refuses.get(value, file.refuses.get("*"))
        if refusal is not None:
            raise OSError(refusal, os.strerror(refusal), path)
        taken = file.bends.get(value, value)
        self._files[path] = replace(file, content=f"{taken}\n".encode())

    def _find(self, path: str, doing: str) -> FakeFile | None:
        parts_of(path)
        for parent in _parents(path):
            above = self._files.get(parent)
            if above is not None and above.kind is not FileKind.DIRECTORY:
                raise _refused(errno.ENOTDIR, doing)
        return self._files.get(path, DIRECTORY if path == "/" else None)

    def _refuse_unless_file(self, path: str, doing: str) -> None:
        found = self._find(path, doing)
        if found is not None and found.kind is not FileKind.FILE:
            raise unsafe(f"{doing}: it is a {found.kind.value}, not a regular file")

    def _resolve(self, path: str) -> str:
        """Where links lead, part by part; at most 40 of them, as in the kernel."""
        for _ in range(40):
            for name in (*_parents(path), path):
                link = self._files.get(name)
                if link is not None and link.kind is FileKind.LINK:
                    target = posixpath.join(posixpath.dirname(name), link.content.decode())
                    path = posixpath.normpath(target + path[len(name) :])
                    break
            else:
                return path
        raise _refused(errno.ELOOP, f"cannot read {path}")


def _parents(path: str) -> list[str]:
    parts = path.split("/")[1:-1]
    return ["/", *("/" + "/".join(parts[: count + 1]) for count in range(len(parts)))]


def _refused(number: int, doing: str) -> Exception:
    return from_os(OSError(number, os.strerror(number)), doing)
