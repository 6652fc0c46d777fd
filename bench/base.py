"""BASE: the least that a job could cost. One message stored in a stream and acknowledged, then one request
answered by another process. Both with nats-py on uvloop, both waited for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
from nats.aio.client import Client
from nats.js.client import JetStreamContext

from bench.children import Child
from bench.logins import Login

PAYLOAD = b"x" * 600
"""About the size of a signed job."""
_ECHO = "bench.echo"
_STORED = "bench.base.stored"


class Base:
    """Ready to be measured; made by `prepared`."""

    def __init__(self, client: Client, stream: JetStreamContext) -> None:
        self._client = client
        self._stream = stream

    async def once(self) -> None:
        """Store, then ask."""
        await self._stream.publish(_STORED, PAYLOAD)
        await self._client.request(_ECHO, PAYLOAD, timeout=10)

    async def ask(self) -> None:
        """The second half alone."""
        await self._client.request(_ECHO, PAYLOAD, timeout=10)


@asynccontextmanager
async def prepared(login: Login) -> AsyncIterator[Base]:
    """A stream of its own, and a responder in another process."""
    child = await Child.start("bench.responder", {"login": login.as_json(), "subject": _ECHO})
    client = await nats.connect(**login.options)
    try:
        stream = client.jetstream(timeout=10)
        await stream.add_stream(name="BENCH-BASE", subjects=["bench.base.>"])
        yield Base(client, stream)
        await stream.delete_stream("BENCH-BASE")
    finally:
        await client.close()
        await child.stop()
