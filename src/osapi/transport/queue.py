"""Work that one of many takes: a durable consumer that a whole fleet pulls from.

It is bound without asking the broker about it, so a worker needs only the right to publish on
`$JS.API.CONSUMER.MSG.NEXT.<stream>.<durable>` and `$JS.ACK.<stream>.<durable>.>`.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from osapi.contract.errors import NoAnswer, OsapiError, Unavailable
from osapi.transport import headers as header_lines
from osapi.transport.link import Link

_V1_TOKENS = 9
_TIMED_OUT = 408
_TIMEOUT_S = 5.0
_GRACE_S = 1.0
"""How much longer than the broker we wait, so that the broker always ends a pull first."""
_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message, ours until it is acknowledged or its ack wait passes without a word of progress.

    `sequence` is its place in the stream, `delivered_count` 1 at the first delivery.
    """

    subject: str
    data: bytes
    headers: Mapping[str, str]
    sequence: int
    delivered_count: int
    reply: str
    link: Link = field(repr=False, compare=False)

    async def ack_sync(self, *, timeout_s: float = _TIMEOUT_S) -> None:
        """Acknowledge and wait until the broker has noted it. Raises `Unavailable` if it does not say so.

        The broker writes acknowledgements to disk a moment later (about a second, whatever
        `sync_interval` says): killed before that, it delivers again what was acknowledged.
        """
        try:
            await self.link.request(self.reply, b"+ACK", timeout_s=timeout_s)
        except NoAnswer as err:
            raise Unavailable(f"the broker did not confirm an acknowledgement: {err.message}") from err

    async def nak(self, delay_s: float = 0.0) -> None:
        """Give it back, to be delivered again to anybody after `delay_s` seconds."""
        payload = b"-NAK"
        if delay_s > 0:
            payload += b" " + msgspec.json.encode({"delay": int(delay_s * 1e9)})
        await self._say(payload)

    async def term(self, reason: str) -> None:
        """Never deliver it again, to nobody."""
        await self._say(b"+TERM " + reason.encode())

    async def in_progress(self) -> None:
        """Keep it for another ack wait."""
        await self._say(b"+WPI")

    async def _say(self, payload: bytes) -> None:
        self.link.send(self.reply, payload)
        await self.link.client.drained()


class PullQueue:
    """A worker's place at the queue. One `fetch` at a time; others wait their turn."""

    def __init__(self, link: Link, stream: str, durable: str) -> None:
        self._link = link
        self._next = f"$JS.API.CONSUMER.MSG.NEXT.{link.names.stream(stream)}.{durable}"
        self._turn = asyncio.Lock()
        self._inbox = link.new_inbox()
        self._sid: int | None = None
        self._pulls = 0
        self._waiter: asyncio.Future[Delivery | None] | None = None

    async def fetch(self, timeout_s: float) -> Delivery | None:
        """Wait for a message, at most `timeout_s` seconds; None when none came.

        While the broker is away it goes on waiting, and asks again the moment the connection is back.
        A message that arrives after `fetch` was cancelled is given back for others at once.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + timeout_s
        async with self._turn:
            while (left := end - loop.time()) > 0:
                delivery = await self._pull(left)
                if delivery is not None:
                    return delivery
        return None

    async def close(self) -> None:
        """Leave the queue. A second call changes nothing."""
        if self._sid is not None:
            sid, self._sid = self._sid, None
            await self._link.client.remove_sink(sid)

    async def _pull(self, left_s: float) -> Delivery | None:
        """One pull request, from asking to its end. None when it ended without a message."""
        loop = asyncio.get_running_loop()
        if not await self._connected(left_s):
            return None
        if self._sid is None:
            self._sid = await self._link.client.add_sink(f"{self._inbox}.*", self._take)
        self._pulls += 1
        waiter: asyncio.Future[Delivery | None] = loop.create_future()
        self._waiter = waiter
        lost = lambda: _settle(waiter, None)  # noqa: E731
        self._link.lost.add(lost)
        timer = loop.call_later(left_s + _GRACE_S, _settle, waiter, None)
        try:
            question = {"batch": 1, "expires": max(int(left_s * 1e9), 1_000_000)}
            self._link.send(self._next, msgspec.json.encode(question), reply=f"{self._inbox}.{self._pulls}")
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and (late := waiter.result()) is not None:
                self._give_back(late)
            raise
        except Unavailable:
            await asyncio.sleep(_PAUSE_S)
            return None
        finally:
            timer.cancel()
            self._waiter = None
            self._link.lost.discard(lost)

    async def _connected(self, left_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await self._link.up.wait()
                return True
        return False

    def _take(self, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        status = header_lines.status(headers)
        if status:
            self._ended(subject, status)
            return
        delivery = self._delivery(subject, reply, data, headers)
        if self._waiter is None or self._waiter.done():
            self._give_back(delivery)
        else:
            self._waiter.set_result(delivery)

    def _give_back(self, delivery: Delivery) -> None:
        with contextlib.suppress(OsapiError):
            self._link.send(delivery.reply, b"-NAK")

    def _ended(self, subject: bytes, status: int) -> None:
        """A pull ended without a message: time-out (408), or something that a new pull cures."""
        if int(subject.rpartition(b".")[2]) != self._pulls or self._waiter is None:
            return
        if status == _TIMED_OUT:
            _settle(self._waiter, None)
        else:
            # No such consumer yet, broker shutting down, leader changing: ask again, but not in a storm.
            pause = random.uniform(_PAUSE_S, 2 * _PAUSE_S)  # noqa: S311 - jitter is no secret
            asyncio.get_running_loop().call_later(pause, _settle, self._waiter, None)

    def _delivery(self, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> Delivery:
        tokens = reply.split(b".")
        at = 4 if len(tokens) == _V1_TOKENS else 6
        return Delivery(
            subject=self._link.names.bare(subject.decode()),
            data=data,
            headers=header_lines.decode(headers),
            sequence=int(tokens[at + 1]),
            delivered_count=int(tokens[at]),
            reply=reply.decode(),
            link=self._link,
        )


def _settle(waiter: asyncio.Future[Delivery | None], delivery: Delivery | None) -> None:
    if not waiter.done():
        waiter.set_result(delivery)
