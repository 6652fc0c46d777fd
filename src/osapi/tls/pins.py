"""Pins: the SHA-256 of the one certificate, or the one public key, that a client accepts (RFC 7469, 2.4 for the latter).

A pin is stronger than an authority: nobody else's certificate is accepted, whoever signed it.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from typing import Any

_PIN = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_SEQUENCE_BEFORE_KEY = 5
"""Fields of a certificate before its public key: serial, signature, issuer, validity, subject (RFC 5280, 4.1)."""
_VERSION = 0xA0


class PinMismatch(ssl.SSLCertVerificationError):
    """Another certificate was shown. `presented` is its fingerprint."""

    def __init__(self, presented: str) -> None:
        super().__init__(f"the certificate shown has the fingerprint {presented}")
        self.presented = presented


def parse(text: str) -> str:
    """64 hex digits, with or without `SHA256:` and colons, as lower-case digits. Raises `ValueError`."""
    plain = text.strip().lower()
    found = _PIN.fullmatch(
        plain[:7] + plain[7:].replace(":", "") if plain.startswith("sha256:") else plain.replace(":", "")
    )
    if found is None:
        raise ValueError(
            f"the pin {text!r} is no SHA-256 fingerprint: 64 hex digits are, as `osapi tls init` or "
            "`openssl x509 -noout -fingerprint -sha256` prints them"
        )
    return found[1]


def of(der: bytes) -> tuple[str, str]:
    """The two pins that a certificate satisfies: of itself, and of its public key."""
    return hashlib.sha256(der).hexdigest(), hashlib.sha256(_public_key(der)).hexdigest()


def require(context: ssl.SSLContext, pin: str) -> None:
    """Let the context end every handshake in which another certificate is shown, before anything is sent.

    Works for sockets and for event loops: both make their connection from a class that the context names.
    """

    class PinnedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            _compare(self.getpeercert(binary_form=True), pin)

    class PinnedObject(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            _compare(self.getpeercert(binary_form=True), pin)

    context.sslsocket_class = PinnedSocket
    context.sslobject_class = PinnedObject


def _compare(der: Any, pin: str) -> None:
    if not isinstance(der, bytes) or pin not in of(der):
        raise PinMismatch(f"SHA256:{hashlib.sha256(der).hexdigest()}" if isinstance(der, bytes) else "none")


def _public_key(der: bytes) -> bytes:
    """The SubjectPublicKeyInfo, as it stands in the certificate."""
    start, _ = _content(der, 0)
    here, _ = _content(der, start)
    if der[here] == _VERSION:
        here = _content(der, here)[1]
    for _ in range(_SEQUENCE_BEFORE_KEY):
        here = _content(der, here)[1]
    return der[here : _content(der, here)[1]]


def _content(der: bytes, start: int) -> tuple[int, int]:
    """Where the content of the element at `start` begins and ends (X.690, 8.1.3)."""
    length, begin = der[start + 1], start + 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(der[start + 2 : begin])
    return begin, begin + length
