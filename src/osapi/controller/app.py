"""The controller program: starts its parts, serves over them, and ends them in order."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from osapi.config.listening import refuse_exposed
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.controller import secured
from osapi.controller.application import Operations, application
from osapi.controller.parts import build
from osapi.controller.serve import HttpServer, bind
from osapi.telemetry.log import get_logger
from osapi.telemetry.readiness import announce_ready

_log = get_logger(__name__)


class Controller:
    """One controller. `run` returns when it has stopped; `stop` may be called at any time, and twice."""

    def __init__(self, settings: Settings, paths: Paths, operations: Operations) -> None:
        self._settings = settings
        self._paths = paths
        self._operations = operations
        self._stopping = asyncio.Event()
        self._server: HttpServer | None = None

    async def run(self) -> None:
        """Start every part, serve until `stop` is called, then end every part.

        Raises `Invalid` for settings or keys that cannot be used and `Unavailable` when the address is taken
        or the broker is away; then nothing is left open.
        """
        api = self._settings.controller.api
        tls = secured.context_of(api)
        refuse_exposed("controller.api.host", api.host, insecure=self._settings.insecure, tls=tls is not None)
        async with AsyncExitStack() as opened:
            sockets = bind(api.host, api.port)
            for listener in sockets:
                opened.callback(listener.close)
            parts = await build(self._settings, self._paths, lambda: self.is_serving, opened)
            app = await application(self._settings, self._operations, parts, self._stopping, opened)
            await opened.enter_async_context(secured.redirecting(api))
            self._server = HttpServer(app, sockets, self._stopping, tls=tls)
            _log.info("controller.ready", address=f"{'http' if tls is None else 'https'}://{api.host}:{api.port}")
            announce_ready()
            await self._server.run()
        _log.info("controller.stopped")

    @property
    def is_serving(self) -> bool:
        """Whether requests are answered, be it the last ones."""
        return self._server is not None

    def stop(self) -> None:
        """Take no new requests and end when those under way are answered."""
        if not self._stopping.is_set():
            _log.info("controller.stopping")
        self._stopping.set()
        if self._server is not None:
            self._server.stop()
