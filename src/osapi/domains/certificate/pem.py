"""Certificates in PEM (RFC 7468), and what openssl-x509(1) says about them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from osapi.contract.errors import Invalid, Permanent

QUESTION = (
    "openssl", "x509", "-noout", "-subject", "-issuer", "-enddate", "-fingerprint", "-sha256",
    "-ext", "basicConstraints", "-nameopt", "RFC2253",
)  # fmt: skip
"""Reads one certificate from standard input."""
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s+([A-Za-z0-9+/=\s]+?)-----END \1-----")
_CERTIFICATE = b"CERTIFICATE"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is in a certificate."""

    subject: str
    issuer: str
    fingerprint: str
    not_after: datetime
    is_authority: bool


def body(content: bytes, name: str) -> bytes:
    """The one certificate of a file, as base64 without line ends. Raises `Invalid` (code `invalid_certificate`)."""
    blocks = _BLOCK.findall(content)
    if any(label != _CERTIFICATE for label, _ in blocks):
        labels = ", ".join(sorted({label.decode() for label, _ in blocks if label != _CERTIFICATE}))
        raise _invalid(name, f"it holds {labels} besides; upload the certificate alone, never a private key")
    if len(blocks) != 1:
        raise _invalid(name, f"it holds {len(blocks)} certificates in PEM; upload exactly one")
    return _joined(blocks[0][1])


def bodies(bundle: bytes) -> frozenset[bytes]:
    """Every certificate of a bundle."""
    return frozenset(_joined(base64) for label, base64 in _BLOCK.findall(bundle) if label == _CERTIFICATE)


def read(text: str) -> Told:
    """What `QUESTION` printed. Raises `Permanent` when something is missing."""
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    fingerprint = next((value for name, value in said.items() if name.lower().endswith("fingerprint")), "")
    try:
        not_after = datetime.strptime(said["notAfter"], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
        subject, issuer = said["subject"].strip(), said["issuer"].strip()
    except (KeyError, ValueError) as problem:
        raise Permanent(f"openssl x509 printed something else than expected: {text[:200]!r}") from problem
    return Told(
        subject=subject,
        issuer=issuer,
        fingerprint=fingerprint,
        not_after=not_after,
        is_authority="CA:TRUE" in text,
    )


def check(told: Told, name: str, now: datetime) -> None:
    """Raise `Invalid` (code `invalid_certificate`) unless it can be trusted as an authority now."""
    if not told.is_authority:
        raise _invalid(name, f"{told.subject} is no certificate authority (basicConstraints without CA:TRUE)")
    if told.not_after <= now:
        raise _invalid(name, f"{told.subject} expired at {told.not_after:%Y-%m-%d %H:%M:%S} UTC")


def unreadable(name: str, words: bytes) -> Invalid:
    """The failure of what openssl cannot read."""
    return _invalid(name, f"openssl cannot read the certificate: {words.decode('utf-8', 'replace').strip()[:200]}")


def _joined(base64: bytes) -> bytes:
    return b"".join(base64.split())


def _invalid(name: str, text: str) -> Invalid:
    return Invalid(f"object {name}: {text}", code="invalid_certificate")
