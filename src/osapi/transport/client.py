"""The NATS client, bent where it matters; the only file that knows its inside.

nats-py 2.16 passes every message through a queue and a task, hands every publish to another task,
lets a flush overtake what it should flush, gives up for ever after some errors, and waits whole
seconds, without jitter, between attempts to reconnect. Here a *sink* gets a message synchronously
and undecoded, `write` gathers the commands of one turn of the loop, and no error ends the attempts to reconnect.
`tests/integration/transport/test_client.py` shows each of these, so that a new nats-py cannot break
them unseen.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
import time
from collections.abc import Callable
from typing import Any

from nats import errors as nats_errors
from nats.aio.client import DEFAULT_BUFFER_SIZE, Server, Srv
from nats.aio.client import Client as NatsClient
from nats.aio.subscription import Subscription as NatsSubscription
from nats.aio.transport import TcpTransport

from osapi.contract.errors import Unavailable
from osapi.tls.trust import Trust, context

log = logging.getLogger(__name__)

Sink = Callable[[bytes, bytes, bytes, bytes | None], None]
"""Takes subject, reply, data and raw headers of one message. Quick, synchronous, raises nothing."""

_PERMISSION = "permissions violation"
_FIRST_WAIT_S = 0.05
_LONGEST_WAIT_S = 1.0
_CANCEL_AGAIN_S = 0.05
_CLOSE_S = 1.0
_TURN_BYTES = 65_536
"""More than this is sent before the turn of the loop is over, so that a sender in a hurry feels the socket."""


class Transport(TcpTransport):
    """nats-py's socket, whose closing ends.

    One that is lost in its TLS handshake may never tell that it is closed (asyncio of Python 3.11), and who waits for that
    would never connect again.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # untyped in nats-py

    async def wait_closed(self) -> None:
        """Wait until it is closed, and cut it when that takes too long."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await super().wait_closed()  # type: ignore[no-untyped-call] # untyped in nats-py
        except TimeoutError:
            writer: Any = self._io_writer
            writer.transport.abort()


class Client(NatsClient):
    """nats-py's client with sinks, direct writes, and reconnection without end."""

    def __init__(self, trust: Trust | None = None) -> None:
        """`trust` asks for TLS; a broker that offers none is refused then."""
        super().__init__()
        self._trust = trust
        self._sinks: dict[int, Sink] = {}
        self._unsent: list[bytes] = []
        self._unsent_size = 0
        self._in_a_hurry = False
        self._attempt = 0

    def write(self, command: bytes) -> None:
        """Send a protocol command in this turn of the event loop, behind what waits to be sent.

        The commands of one turn go out in one system call; under load that halves the processor time of
        both sides. Raises `Unavailable` when not connected. What is lost with the connection before the turn
        is over is lost like anything else on its way: who waits for an answer is told.
        """
        if not self.is_connected or self._transport is None:
            raise Unavailable("the broker is not connected")
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._end_turn)
        self._unsent.append(command)
        self._unsent_size += len(command)
        if self._unsent_size > _TURN_BYTES:
            self._in_a_hurry = True
            try:
                self._push()
            except (OSError, RuntimeError) as err:  # uvloop raises RuntimeError on a closed socket
                raise Unavailable("the connection to the broker was just lost") from err

    def _end_turn(self) -> None:
        # A socket that is gone is reported by the reader, and whoever waits for an answer is told then.
        with contextlib.suppress(OSError, RuntimeError):
            self._push()

    def _push(self) -> None:
        """Send what the inherited methods left for the flusher, then our own, so that order is kept."""
        unsent, self._unsent, self._unsent_size = self._unsent, [], 0
        if self._transport is None or not self.is_connected:
            return
        if self._pending:
            unsent[:0] = self._pending
            self._pending = []
            self._pending_data_size = 0
        if unsent:
            self._transport.write(b"".join(unsent))

    async def drained(self) -> None:
        """Wait until the socket takes more. Raises `Unavailable` when the connection is lost meanwhile.

        A sender in a hurry lets the loop turn: under TLS it is only there that a lost connection shows.
        """
        if self._in_a_hurry:
            self._in_a_hurry = False
            await asyncio.sleep(0)
        if self._transport is not None:
            try:
                await self._transport.drain()  # type: ignore[no-untyped-call] # untyped in nats-py
            except (OSError, RuntimeError) as err:
                raise Unavailable("the connection to the broker was lost while sending") from err

    async def add_sink(self, subject: str, sink: Sink) -> int:
        """Subscribe `sink` to `subject`; the number returned is for `remove_sink`. Survives reconnects."""
        self._sid += 1
        sid = self._sid
        # A subscription with a future starts no task; the future itself is never used.
        unused: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        subscription = NatsSubscription(self, sid, subject, future=unused)
        self._subs[sid] = subscription
        self._sinks[sid] = sink
        await self._send_subscribe(subscription)
        return sid

    async def remove_sink(self, sid: int) -> None:
        """End what `add_sink` began. A second call changes nothing."""
        self._sinks.pop(sid, None)
        if self._subs.pop(sid, None) is not None and self.is_connected:
            await self._send_unsubscribe(sid)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        sink = self._sinks.get(sid)
        if sink is None:
            await super()._process_msg(sid, subject, reply, data, headers)
        else:
            sink(subject, reply, data, headers)

    async def close(self) -> None:
        """End a reconnect under way first, then close; nats-py would let it win and stay connected."""
        self._end_turn()
        if self._reconnection_task is not None:
            await end(self._reconnection_task)
        await super().close()

    async def _send_ping(self, future: asyncio.Future[Any] | None = None) -> None:
        """Flush what waits before the ping that is to prove it flushed."""
        self._push()
        await super()._send_ping(future)  # pyright: ignore[reportUnknownMemberType] # an untyped future

    async def _connect_to_server(self, s: Srv) -> None:
        """As nats-py, but over our transport, and closing the socket of the last attempt, which nats-py forgets when the server refused us."""
        if self._transport is not None:
            self._transport.close()  # type: ignore[no-untyped-call] # untyped in nats-py
        s.last_attempt = time.monotonic()
        self._transport = transport = Transport()
        await transport.connect(s.uri, DEFAULT_BUFFER_SIZE, self.options["connect_timeout"])

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """Made for every attempt, so that replaced files count at the next one."""
        return context(self._trust or Trust())

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        """Where TLS is asked for, believe no word of the greeting, which comes before it and is anybody's."""
        if self._trust is not None and initial_connection:
            if not info.get("tls_required"):
                raise nats_errors.Error(
                    "the broker offers no TLS, which is asked for here; set up nats.server.tls there"
                )
            info = {name: value for name, value in info.items() if name != "connect_urls"}
        await super()._process_info(info, initial_connection)

    async def _process_connect_init(self) -> None:
        """nats-py moves to TLS without telling the stream's protocol, which would then warn at every loss."""
        await super()._process_connect_init()
        if self._trust is not None:
            stream: Any = self._transport
            protocol = stream._io_writer.transport.get_protocol()  # noqa: SLF001
            if protocol is not None:  # else the connection is lost already
                protocol._over_ssl = True  # noqa: SLF001

    async def _attempt_reconnect(self) -> None:
        """Go on after errors that nats-py does not expect, such as a key file that is being replaced."""
        while True:
            try:
                return await super()._attempt_reconnect()
            except Exception as err:  # noqa: BLE001 - without this nobody would ever try again
                log.warning("broker.reconnect_failed", extra={"error": str(err)})
                await asyncio.sleep(_LONGEST_WAIT_S)

    async def _process_err(self, err_msg: str) -> None:
        """Reconnect where nats-py would close for good: a revoked or replaced credential may come back."""
        error = nats_errors.Error(f"nats: {err_msg.strip(chr(39))}")
        self._err = error
        if _PERMISSION in err_msg:
            await self._error_cb(error)
        else:
            log.warning("broker.refused_connection", extra={"error": str(error)})
            await self._process_op_err(error)

    async def give_up(self) -> None:
        """Take the connection for lost and make it anew, as if its pings had not been answered."""
        if self.is_connected:
            await self._process_op_err(nats_errors.StaleConnectionError())

    def pace(self, servers: list[Server], _info: dict[str, Any]) -> tuple[Server | None, float]:
        """Choose the server to try next and how long to wait before: at once at first, then up to 1 s."""
        self._attempt += 1
        longest = min(_FIRST_WAIT_S * 2**self._attempt, _LONGEST_WAIT_S)
        return random.choice(servers), random.uniform(0.0, longest)  # noqa: S311 - jitter is no secret

    def arrived(self) -> None:
        """Begin the next series of attempts with a short wait again."""
        self._attempt = 0


async def end(task: asyncio.Task[Any]) -> None:
    """Cancel `task` until it has ended: `asyncio.wait_for` of Python 3.11 can swallow a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_CANCEL_AGAIN_S)
