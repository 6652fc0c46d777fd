"""The controller's connection to the broker, with everything in the broker that OSAPI keeps there."""

from __future__ import annotations

import asyncio

from osapi.config import connection
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.errors import OsapiError
from osapi.controller import layout
from osapi.telemetry.log import get_logger
from osapi.transport.address import Address, Credentials
from osapi.transport.broker import Broker
from osapi.transport.provision import provision

CONNECT_S = 30.0
"""How long the broker may be away when the controller starts."""
_AGAIN_S = 0.5

_log = get_logger(__name__)


async def connect(settings: Settings, paths: Paths) -> Broker:
    """Connect and make what is missing, also after every later connect.

    A broker that was started again has lost what it kept in memory, streams included. Raises `Invalid` for settings that cannot be
    used and `Unavailable` when the broker is away.
    """
    wanted = layout.of_settings(settings)
    found = connection.of(settings.controller.nats, paths.seed("controller"))
    credentials = Credentials(found.username, found.password, found.nkey_file)
    address = Address(found.servers, found.namespace, credentials, tls=found.tls)

    async def again() -> None:
        while True:
            try:
                await provision(broker, wanted)
            except OsapiError as problem:
                _log.warning("broker.not_provisioned", error=problem.message)
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    broker = await Broker.connect(address, name=found.client_name, timeout_s=CONNECT_S, on_connected=again)
    try:
        await provision(broker, wanted)
    except BaseException:
        await broker.close()
        raise
    return broker
