"""Whether a password fits a hash, as the libcrypt of this host understands hashes: crypt(3), crypt(5).

Called through ctypes: the module of the standard library is deprecated and gone from Python 3.13. The reentrant form is
used, since the other one shares its result between threads.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

from osapi.contract.secret import Secret

_LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2", None)
"""glibc, libxcrypt without its old names, and C libraries that have it themselves."""
_STATE = 1 << 18
"""Bytes for struct crypt_data: 131,232 with glibc, 32,768 with libxcrypt."""

Crypt = Callable[[bytes, bytes], bytes | None]


def fits(password: Secret, hashed: Secret) -> bool | None:
    """Whether this is the password; None when this host cannot tell. Takes tens of milliseconds on purpose: use a thread.

    A hash with a mark of locking before it fits no password.
    """
    crypt = _crypt()
    setting = hashed.reveal().encode()
    if not setting or setting.startswith((b"!", b"*")):
        return False
    if crypt is None:
        return None
    made = crypt(password.reveal().encode(), setting)
    if made is None or made.startswith(b"*"):
        return None
    return Secret(made.decode("ascii", "replace")) == hashed


@functools.cache
def _crypt() -> Crypt | None:
    """`crypt_r` of the first library that has it; None when none does."""
    for name in _LIBRARIES:
        try:
            found = ctypes.CDLL(name).crypt_r
        except (OSError, AttributeError):
            continue
        found.restype = ctypes.c_char_p
        found.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
        return functools.partial(_call, found)
    return None


def _call(function: Callable[..., bytes | None], phrase: bytes, setting: bytes) -> bytes | None:
    state = ctypes.create_string_buffer(_STATE)
    try:
        return function(phrase, setting, state)
    finally:
        ctypes.memset(state, 0, _STATE)
