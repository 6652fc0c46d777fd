"""The context of a server whose certificate may be replaced while it runs.

Nothing watches the files: a handshake looks at them, at most once a second, so a certificate that certbot has
renewed is shown to the next who connects. The names are kept and read again (links are followed, as certbot's
`live` folder wants). What cannot be used, such as a new certificate beside the old key for the moment
between the two writes, is told in the log and left; the one before stays in use.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from osapi.contract.errors import Invalid
from osapi.tls.certificate import Certificate
from osapi.tls.pair import Pair, check

LOOK_S = 1.0
_SOON = timedelta(days=14)

_log = logging.getLogger(__name__)

State = tuple[tuple[int, int, int], ...]


class ServingTls:
    """One context for all connections of a server. Raises `Invalid` when the files cannot be used at the start.

    TLS 1.2 at least, with the ciphers that this machine's OpenSSL prefers, and HTTP/1.1 as the protocol above.
    """

    def __init__(self, pair: Pair, clock: Callable[[], float] = time.monotonic) -> None:
        self._pair = pair
        self._clock = clock
        self._looked = clock()
        self._seen = state(pair.cert, pair.key)
        self._current = self.context = _loaded(pair)
        self.context.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:  # noqa: ARG002 - as ssl calls it
        """Called in every handshake, also of a client that names no server."""
        self._look()
        connection.context = self._current

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        seen = state(self._pair.cert, self._pair.key)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._current = _loaded(self._pair)
        except Invalid as problem:
            _log.error("tls.certificate_refused", extra={"error": f"{problem.message}; the one before stays in use"})


def state(*files: Path) -> State:
    """What tells that a file was replaced or written: inode, size, time (stat(2)). Zeros for one that is not there."""
    return tuple(_state(file) for file in files)


def told(made: Certificate) -> None:
    """Log what is in use now, and warn of an end that is near."""
    fields = {"names": list(made.names), "fingerprint": made.fingerprint, "expires": made.ends.isoformat()}
    _log.info("tls.certificate", extra=fields)
    if made.ends - datetime.now(UTC) < _SOON:
        _log.warning("tls.certificate_expires_soon", extra=fields)


def _loaded(pair: Pair) -> ssl.SSLContext:
    made = check(pair)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(pair.cert, pair.key, password=lambda: "")
    except (OSError, ValueError) as problem:
        raise Invalid(
            f"{pair.section}: {pair.cert} and {pair.key} cannot be used: {problem}; make them anew"
        ) from problem
    told(made)
    return context


def _state(file: Path) -> tuple[int, int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)
