"""Files as a part of the controller."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from osapi.config.nats import NatsSettings
from osapi.contract.endpoint import Routes
from osapi.contract.errors import OsapiError
from osapi.controller.fleet_view import FleetView
from osapi.files import http
from osapi.files.seed import seed
from osapi.files.states import FileStates
from osapi.files.sweeping import keep_tidy
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker
from osapi.transport.objects import ObjectStore

_log = get_logger(__name__)


async def routes(nats: NatsSettings, broker: Broker, fleet: FleetView, opened: AsyncExitStack) -> Routes:
    """The file routes, unless the settings name no place for files. `opened` ends what keeps them."""
    if not (nats.objects.bucket and nats.file_state.bucket):
        return []
    store = broker.objects(nats.objects.bucket)
    states = FileStates(broker.bucket(nats.file_state.bucket))
    opened.push_async_callback(states.stop)
    await states.start()
    await _seed(store)
    keeping = asyncio.create_task(keep_tidy(store))
    opened.callback(keeping.cancel)
    return http.routes(store, states, fleet)


async def _seed(store: ObjectStore) -> None:
    """A store that is full keeps nobody from being served."""
    try:
        await seed(store)
    except OsapiError as problem:
        _log.error("file.not_seeded", error=problem.message)
