"""Files that only their owner may read, made whole or not at all.

Keys, tokens and seeds are written here, on the machine of the program itself; changes to managed hosts
go through `osapi.host` instead.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from osapi.contract.errors import Invalid

Stamp = tuple[int, int, int]


def private_dir(path: Path) -> Path:
    """Make the folder (0700) with its parents, unless it exists.

    Raises `Invalid` when it cannot be made, or when others may replace files in it (a sticky folder
    such as /tmp keeps them from that; see inode(7)).
    """
    try:
        for folder in (*reversed(path.parents), path):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as problem:
        raise Invalid(f"folder {path} cannot be made: {problem.strerror}") from problem
    if mode & 0o022 and not mode & stat.S_ISVTX:
        raise Invalid(f"folder {path} has mode {mode:04o}, so others could replace keys in it; run chmod 0700 {path}")
    return path


def create(path: Path, content: bytes, mode: int = 0o600) -> bool:
    """Write a new file, whole and on disk, unless it exists. Returns whether it was written.

    Of several processes exactly one wins, and nobody ever sees half a file: the content is written
    under another name and then linked (link(2) fails when the name is taken).
    """
    temporary = _written(path, content, mode)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as problem:
        raise Invalid(f"{path} cannot be written: {problem.strerror}") from problem
    finally:
        temporary.unlink()
    _sync_dir(path.parent)
    return True


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write the file, replacing the old one in one step (rename(2))."""
    temporary = _written(path, content, mode)
    try:
        temporary.replace(path)
    except OSError as problem:
        temporary.unlink()
        raise Invalid(f"{path} cannot be written: {problem.strerror}") from problem
    _sync_dir(path.parent)


def ensure(path: Path) -> Path:
    """Make sure that the file is there and its owner's alone (0600), for a library that opens files by name."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as problem:
        raise Invalid(f"{path} cannot be made: {problem.strerror}") from problem
    return path


def read(path: Path) -> bytes:
    """Read a secret. Raises `Invalid` when it is missing or others may read it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_bytes()
    except OSError as problem:
        raise Invalid(f"{path} cannot be read: {problem.strerror}") from problem
    if mode & 0o077:
        raise Invalid(f"{path} has mode {mode:04o}, so others could read the secret in it; run chmod 0600 {path}")
    return content


def stamp(path: Path) -> Stamp | None:
    """What tells one version of a file from the next; None when there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - on the way of every request
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def remove(path: Path) -> None:
    """Remove a secret. A second call changes nothing. Raises `Invalid` when it cannot be removed."""
    try:
        path.unlink(missing_ok=True)
    except OSError as problem:
        raise Invalid(f"{path} cannot be removed: {problem.strerror}") from problem


def _written(path: Path, content: bytes, mode: int) -> Path:
    """A file with this content beside `path`; the caller gives it its name or removes it."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            os.fchmod(descriptor, mode)
            with os.fdopen(descriptor, "wb", closefd=False) as file:
                file.write(content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as problem:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise Invalid(f"{path} cannot be written: {problem.strerror}") from problem
    return temporary


def _sync_dir(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
