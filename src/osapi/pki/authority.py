"""A certificate authority for development and small installations, and the certificates that it signs (RFC 5280).

Keys are P-256 (RFC 5480): every TLS client takes them, and a handshake costs little. The authority may sign
certificates of servers and nothing below it. A leaf lasts 397 days, the most that browsers accept.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from osapi.config import private
from osapi.contract.errors import Invalid

AUTHORITY_LIFE = timedelta(days=3650)
LEAF_LIFE = timedelta(days=397)
NEAR_END = timedelta(days=30)
_CLOCKS_DIFFER = timedelta(minutes=10)


@dataclass(frozen=True)
class Authority:
    """Certificate and key with which to sign."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def load_or_create(folder: Path, name: str, now: datetime) -> Authority:
    """The authority in `ca.crt` and `ca.key`, made when neither is there. The folder is its owner's only.

    Raises `Invalid` when one of the two is missing, damaged, another's, or readable by others, and when it has expired.
    """
    private.private_dir(folder)
    certificate, key = folder / "ca.crt", folder / "ca.key"
    if not certificate.exists() and not key.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        private.create(key, pem_of(made))
        private.create(certificate, _self_signed(made, name, now).public_bytes(Encoding.PEM), mode=0o644)
    return _load(certificate, key, now)


def issue(authority: Authority, names: Sequence[str], now: datetime) -> tuple[bytes, bytes]:
    """A certificate for these host names and addresses, and its key, both as PEM. Good for servers and for clients.

    Raises `Invalid` for a name that can be none.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.subject
    ends = min(now + LEAF_LIFE, authority.certificate.not_valid_after_utc)
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        _builder(key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]), issuer, now, ends)
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
    )
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM), pem_of(key)


def signed(authority: x509.Certificate, leaf: x509.Certificate) -> bool:
    """Whether the leaf was signed with the authority's key."""
    try:
        leaf.verify_directly_issued_by(authority)
    except (ValueError, TypeError, Exception):  # noqa: BLE001 - InvalidSignature is a bare Exception
        return False
    return True


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as PKCS 8 in PEM, without a passphrase."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read(path: Path) -> x509.Certificate:
    """The first certificate of a PEM file. Raises `Invalid`."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except OSError as problem:
        raise Invalid(f"{path} cannot be read: {problem.strerror}") from problem
    except ValueError as problem:
        raise Invalid(f"{path} holds no certificate in PEM; remove it to have it made anew") from problem


def check_name(name: str) -> None:
    """Raise `Invalid` for what is neither a host name nor an address."""
    _name(name)


def _load(certificate: Path, key: Path, now: datetime) -> Authority:
    for path, other in ((certificate, key), (key, certificate)):
        if not path.exists():
            raise Invalid(
                f"{path} is missing beside {other}; put it back, or remove both to begin with a new authority"
            )
    found, secret = read(certificate), _key(key)
    if secret.public_key() != found.public_key():
        raise Invalid(f"{key} is not the key of {certificate}; put the right one back")
    if found.not_valid_after_utc <= now:
        raise Invalid(
            f"{certificate} expired at {found.not_valid_after_utc:%Y-%m-%d}; remove it and {key} to begin with a new authority"
        )
    return Authority(found, secret)


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        found = load_pem_private_key(private.read(path), None)
    except (ValueError, TypeError) as problem:
        raise Invalid(f"{path} holds no private key in PEM without a passphrase; put the right one back") from problem
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise Invalid(f"{path} is a key of another kind; one on the curve P-256 is needed")
    return found


def _self_signed(key: ec.EllipticCurvePrivateKey, name: str, now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    return (
        _builder(key, subject, subject, now, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _builder(
    key: ec.EllipticCurvePrivateKey, subject: x509.Name, issuer: x509.Name, now: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    labels = name.removeprefix("*.").rstrip(".").split(".")
    if len(name) > 253 or not all(_is_label(label) for label in labels):
        raise Invalid(f"{name!r} is neither a host name nor an address; give one as osapi.example.org or 10.0.0.1")
    return x509.DNSName(name.rstrip("."))


def _is_label(label: str) -> bool:
    plain = label.replace("-", "").replace("_", "")
    return 0 < len(label) <= 63 and plain.isascii() and plain.isalnum() and label[0] != "-" and label[-1] != "-"
