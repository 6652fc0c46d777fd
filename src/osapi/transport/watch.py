"""Following a stream in order, for ever: one ordered push consumer, made anew whenever it falters.

The broker pushes with flow control and idle heartbeats. A jump of the consumer's sequence, a missed
heartbeat or a reconnect ends the consumer and begins another one at the last message seen, whose
time stamp tells whether the stream is still the same. What reading a message means is left to the
caller, `Bucket.watch` for instance.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from osapi.contract.errors import NoAnswer, OsapiError, Unavailable
from osapi.transport import headers as header_lines
from osapi.transport.link import Link
from osapi.transport.refusal import Refusal, as_error

log = logging.getLogger(__name__)

OnMessage = Callable[[bytes, bytes, bytes | None, int, int], None]
"""Takes subject, data, raw headers, stream sequence and time of storing (nanoseconds since 1970)."""

_HEARTBEAT_S = 1.0
_SILENCE_S = 2.5 * _HEARTBEAT_S
_RETRY_S = 0.1
_LONGEST_RETRY_S = 1.0
_REQUEST_S = 3.0
_V1_TOKENS = 9


class _State(msgspec.Struct):
    first_seq: int = 0
    last_seq: int = 0


class _StreamInfo(msgspec.Struct):
    created: str = ""
    state: _State = msgspec.field(default_factory=_State)
    error: Refusal | None = None


class _Delivered(msgspec.Struct):
    consumer_seq: int = 0


class _ConsumerInfo(msgspec.Struct):
    name: str = ""
    num_pending: int = 0
    delivered: _Delivered = msgspec.field(default_factory=_Delivered)
    error: Refusal | None = None


class Watch:
    """Delivers every message of `subject` in `stream`, those that exist first, in order of sequence.

    The callbacks are called synchronously in the event loop; what they raise is logged. `on_ready` is
    called once, when everything that existed at the start has been delivered; `on_reset` when the
    stream turns out to be another one than before, and everything in it is delivered again. `start` leaves out
    what has a lower sequence, as long as the stream is the one it was.
    """

    def __init__(
        self,
        link: Link,
        stream: str,
        subject: str,
        on_message: OnMessage,
        on_ready: Callable[[], None] | None = None,
        on_reset: Callable[[], None] | None = None,
        *,
        start: int = 0,
    ) -> None:
        self._link = link
        self._stream = stream
        self._subject = subject
        self._on_message = on_message
        self._on_ready = on_ready
        self._on_reset = on_reset
        self._start = start
        self._ready = asyncio.Event()
        self._broken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._created: str = ""
        self._sequence = 0
        self._stamp = 0
        self._restarts = 0
        self._reset()

    # -- life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin. Raises `Unavailable` or `NotFound` if the first consumer cannot be made."""
        try:
            await self._begin()
        except BaseException:
            await self._end()
            raise
        self._link.returned.add(self._broken.set)
        self._task = self._link.spawn(self._keep())

    async def stop(self) -> None:
        """End; nothing is delivered after this returns. A second call changes nothing."""
        self._link.returned.discard(self._broken.set)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
            await self._end()

    async def ready(self) -> None:
        """Wait until everything that existed at the start has been delivered."""
        await self._ready.wait()

    @property
    def sequence(self) -> int:
        """Stream sequence of the last message delivered; 0 before the first."""
        return self._sequence

    @property
    def restarts(self) -> int:
        """How often the consumer was made anew."""
        return self._restarts

    async def _keep(self) -> None:
        pause_s = _RETRY_S
        while True:
            await self._falter()
            self._broken.clear()
            await self._end()
            await self._link.up.wait()
            try:
                await self._begin()
            except (OsapiError, msgspec.DecodeError) as err:
                log.warning("watch.retry", extra={"stream": self._stream, "error": str(err)})
                self._broken.set()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_RETRY_S)
            else:
                self._restarts += 1
                pause_s = _RETRY_S

    async def _falter(self) -> None:
        """Return when the consumer is known or suspected to be lost."""
        while not self._broken.is_set():
            heard = self._heard
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SILENCE_S):
                    await self._broken.wait()
            if heard == self._heard and self._link.is_connected:
                return

    # -- one consumer --------------------------------------------------------------------------

    def _reset(self) -> None:
        self._sid: int | None = None
        self._name = ""
        self._consumed = 0
        self._heard = 0
        self._total: int | None = None

    async def _begin(self) -> None:
        info = await self._ask(f"$JS.API.STREAM.INFO.{self._stream}", {}, _StreamInfo)
        if info.created != self._created or info.state.last_seq < self._sequence:
            if self._sequence:
                log.warning("watch.stream_replaced", extra={"stream": self._stream})
                self._call(self._on_reset)
                self._start = 0
            self._created, self._sequence, self._stamp = info.created, 0, 0
        self._reset()
        self._name = secrets.token_urlsafe(12)
        inbox = self._link.new_inbox()
        self._sid = await self._link.client.add_sink(inbox, self._take)
        consumer = await self._ask(
            f"$JS.API.CONSUMER.CREATE.{self._stream}.{self._name}.{self._subject}",
            {"stream_name": self._stream, "config": self._config(inbox)},
            _ConsumerInfo,
        )
        # Messages may have arrived before this answer, which counts only what was left then.
        self._total = consumer.num_pending + consumer.delivered.consumer_seq
        self._check_ready()

    def _config(self, inbox: str) -> dict[str, Any]:
        config: dict[str, Any] = {
            "name": self._name,
            "deliver_subject": inbox,
            "filter_subject": self._subject,
            "deliver_policy": "all",
            "ack_policy": "none",
            "max_deliver": 1,
            "flow_control": True,
            "idle_heartbeat": int(_HEARTBEAT_S * 1e9),
            "mem_storage": True,
            "num_replicas": 1,
        }
        if start := self._sequence or self._start:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": start}
        return config

    async def _ask(self, subject: str, question: object, answer: type[Any]) -> Any:
        try:
            reply = await self._link.request(subject, msgspec.json.encode(question), timeout_s=_REQUEST_S)
        except NoAnswer as err:
            raise Unavailable(f"stream {self._stream} cannot be followed: {err.message}") from err
        told = msgspec.json.decode(reply.data, type=answer)
        if told.error is not None:
            raise as_error(told.error, f"stream {self._stream} cannot be followed")
        return told

    async def _end(self) -> None:
        sid, name = self._sid, self._name
        self._reset()
        with contextlib.suppress(OsapiError):
            if sid is not None:
                await self._link.client.remove_sink(sid)
            if name:
                self._link.send(f"$JS.API.CONSUMER.DELETE.{self._stream}.{name}", b"")

    # -- messages ------------------------------------------------------------------------------

    def _take(self, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        self._heard += 1
        if headers is not None and header_lines.status(headers):
            self._control(reply, headers)
            return
        tokens = reply.split(b".")
        # $JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>; with a
        # domain and an account hash before the stream in the newer form (NATS ADR-15).
        at = 5 if len(tokens) == _V1_TOKENS else 7
        consumed = int(tokens[at + 1])
        if consumed != self._consumed + 1:
            self._broken.set()
            return
        self._consumed = consumed
        sequence, stamp = int(tokens[at]), int(tokens[at + 2])
        if sequence > self._sequence:
            self._sequence, self._stamp = sequence, stamp
            try:
                self._on_message(subject, data, headers, sequence, stamp)
            except Exception:
                log.exception("watch.callback_failed", extra={"stream": self._stream})
        elif stamp != self._stamp:
            # Another message where the last one seen was: the stream lost its end and grew another.
            self._created = ""
            self._broken.set()
            return
        if not self._ready.is_set() and (tokens[at + 3] == b"0" or consumed == self._total):
            self._become_ready()

    def _control(self, reply: bytes, headers: bytes | None) -> None:
        """Answer flow control; compare what a heartbeat says was delivered with what arrived."""
        if reply:
            self._answer(reply)
            return
        fields = header_lines.decode(headers)
        stalled = fields.get("Nats-Consumer-Stalled")
        if stalled:
            self._answer(stalled.encode())
        if int(fields.get("Nats-Last-Consumer", "0")) != self._consumed:
            self._broken.set()
        elif not stalled and self._total is not None:
            # Idle, with everything delivered: what was pending at the start may have vanished since.
            self._become_ready()

    def _answer(self, reply: bytes) -> None:
        with contextlib.suppress(OsapiError):
            self._link.send(reply.decode(), b"")

    def _check_ready(self) -> None:
        if self._total is not None and self._consumed >= self._total:
            self._become_ready()

    def _become_ready(self) -> None:
        if not self._ready.is_set():
            self._ready.set()
            self._call(self._on_ready)

    def _call(self, callback: Callable[[], None] | None) -> None:
        if callback is not None:
            try:
                callback()
            except Exception:
                log.exception("watch.callback_failed", extra={"stream": self._stream})
