"""Turns what the system refuses into the failures that OSAPI tells."""

from __future__ import annotations

import errno
import os

from osapi.contract.errors import NotFound, OsapiError, Permanent

_CODES = {
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "read_only",
    errno.ENOSPC: "no_space",
    errno.EDQUOT: "no_space",
    errno.ELOOP: "unsafe_path",
    errno.ENOTDIR: "unsafe_path",
}


def from_os(error: OSError, doing: str) -> OsapiError:
    """The failure to tell. `doing` is what was tried, for example `cannot write /etc/motd`."""
    number = error.errno or 0
    reason = os.strerror(number) if number else str(error)
    if number in (errno.ENOENT, errno.ESRCH):
        return NotFound(f"{doing}: {reason}")
    if number in (errno.ELOOP, errno.ENOTDIR):
        return unsafe(f"{doing}: a part of the path is a symbolic link or not a directory")
    return Permanent(f"{doing}: {reason}", code=_CODES.get(number, "io_error"))


def unsafe(message: str) -> Permanent:
    """A path that leads through a link, or to something that is no regular file."""
    return Permanent(f"{message}; name the real place", code="unsafe_path")
