"""Reads and replaces files below a root directory, without ever being led elsewhere.

Every path is walked part by part with directory descriptors and `O_NOFOLLOW`, so that a directory which
somebody swaps for a symbolic link in the middle stops the walk instead of redirecting it (openat(2)).
Everything here blocks; `local` calls it in a thread.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import hashlib
import os
import stat as stat_bits
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from osapi.contract.errors import Invalid, TooLarge
from osapi.host.failures import from_os, unsafe
from osapi.host.replacing import Growing, NewFile, names_in, replace, replace_link, sync_directory

READ_LIMIT = 1 << 20
"""Bytes a file may have to be read unless the caller says otherwise: 1 MiB."""

_PATH_MAX = 4096
_NAME_MAX = 255
_WALK = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_PIECE = 1 << 16


class FileKind(enum.Enum):
    """What a name in the file system stands for."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class FileStat:
    """What is known of a name without opening it. A symbolic link is described itself, see lstat(2)."""

    kind: FileKind
    mode: int
    """Permission bits, with set-user-id, set-group-id and sticky bit."""
    uid: int
    gid: int
    size: int
    modified: datetime


def parts_of(path: str) -> list[str]:
    """The parts of an absolute path. Raises `Invalid` for any path that is not in its plainest form."""
    if not path.startswith("/") or len(path) > _PATH_MAX:
        raise Invalid(f"path {path[:80]!r}: use an absolute path of at most {_PATH_MAX} characters")
    if path == "/":
        return []
    parts = path[1:].split("/")
    for part in parts:
        if part in ("", ".", "..") or not part.isprintable():
            raise Invalid(f"path {path!r}: empty parts, `.`, `..` and control characters are not allowed")
        if len(part.encode()) > _NAME_MAX:
            raise Invalid(f"path {path[:80]!r}: no part may be longer than {_NAME_MAX} bytes")
    return parts


