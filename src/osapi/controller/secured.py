"""The API over TLS as the settings have it: the context to serve with, and the port that sends plain HTTP on."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from osapi.config import tls
from osapi.config.controller import Api
from osapi.controller.redirecting import Redirecting
from osapi.controller.serve import HttpServer, bind

SECTION = "controller.api.tls"


def context_of(api: Api) -> ssl.SSLContext | None:
    """The context to serve with; None serves plain HTTP. Raises `Invalid` for files that cannot be used."""
    pair = tls.pair(SECTION, api.tls)
    if pair is None:
        return None
    from osapi.tls.serving import ServingTls

    return ServingTls(pair).context


@asynccontextmanager
async def redirecting(api: Api) -> AsyncGenerator[None]:
    """Send plain HTTP on from the port of the settings, if there is one. Raises `Unavailable` when it is taken."""
    if not api.tls.redirect_port:
        yield
        return
    sockets = bind(api.host, api.tls.redirect_port, f"{SECTION}.redirect_port")
    server = HttpServer(Redirecting(api.port, api.host), sockets, asyncio.Event())
    serving = asyncio.create_task(server.run())
    try:
        yield
    finally:
        server.stop()
        await serving
