"""How programs and users of this machine reach what it serves over TLS: by which name, trusting whom."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from osapi.config import tls
from osapi.config.fields import ServerTls
from osapi.config.paths import Paths
from osapi.tls.pair import check


class Local(NamedTuple):
    """`name` is one that the certificate has; `ca` the file of the authority, empty for those of the system."""

    name: str
    ca: str


def seen(key: str, section: ServerTls, host: str, paths: Paths) -> Local | None:
    """How this machine reaches the server of the section `key` at `host`; None when it has no TLS.

    Raises `Invalid` for files that cannot be used. A certificate that has not `host` among its names is reached by
    its first name, which this machine must be able to resolve.
    """
    pair = tls.pair(key, section)
    if pair is None:
        return None
    made = check(pair)
    return Local(host if made.is_for(host) else made.host or host, _authority(pair.cert, paths.tls / "ca.crt"))


def _authority(cert: Path, ours: Path) -> str:
    """Our own authority when it signed the certificate, the certificate itself when nobody else did."""
    from osapi.pki.authority import read, signed

    leaf = read(cert)
    if ours.exists() and signed(read(ours), leaf):
        return str(ours)
    return str(cert) if signed(leaf, leaf) else ""
