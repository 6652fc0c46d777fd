"""How the broker program connects to nats-server as a client, to its own or to one that somebody else runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from osapi.config import connection
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid, OsapiError
from osapi.transport.address import Address, Credentials
from osapi.transport.broker import Broker

INBOX = "_INBOX.broker"
"""Where answers to it arrive; its rights name it."""
CONNECT_S = 10.0
_PAUSE_S = 1.0
_NAME = "osapi-broker"


def external(settings: Settings, paths: Paths) -> Address:
    """Somebody else's servers: where the controller finds them, with the broker's own identity.

    Raises `Invalid` when its seed is not there.
    """
    nats = settings.controller.nats
    seed = paths.seed("broker")
    if not seed.exists():
        raise Invalid(f"nkey seed {seed} does not exist; copy it from the controller's machine")
    return Address(
        connection.servers(nats), nats.namespace, Credentials(nkey_file=seed), inbox=INBOX, tls=connection.trusted(nats)
    )


async def once(address: Address) -> Broker:
    """Connect. Raises `Unavailable` when that takes longer than `CONNECT_S`."""
    return await Broker.connect(address, name=_NAME, timeout_s=CONNECT_S)


async def connected(address: Address, missed: Callable[[OsapiError], None]) -> Broker:
    """Connect, however long that takes; each attempt that fails is told to `missed`."""
    while True:
        try:
            return await once(address)
        except OsapiError as problem:
            missed(problem)
        await asyncio.sleep(_PAUSE_S)
