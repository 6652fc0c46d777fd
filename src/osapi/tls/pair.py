"""A certificate and its key in two PEM files, read and checked so that every fault names setting, file and remedy."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from osapi.contract.errors import Invalid

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from osapi.tls.certificate import Certificate


@dataclass(frozen=True)
class Pair:
    """Where they are. `section` is the setting above `cert` and `key`, for messages: `controller.api.tls`."""

    section: str
    cert: Path
    key: Path


def check(pair: Pair, now: datetime | None = None) -> Certificate:
    """The first certificate, once both files can be used together now.

    Raises `Invalid` when one cannot be read or is no PEM, when others may read the key, when the two do not
    belong together, and outside the time for which the certificate is made.
    """
    from osapi.tls import certificate

    found = _certificate(pair)
    if _public(found.public_key()) != _public(_key(pair)):
        raise Invalid(
            f"{pair.section}.key: {pair.key} is not the key of the certificate {pair.cert}; name the two that belong together"
        )
    made = certificate.of(found)
    _in_time(pair, made, now or datetime.now(UTC))
    return made


def _in_time(pair: Pair, made: Certificate, now: datetime) -> None:
    if made.ends <= now:
        raise Invalid(
            f"{pair.section}.cert: {pair.cert} expired at {_time(made.ends)}; renew it "
            "(one of `osapi tls init` with `osapi tls init --renew`)"
        )
    if made.begins > now:
        raise Invalid(
            f"{pair.section}.cert: {pair.cert} is valid from {_time(made.begins)} only, and here it is {_time(now)}; "
            "set the clock, or take another certificate"
        )


def _certificate(pair: Pair) -> x509.Certificate:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(_read(f"{pair.section}.cert", pair.cert))[0]
    except ValueError as problem:
        raise Invalid(
            f"{pair.section}.cert: {pair.cert} holds no certificate in PEM; name a file that begins with "
            "-----BEGIN CERTIFICATE-----"
        ) from problem


def _key(pair: Pair) -> PublicKeyTypes:
    """The public half of the key."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    name, path = f"{pair.section}.key", pair.key
    content = _read(name, path)
    if stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO:
        raise Invalid(f"{name}: {path} can be read by everybody; run chmod o= {path}")
    try:
        return load_pem_private_key(content, None).public_key()
    except TypeError as problem:
        raise Invalid(
            f"{name}: {path} has a passphrase; write it without one: openssl pkey -in {path} -out NEW"
        ) from problem
    except ValueError as problem:
        raise Invalid(f"{name}: {path} holds no private key in PEM; name the key of {pair.cert}") from problem


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise Invalid(
            f"{name}: {path} cannot be read: {problem.strerror}; name a file that the user of this program may read"
        ) from problem


def _public(key: PublicKeyTypes) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
