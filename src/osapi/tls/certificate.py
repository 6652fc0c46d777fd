"""What people and programs want to know of a certificate (RFC 5280)."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding


@dataclass(frozen=True)
class Certificate:
    """One certificate. Both times are UTC; `names` are host names and addresses, as text."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    begins: datetime
    ends: datetime
    fingerprint: str
    """`SHA256:` and the digest of the whole certificate in lower-case hex."""

    def is_for(self, host: str) -> bool:
        """Whether a client that asks for `host` accepts its names (RFC 6125: a star stands for one label)."""
        wanted = host.strip("[]").lower()
        star = f"*.{wanted.partition('.')[2]}"
        return any(name in (wanted, star) for name in (name.lower() for name in self.names))

    @property
    def host(self) -> str:
        """The first name that is a host's own; empty when there is none."""
        return next((name for name in self.names if "*" not in name and not _is_address(name)), "")


def of(found: x509.Certificate) -> Certificate:
    """The certificate as a value."""
    return Certificate(
        subject=found.subject.rfc4514_string(),
        issuer=found.issuer.rfc4514_string(),
        names=_names(found),
        begins=found.not_valid_before_utc,
        ends=found.not_valid_after_utc,
        fingerprint=fingerprint(found.public_bytes(Encoding.DER)),
    )


def fingerprint(der: bytes) -> str:
    """`SHA256:` and the digest in lower-case hex."""
    return f"SHA256:{hashlib.sha256(der).hexdigest()}"


def _names(found: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = extension.get_values_for_type(x509.IPAddress)
    return (*extension.get_values_for_type(x509.DNSName), *(str(address) for address in addresses))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
