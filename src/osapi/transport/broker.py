"""The broker as the rest of OSAPI sees it: publish, request, subscribe, append, buckets and queues.

A `Broker` stays connected for ever: it reconnects by itself, with jitter, and its subscriptions,
watches and queues come back with it. While the connection is away everything that sends raises
`Unavailable` at once; nothing is kept back to be sent later.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from nats import errors as nats_errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription

from osapi.contract.errors import Invalid, Unavailable
from osapi.transport import headers as header_lines
from osapi.transport.address import Address
from osapi.transport.append import append
from osapi.transport.bucket import Bucket
from osapi.transport.link import Link, check_subject
from osapi.transport.objects import ObjectStore
from osapi.transport.queue import PullQueue
from osapi.transport.stream import StreamKeeper
from osapi.transport.survey import Survey

log = logging.getLogger(__name__)

Handler = Callable[["Message"], Awaitable[None]]
Notice = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Message:
    """One message as received; the subject is without namespace, `reply` is "" when none is wanted."""

    subject: str
    data: bytes
    headers: Mapping[str, str]
    reply: str
    link: Link = field(repr=False, compare=False)

    async def respond(self, data: bytes, *, headers: Mapping[str, str] | None = None) -> None:
        """Answer the request. Raises `Invalid` if no answer was asked for."""
        if not self.reply:
            raise Invalid(f"the message on {self.subject} asks for no answer")
        self.link.send(self.reply, data, header_lines.encode(headers) if headers else b"")
        await self.link.client.drained()


class Subscription:
    """Interest in a subject. It survives reconnects."""

    def __init__(self, inner: NatsSubscription, forget: Callable[[Subscription], None]) -> None:
        self._inner = inner
        self._forget = forget

    async def unsubscribe(self) -> None:
        """Stop at once; what was not handled yet is dropped. A second call changes nothing."""
        self._forget(self)
        with contextlib.suppress(nats_errors.Error):
            await self._inner.unsubscribe()

    async def drain(self) -> None:
        """Take nothing new and return when everything received has been handled."""
        self._forget(self)
        with contextlib.suppress(nats_errors.Error):
            await self._inner.drain()  # type: ignore[no-untyped-call] # untyped in nats-py


class Broker:
    """A connection to the broker. Made by `Broker.connect`, ended by `close`."""

    def __init__(self, link: Link, on_connected: Notice | None, on_lost: Notice | None) -> None:
        self.link = link
        """For the modules of this package only."""
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._notice: asyncio.Task[None] | None = None
        self._subscriptions: set[Subscription] = set()
        link.returned.add(self._returned)
        link.lost.add(self._lost)

    @classmethod
    async def connect(
        cls,
        address: Address,
        *,
        name: str,
        on_connected: Notice | None = None,
        on_lost: Notice | None = None,
        timeout_s: float = 10.0,
    ) -> Broker:
        """Connect as `name`, trying again for `timeout_s`; then raise `Unavailable`.

        `on_connected` runs after every later reconnect, not at the first connect: what that needs, the
        caller does when this returns. `on_lost` runs each time the connection is lost, not when `close`
        was called. Each runs as a task of its own, which ends the other if that still runs.
        """
        return cls(await Link.open(address, name=name, timeout_s=timeout_s), on_connected, on_lost)

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        return self.link.is_connected

    def storing_trouble(self) -> str | None:
        """Why nothing that is given to the broker is stored at present, within seconds; None when it is."""
        return self.link.storing.trouble()

    @property
    def max_payload(self) -> int:
        """The longest message that the broker carries, in bytes."""
        return self.link.client.max_payload

    async def close(self, *, deadline_s: float = 5.0) -> None:
        """Let handlers finish what was received, for `deadline_s` at most, then disconnect.

        A second call changes nothing.
        """
        if self.link.closed:
            return
        self.link.returned.discard(self._returned)
        self.link.lost.discard(self._lost)
        self._cancel_notice()
        if self.is_connected:
            with contextlib.suppress(TimeoutError, nats_errors.Error):
                async with asyncio.timeout(deadline_s):
                    await asyncio.gather(*(each.drain() for each in list(self._subscriptions)))
        await self.link.close()

    # -- plain messages ------------------------------------------------------------------------

    async def publish(
        self, subject: str, payload: bytes = b"", *, headers: Mapping[str, str] | None = None, reply: str = ""
    ) -> None:
        """Send to whoever listens now; nothing says whether anybody did.

        Raises `Unavailable` at once when not connected, `TooLarge` above the broker's limit.
        """
        link = self.link
        encoded = header_lines.encode(headers) if headers else b""
        if reply:
            reply = link.names.subject(reply)
            check_subject(reply)
        link.send(link.names.subject(subject), payload, encoded, reply)
        await link.client.drained()

    async def request(
        self, subject: str, payload: bytes = b"", *, timeout_s: float, headers: Mapping[str, str] | None = None
    ) -> Message:
        """Send and return the first answer.

        Raises `NoAnswer` when nobody listens (at once) or answers in time, `Unavailable` when the
        broker is or goes away, `TooLarge` above the broker's limit.
        """
        link = self.link
        encoded = header_lines.encode(headers) if headers else b""
        answer = await link.request(link.names.subject(subject), payload, encoded, timeout_s=timeout_s)
        return Message(subject, answer.data, header_lines.decode(answer.headers), "", link)

    async def subscribe(self, subject: str, handler: Handler) -> Subscription:
        """Call `handler` for every message on `subject`, one after the other, in order of arrival.

        What the handler raises is logged; it does not end the subscription.
        """
        return await self.subscribe_queue(subject, "", handler)

    async def subscribe_queue(self, subject: str, queue: str, handler: Handler) -> Subscription:
        """Like `subscribe`, but of all that subscribe under one `queue` only one gets each message."""
        link = self.link

        async def handle(msg: Msg) -> None:
            message = Message(link.names.bare(msg.subject), msg.data, msg.headers or {}, msg.reply, link)
            try:
                await handler(message)
            except Exception:
                log.exception("message.handler_failed", extra={"subject": message.subject})

        check_subject(link.names.subject(subject))
        try:
            inner = await link.client.subscribe(  # pyright: ignore[reportUnknownMemberType] # an untyped future
                link.names.subject(subject), queue=queue, cb=handle
            )
        except nats_errors.BadSubjectError as err:
            raise Invalid(f"{subject!r} is not a subject one can subscribe to") from err
        except nats_errors.Error as err:
            raise Unavailable(f"cannot subscribe to {subject}: {err}") from err
        subscription = Subscription(inner, self._subscriptions.discard)
        self._subscriptions.add(subscription)
        return subscription

    async def flush(self, *, timeout_s: float = 5.0) -> None:
        """Return when the broker has taken everything sent so far, subscriptions included."""
        try:
            await self.link.client.flush(timeout=timeout_s)  # type: ignore[arg-type] # any number works
        except (nats_errors.Error, OSError) as err:
            raise Unavailable("the broker does not answer") from err

    async def refresh(self, *, timeout_s: float) -> None:
        """Make the connection anew if the broker does not answer on it in time.

        For whoever knows that the way to the broker has changed: what is lost silently, as when an address
        of this host is gone, would otherwise be noticed only after two unanswered pings, in 20 s.
        """
        try:
            await self.flush(timeout_s=timeout_s)
        except Unavailable:
            await self.link.client.give_up()

    # -- streams, buckets, queues --------------------------------------------------------------

    async def append(
        self,
        subject: str,
        payload: bytes,
        *,
        message_id: str | None = None,
        expect_last: int | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 5.0,
    ) -> int:
        """Store a message in the stream that takes `subject` and return its sequence in that stream.

        A `message_id` seen before (within the stream's duplicate window) stores nothing and returns the
        sequence of the first. `expect_last` is the sequence that must be the stream's last.

        Raises `Conflict` (another last sequence), `TooLarge`, and `Unavailable`: not connected, no
        answer in time, no such stream, stream full (code "refused": nothing is stored), disk full. Without
        that code the message may be stored or not; repeat it with the same `message_id`.
        """
        fields = dict(headers) if headers else {}
        if message_id is not None:
            fields["Nats-Msg-Id"] = message_id
        if expect_last is not None:
            fields["Nats-Expected-Last-Sequence"] = str(expect_last)
        raw = header_lines.encode(fields) if fields else b""
        return await append(self.link, self.link.names.subject(subject), payload, raw, timeout_s=timeout_s)

    def bucket(self, name: str) -> Bucket:
        """A handle on the bucket `name`; asks the broker nothing."""
        return Bucket(self.link, name)

    def objects(self, name: str) -> ObjectStore:
        """A handle on the object store `name`; asks the broker nothing."""
        return ObjectStore(self.link, name)

    def stream(self, name: str) -> StreamKeeper:
        """A handle on the stream `name` for whoever looks after it; asks the broker nothing."""
        return StreamKeeper(self.link, name)

    def survey(self) -> Survey:
        """Looks at everything the broker holds; asks nothing yet."""
        return Survey(self.link)

    def pull_queue(self, stream: str, durable: str) -> PullQueue:
        """A handle on the shared durable consumer `durable` of `stream`; asks the broker nothing."""
        return PullQueue(self.link, stream, durable)

    # -- notices -------------------------------------------------------------------------------

    def _returned(self) -> None:
        log.info("broker.reconnected")
        self._notify(self._on_connected)

    def _lost(self) -> None:
        log.warning("broker.lost")
        self._notify(self._on_lost)

    def _notify(self, notice: Notice | None) -> None:
        self._cancel_notice()
        if notice is not None:
            self._notice = self.link.spawn(_guarded(notice))

    def _cancel_notice(self) -> None:
        if self._notice is not None:
            self._notice.cancel()
            self._notice = None


async def _guarded(notice: Notice) -> None:
    try:
        await notice()
    except Exception:
        log.exception("broker.notice_failed")
