"""Whom a client trusts, as a context. There is no way to trust everybody."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from osapi.contract.errors import Invalid
from osapi.tls import pins
from osapi.tls.pair import Pair, check


@dataclass(frozen=True)
class Trust:
    """Empty fields ask for nothing: the authorities of the system, the name in the address, no certificate of one's own."""

    ca: str = ""
    """PEM file of the only authorities to trust."""
    server_name: str = ""
    """Name that the certificate must have instead of the one in the address."""
    identity: Pair | None = None
    """What to show to a server that asks who we are."""
    pin: str = ""
    """SHA-256 of the only certificate, or the only public key, to accept; in place of authorities unless `ca` is given too."""
    certificate: str = ""
    """PEM file of the only certificate to accept, read anew for every context: for programs of one machine."""
    section: str = ""
    """The setting above `ca`, for messages; empty: none."""


def context(trust: Trust) -> ssl.SSLContext:
    """A context for connections out, TLS 1.2 at least. Raises `Invalid` for files and `ValueError` for pins that cannot be used."""
    made = _verifying(trust)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    pin = _of_file(Path(trust.certificate)) if trust.certificate else pins.parse(trust.pin) if trust.pin else ""
    if pin:
        if not trust.ca:  # the pin says it all: neither who signed nor for which name
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        pins.require(made, pin)
    if trust.identity is not None:
        check(trust.identity)
        made.load_cert_chain(trust.identity.cert, trust.identity.key)
    return made


def _of_file(file: Path) -> str:
    """The pin of the first certificate. Raises `OSError` or `ValueError`."""
    text, end = file.read_text(), "-----END CERTIFICATE-----"
    first = text[text.index("-----BEGIN CERTIFICATE-----") : text.index(end) + len(end)]
    return pins.of(ssl.PEM_cert_to_DER_cert(first))[0]


def _verifying(trust: Trust) -> ssl.SSLContext:
    name = f"{trust.section}.ca: {trust.ca}" if trust.section else f"CA file {trust.ca}"
    try:
        return ssl.create_default_context(cafile=trust.ca or None)
    except ssl.SSLError as problem:
        raise Invalid(
            f"{name} holds no certificate in PEM; name the file of the authority, as ca.crt of `osapi tls init`"
        ) from problem
    except OSError as problem:
        raise Invalid(
            f"{name} cannot be read: {problem.strerror}; name the file of the authority that signed the certificate"
        ) from problem
