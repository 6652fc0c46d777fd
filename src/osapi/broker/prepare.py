"""Everything that must be in order before nats-server is started; each fault is one clear sentence."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from osapi.broker import accounts, binary, configuration, door, room
from osapi.broker.accounts import Guests, Identities
from osapi.config import tls
from osapi.config.listening import refuse_exposed, refuse_taken
from osapi.config.lock import Lock
from osapi.config.paths import Paths
from osapi.config.private import private_dir, replace
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid
from osapi.pki import nkeys
from osapi.tls.pair import check
from osapi.tls.trust import Trust, context

_PATIENCE_S = 5.0
"""Time for a server whose parent was killed to be gone."""


@dataclass(frozen=True)
class Prepared:
    """What a start needs. `lock` guards the store; the server inherits it."""

    binary: Path
    configuration: Path
    host: str
    port: int
    lock: Lock
    room: int
    """Bytes that JetStream may store."""


def prepare(settings: Settings, paths: Paths) -> Prepared:
    """Check, lock and write. Raises `Invalid` or `Conflict`; nothing is left running or locked then."""
    server = settings.nats.server
    pair = tls.pair("nats.server.tls", server.tls)
    refuse_exposed("nats.server.host", server.host, insecure=settings.insecure, tls=pair is not None)
    if pair is not None:
        check(pair)
        context(Trust(ca=server.tls.ca, section="nats.server.tls"))
    program = binary.locate(server.binary, os.environ.get("PATH"))
    private_dir(paths.data_dir)
    private_dir(paths.nats_store)
    lock = Lock(paths.nats_store / "osapi.lock", f"broker data {paths.nats_store}", patience_s=_PATIENCE_S)
    try:
        refuse_taken("nats.server", server.host, configuration.port_of(settings))
        private_dir(paths.nats_runtime)
        accounts.move_streams(paths.nats_store, settings)
        most = room.limit(paths.nats_store, settings.nats, paths.nats_runtime / "reserved")
        path = write(settings, paths, door.read(paths.nats_guests), most)
    except Invalid:
        lock.release()
        raise
    return Prepared(program, path, _reachable(server.host), configuration.port_of(settings), lock, most)


def write(settings: Settings, paths: Paths, guests: Guests, most: int) -> Path:
    """Make the identities, unless they exist, and write the configuration; `most` bytes may be stored. Raises `Invalid`.

    A server that reads it again takes no other `most` than the one it was started with.
    """
    identities = Identities(**{name: nkeys.load_or_create(paths.nkeys, name) for name in ("controller", "broker")})
    path = private_dir(paths.nats_runtime) / "nats-server.conf"
    replace(path, configuration.text(configuration.document(settings, paths.nats_store, most, identities, guests)))
    return path


def _reachable(host: str) -> str:
    """An address at which this machine reaches a server that listens on `host`."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