class FileTree:
    """The files below `root`, which is `/` on a real host and a temporary directory in tests."""

    def __init__(self, root: str = "/") -> None:
        self._root = root

    def real_path(self, path: str) -> str:
        """Where `path` is in the file system of this process."""
        return str(Path(self._root, *parts_of(path)))

    def stat(self, path: str) -> FileStat | None:
        """What `path` stands for; None when it is not there."""
        try:
            with self._parent(path) as (directory, name):
                found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError as err:
            raise from_os(err, f"cannot look at {path}") from err
        return FileStat(
            kind=_kind(found.st_mode),
            mode=stat_bits.S_IMODE(found.st_mode),
            uid=found.st_uid,
            gid=found.st_gid,
            size=found.st_size,
            modified=datetime.fromtimestamp(found.st_mtime, UTC),
        )

    def list_dir(self, path: str) -> list[str]:
        """Sorted names in a directory; empty when there is no such directory."""
        try:
            with self._parent(path) as (directory, name):
                found = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
            try:
                return names_in(found)
            finally:
                os.close(found)
        except FileNotFoundError:
            return []
        except OSError as err:
            raise from_os(err, f"cannot list {path}") from err

    def read(self, path: str, limit: int = READ_LIMIT, *, follow: bool = False) -> bytes | None:
        """A regular file whole; None when it is not there. With `follow` links lead where they may.

        Raises `TooLarge` when it is longer than `limit`; files of /proc have no length, so reading decides.
        """
        try:
            with self._regular(path, follow=follow) as descriptor:
                content = _read(descriptor, limit + 1)
        except FileNotFoundError:
            return None
        except OSError as err:
            raise from_os(err, f"cannot read {path}") from err
        if len(content) > limit:
            raise TooLarge(f"cannot read {path}: it is longer than {limit} bytes")
        return content

    def open(self, path: str) -> int:
        """Descriptor of a regular file, to be read and closed. Raises `OSError`, and `Permanent` for anything else."""
        with self._regular(path) as descriptor:
            return os.dup(descriptor)

    def digest(self, path: str) -> str | None:
        """SHA-256 of a regular file of any length, in hexadecimal; None when it is not there."""
        hashed = hashlib.sha256()
        try:
            with self._regular(path) as descriptor:
                for piece in _pieces(descriptor):
                    hashed.update(piece)
        except FileNotFoundError:
            return None
        except OSError as err:
            raise from_os(err, f"cannot read {path}") from err
        return hashed.hexdigest()

    def write(self, path: str, content: bytes, *, mode: int, uid: int, gid: int, make_parents: bool) -> None:
        """Replace a file as a whole, durably; owner and mode are right from the moment at which it has its name."""
        try:
            replace(self.begin(path, make_parents=make_parents), (content,), mode=mode, uid=uid, gid=gid)
        except OSError as err:
            raise from_os(err, f"cannot write {path}") from err

    def begin(self, path: str, *, make_parents: bool) -> Growing:
        """Begin a file that is written piece by piece and takes its place at the end. Raises `OSError` and as `write`."""
        directory, name = self._open_parent(path, make=make_parents)
        try:
            _refuse_unless_file(directory, name, f"cannot write {path}")
        except BaseException:
            os.close(directory)
            raise
        return NewFile(directory, name)

    def copy(self, path: str, target: FileTree, target_path: str) -> None:
        """Copy a regular file of any length to another tree: content, owner, group and mode. Raises `NotFound`."""
        try:
            with self._regular(path) as descriptor:
                found = os.fstat(descriptor)
                new = target.begin(target_path, make_parents=True)
                mode = stat_bits.S_IMODE(found.st_mode)
                replace(new, _pieces(descriptor), mode=mode, uid=found.st_uid, gid=found.st_gid)
        except OSError as err:
            raise from_os(err, f"cannot copy {path}") from err

    def read_link(self, path: str) -> str | None:
        """Where a symbolic link leads, as it is written; None when there is nothing, or something else."""
        try:
            with self._parent(path) as (directory, name):
                return os.readlink(name, dir_fd=directory)
        except FileNotFoundError:
            return None
        except OSError as err:
            if err.errno == errno.EINVAL:
                return None
            raise from_os(err, f"cannot read the link {path}") from err

    def link(self, path: str, target: str) -> None:
        """Put a symbolic link in place of a file or link, durably: temporary link, rename, fsync of the directory."""
        if not target or not target.isprintable() or len(target) >= _PATH_MAX:
            raise Invalid(f"a link cannot lead to {target[:80]!r}; use a path without control characters")
        doing = f"cannot write the link {path}"
        try:
            with self._parent(path) as (directory, name):
                _refuse_unless_file(directory, name, doing, but=FileKind.LINK)
                replace_link(directory, name, target)
        except OSError as err:
            raise from_os(err, doing) from err

    def overwrite(self, path: str, content: bytes) -> None:
        """Write into a file that exists, in one call, as files of the kernel want it. Raises `OSError`."""
        with self._parent(path) as (directory, name):
            flags = os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(name, flags, dir_fd=directory)
        try:
            os.write(descriptor, content)
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def socket(self, path: str) -> Generator[int]:
        """Descriptor that stands for a socket, for connect(2) to /proc/self/fd. Raises `OSError` and `Permanent`."""
        with self._parent(path) as (directory, name):
            descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            if not stat_bits.S_ISSOCK(os.fstat(descriptor).st_mode):
                raise unsafe(f"cannot connect to {path}: it is no socket")
            yield descriptor
        finally:
            os.close(descriptor)

    def remove(self, path: str) -> bool:
        """Remove a regular file, durably; False when it was not there."""
        try:
            with self._parent(path) as (directory, name):
                _refuse_unless_file(directory, name, f"cannot remove {path}")
                os.unlink(name, dir_fd=directory)
                sync_directory(directory)
        except FileNotFoundError:
            return False
        except OSError as err:
            raise from_os(err, f"cannot remove {path}") from err
        return True

    @contextlib.contextmanager
    def _parent(self, path: str) -> Generator[tuple[int, str]]:
        directory, name = self._open_parent(path)
        try:
            yield directory, name
        finally:
            os.close(directory)

    def _open_parent(self, path: str, *, make: bool = False) -> tuple[int, str]:
        """Descriptor of the directory that holds `path`, to be closed, and the last part; `.` for the root itself."""
        parts = parts_of(path) or ["."]
        directory = os.open(self._root, _WALK)
        for part in parts[:-1]:
            try:
                below = _enter(directory, part, make=make)
            finally:
                os.close(directory)
            directory = below
        return directory, parts[-1]

    @contextlib.contextmanager
    def _regular(self, path: str, *, follow: bool = False) -> Generator[int]:
        with self._opened(path, follow=follow) as descriptor:
            if _kind(os.fstat(descriptor).st_mode) is not FileKind.FILE:
                raise unsafe(f"cannot read {path}: it is no regular file")
            yield descriptor

    @contextlib.contextmanager
    def _opened(self, path: str, *, follow: bool) -> Generator[int]:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        if follow:
            descriptor = os.open(self.real_path(path), flags)
        else:
            with self._parent(path) as (directory, name):
                descriptor = os.open(name, flags | os.O_NOFOLLOW, dir_fd=directory)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def _enter(directory: int, part: str, *, make: bool) -> int:
    try:
        return os.open(part, _WALK | os.O_NOFOLLOW, dir_fd=directory)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(part, 0o700, dir_fd=directory)
        made = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            os.fchmod(made, 0o755)  # not by mkdir, whose mode the umask would narrow
        finally:
            os.close(made)
        sync_directory(directory)
    return os.open(part, _WALK | os.O_NOFOLLOW, dir_fd=directory)


def _pieces(descriptor: int) -> Iterator[bytes]:
    while piece := os.read(descriptor, _PIECE):
        yield piece


def _read(descriptor: int, limit: int) -> bytes:
    pieces: list[bytes] = []
    left = limit
    while left > 0:
        piece = os.read(descriptor, min(left, _PIECE))
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _refuse_unless_file(directory: int, name: str, doing: str, but: FileKind = FileKind.FILE) -> None:
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return
    kind = _kind(found.st_mode)
    if kind not in (FileKind.FILE, but):
        raise unsafe(f"{doing}: it is a {kind.value}, not a regular file")


def _kind(mode: int) -> FileKind:
    if stat_bits.S_ISREG(mode):
        return FileKind.FILE
    if stat_bits.S_ISDIR(mode):
        return FileKind.DIRECTORY
    return FileKind.LINK if stat_bits.S_ISLNK(mode) else FileKind.OTHER
