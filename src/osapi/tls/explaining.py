"""Turns what OpenSSL says of a failed handshake into one sentence: what was shown, what was expected, what to do.

The codes are those of X509_STORE_CTX_get_error(3ssl).
"""

from __future__ import annotations

import re
import socket
import ssl
from datetime import UTC
from typing import TYPE_CHECKING

from osapi.tls.pins import PinMismatch, parse

if TYPE_CHECKING:
    from osapi.tls.certificate import Certificate
    from osapi.tls.trust import Trust

_NOT_YET, _EXPIRED = 9, 10
_UNKNOWN = {2, 18, 19, 20, 21}
_OTHER_NAME = {62, 64}
_NO_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE", "HTTP_REQUEST"}
_WANTS_US = re.compile("ALERT_.*(CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE)")


def told(problem: ssl.SSLError, where: str, host: str, trust: Trust, shown: Certificate | None = None) -> str:
    """One sentence. `where` names the server, `host` the name asked for; `shown` is its certificate where that is known."""
    if isinstance(problem, PinMismatch):
        return _other_pin(problem, where, trust)
    if isinstance(problem, ssl.SSLCertVerificationError):
        return _refused(problem, where, trust.server_name or host, trust, shown)
    reason = (problem.reason or "").upper()
    if reason in _NO_TLS:
        return f"{where} does not speak TLS; is the address right, and is TLS set up there?"
    if _WANTS_US.search(reason):
        own = f"{trust.section}.cert and .key" if trust.section else "a certificate of one's own"
        return f"{where} refused us ({problem.reason}); it may want {own}, of an authority that it knows"
    return f"no TLS connection with {where}: {problem.reason or problem}; TLS 1.2 or newer is needed on both sides"


def presented(host: str, port: int, timeout_s: float) -> Certificate | None:
    """The certificate that a server shows, fetched to be described; nothing is sent to it. None when it shows none."""
    from cryptography import x509

    from osapi.tls import certificate

    try:
        with socket.create_connection((host, port), timeout_s) as plain:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(plain, server_hostname=host) as connection:
                der = connection.getpeercert(binary_form=True)
        return None if der is None else certificate.of(x509.load_der_x509_certificate(der))
    except (OSError, ValueError):
        return None


def _other_pin(problem: PinMismatch, where: str, trust: Trust) -> str:
    wanted = f"the pin allows (SHA256:{parse(trust.pin)})" if trust.pin else f"{trust.certificate} holds"
    return (
        f"{where} showed another certificate ({problem.presented}) than {wanted}; "
        "pin the new one if it was replaced on purpose, otherwise somebody may stand between"
    )


def _refused(
    problem: ssl.SSLCertVerificationError, where: str, host: str, trust: Trust, shown: Certificate | None
) -> str:
    code = problem.verify_code
    if code == _EXPIRED:
        return f"the certificate of {where} expired{_when(shown)}; renew it there (`osapi tls init --renew` for one of its own)"
    if code == _NOT_YET:
        return f"the certificate of {where} is not valid yet; compare the clocks of both machines"
    if code in _OTHER_NAME:
        return (
            f"the certificate of {where} is for {_names(shown)}, not for {host}; "
            f"use a name that it has, or make one with `osapi tls init --renew --name {host}`"
        )
    if code in _UNKNOWN:
        return f"the certificate of {where}{_who(shown)} is signed by no authority of {_store(trust)}; {_remedy(trust)}"
    return f"the certificate of {where}{_who(shown)} was refused: {problem.verify_message}"


def _when(shown: Certificate | None) -> str:
    return "" if shown is None else f" at {shown.ends.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _names(shown: Certificate | None) -> str:
    return "other names" if shown is None else ", ".join(shown.names) or "no name at all"


def _who(shown: Certificate | None) -> str:
    return "" if shown is None else f" ({shown.fingerprint}, issued by {shown.issuer})"


def _store(trust: Trust) -> str:
    if not trust.ca:
        return "those that this system trusts"
    return f"{trust.section}.ca ({trust.ca})" if trust.section else trust.ca


def _remedy(trust: Trust) -> str:
    if trust.section:
        return f"name the file of the right one with {trust.section}.ca"
    return "name the file of the right one with --ca-file, or compare the fingerprint with --pin"
