"""Keys of 32 bytes between the lines of PEM (RFC 7468): a fixed prefix, which tells their kind, and the key itself."""

from __future__ import annotations

import base64
import binascii

_KEY = 32


def armour(label: str, der: bytes) -> bytes:
    """Put DER between its lines; one line of base 64 holds such a key."""
    return f"-----BEGIN {label}-----\n{base64.b64encode(der).decode()}\n-----END {label}-----\n".encode()


def raw(label: str, prefix: bytes, text: bytes) -> bytes:
    """The 32 bytes of a key. Raises `ValueError` when the text holds none, or one that does not begin with `prefix`."""
    lines = [line.strip() for line in text.strip().split(b"\n")]
    if lines[0] != f"-----BEGIN {label}-----".encode() or lines[-1] != f"-----END {label}-----".encode():
        raise ValueError(f"there is no {label.lower()} between PEM lines")
    try:
        der = base64.b64decode(b"".join(lines[1:-1]), validate=True)
    except binascii.Error as problem:
        raise ValueError(f"the PEM text is damaged: {problem}") from problem
    if not der.startswith(prefix) or len(der) != len(prefix) + _KEY:
        raise ValueError("the key is of another kind")
    return der[len(prefix) :]
