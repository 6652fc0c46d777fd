"""Values of the running kernel below /proc/sys and /sys: set, read back, compare. See proc_sys(5).

They cannot be replaced by a rename like other files, and the kernel may refuse a value, or take another
one than it was given, without saying so.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from osapi.contract.errors import Invalid, NotFound, OsapiError, Permanent

_REFUSALS = (errno.EINVAL, errno.ERANGE, errno.EOPNOTSUPP, errno.EBUSY, errno.EPERM)
_READ_ONLY = (errno.EROFS, errno.EACCES)

Overwrite = Callable[[str, bytes], None]
"""Writes into an existing file in one call; raises `OSError`."""
Read = Callable[[str], bytes | None]


def set_value(path: str, value: str, *, read: Read, overwrite: Overwrite) -> None:
    """Set the value and make sure that the kernel holds it.

    Raises `NotFound` when there is no such value, `Permanent` with code `read_only` or `rejected` otherwise.
    A value that the kernel bends into another is rejected, and the one from before is put back.
    """
    if not path.startswith(("/proc/sys/", "/sys/")):
        raise Invalid(f"{path} is no value of the kernel; use a path below /proc/sys or /sys")
    before = read(path)
    if before is None:
        raise NotFound(f"the kernel has no {path}")
    _put(path, value.encode(), overwrite)
    taken = text(read(path))
    if not same(taken, value):
        _put(path, before.strip(), overwrite)
        raise Permanent(f"the kernel took {taken!r} for {path} instead of {value!r}", code="rejected")


def text(content: bytes | None) -> str:
    """A value as the kernel prints it, without the final newline; empty for None."""
    return "" if content is None else content.decode("utf-8", "replace").strip()


def same(one: str, other: str) -> bool:
    """Whether two texts mean the same value: blanks and the base of numbers do not count (`0x10` is `16`)."""
    return _normal(one) == _normal(other)


def _normal(value: str) -> list[str]:
    return [_number(word) for word in value.split()]


def _number(word: str) -> str:
    digits = word.removeprefix("-")
    octal = digits.isdecimal() and digits.startswith("0") and len(digits) > 1
    try:
        return str(int(word, 8 if octal else 0))
    except ValueError:
        return word


def _put(path: str, content: bytes, overwrite: Overwrite) -> None:
    try:
        overwrite(path, content + b"\n")
    except OSError as err:
        raise _refusal(path, content.decode("utf-8", "replace"), err) from err


def _refusal(path: str, value: str, err: OSError) -> OsapiError:
    reason = err.strerror or str(err)
    if err.errno == errno.ENOENT:
        return NotFound(f"the kernel has no {path}")
    if err.errno in _READ_ONLY:
        return Permanent(f"{path} cannot be set on this host: {reason}", code="read_only")
    if err.errno in _REFUSALS:
        return Permanent(f"the kernel refuses {value!r} for {path}: {reason}", code="rejected")
    return Permanent(f"cannot set {path}: {reason}", code="io_error")
