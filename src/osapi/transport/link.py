"""One connection to the broker: commands out, answers in, and word of loss and return.

Everything else in this package stands on `Link`. An answer to a request is found by the last token of
the inbox it arrives at, so that one subscription serves all requests of a process.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from nats import errors as nats_errors

from osapi.contract.errors import Invalid, NoAnswer, TooLarge, Unavailable
from osapi.tls.explaining import told
from osapi.tls.trust import context
from osapi.transport import headers as header_lines
from osapi.transport.address import Address
from osapi.transport.client import Client, Sink, end
from osapi.transport.storing import Storing

log = logging.getLogger(__name__)

_SEED = re.compile(rb"SU[A-Z2-7]{56}")
_UNFIT = re.compile(r"[\s\x00]")
# nats-server ends a connection whose control line, with subject and reply, exceeds 4,096 bytes.
_LONGEST_SUBJECT = 1900
_REFUSED = re.compile("authorization", re.IGNORECASE)
_FORBIDDEN = re.compile(r'permissions violation for publish to "(.+)"')
_CONNECT_WAIT_S = 0.2
_CONNECT_S = 2.0
_TLS_CONNECT_S = 8.0
"""A broker to which a whole fleet returns has as many handshakes to make."""
# A broker that is silent for two intervals is taken for lost.
_PING_INTERVAL_S = 10
_NO_RESPONDERS = 503
_AGAIN_S = (0.02, 0.05, 0.1)


class NobodyListens(NoAnswer):
    """The broker knows of nobody who could answer, now."""


class Reply(NamedTuple):
    """An answer, headers undecoded."""

    headers: bytes | None
    data: bytes


class Link:
    """A connection that comes back by itself. Made by `Link.open`."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.names = address.names
        self._trust = address.trust
        self.client = Client(self._trust)
        self.up = asyncio.Event()
        """Set while connected."""
        self.returned: set[Callable[[], None]] = set()
        """Called, synchronously, after every reconnect."""
        self.lost: set[Callable[[], None]] = set()
        """Called, synchronously, when the connection is lost or closed."""
        self.closed = False
        self.storing = Storing()
        self._tasks: set[asyncio.Task[None]] = set()
        self._inbox = f"{address.inbox}.{secrets.token_urlsafe(16)}."
        self._inbox_length = len(self._inbox)
        self._count = 0
        self._waiting: dict[bytes, tuple[asyncio.Future[Reply], str]] = {}
        self._open: dict[bytes, Sink] = {}
        self._last_error = "no answer"
        self._tls_failed = False

    @classmethod
    async def open(cls, address: Address, *, name: str, timeout_s: float) -> Link:
        """Connect, trying again until `timeout_s` is over, then raise `Unavailable` with the last cause.

        Raises `Invalid` for addresses and key files that cannot work.
        """
        _check(address)
        link = cls(address)
        connecting = asyncio.get_running_loop().create_task(link._connect(name))
        try:
            await asyncio.wait({connecting}, timeout=timeout_s)
        finally:
            if not connecting.done():
                await end(connecting)
                await link.close()
        if link.closed:
            servers = ", ".join(address.servers)
            raise Unavailable(f"the broker at {servers} cannot be reached: {link._last_error}")
        await connecting
        link.up.set()
        return link

    async def _connect(self, name: str) -> None:
        auth = self.address.auth
        nkey = str(auth.nkey_file) if auth.nkey_file else None
        await self.client.connect(
            servers=list(self.address.servers),
            name=name,
            user=auth.username if auth.username and not nkey else None,
            password=auth.password if auth.username and not nkey else None,
            nkeys_seed=nkey,
            connect_timeout=_CONNECT_S if self._trust is None else _TLS_CONNECT_S,  # type: ignore[arg-type] # any number works
            tls_hostname=self._trust.server_name or None if self._trust else None,
            inbox_prefix=self.address.inbox,
            # Nothing is kept for later while the connection is away: the caller is told at once.
            pending_size=0,
            max_reconnect_attempts=-1,
            reconnect_time_wait=_CONNECT_WAIT_S,  # type: ignore[arg-type] # any number works
            reconnect_to_server_handler=self.client.pace,
            ping_interval=_PING_INTERVAL_S,
            max_outstanding_pings=1,
            error_cb=self._failed,
            disconnected_cb=self._disconnected,
            reconnected_cb=self._reconnected,
        )
        await self.client.add_sink(f"{self._inbox}*", self._answered)

    # -- life ----------------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        return self.client.is_connected

    async def close(self) -> None:
        """Close for good; requests under way fail, tasks end. A second call changes nothing."""
        if not self.closed:
            self.closed = True
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._close_client()
            await self._disconnected()

    async def _close_client(self) -> None:
        try:
            await self.client.close()
        except asyncio.CancelledError:
            # nats-py awaits a future of the socket that its own cancelled reconnect has cancelled.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
        except (nats_errors.Error, OSError, RuntimeError) as err:
            log.debug("broker.close_failed", extra={"error": str(err)})

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside everything else; it is cancelled when the link is closed."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _failed(self, error: Exception) -> None:
        if not self._hides_cause(error):
            self._last_error = self._told(error)
            self._tls_failed = isinstance(error, ssl.SSLError)
        level = logging.WARNING if self.is_connected else logging.DEBUG
        log.log(level, "broker.error", extra={"error": self._last_error})
        forbidden = _FORBIDDEN.search(self._last_error)
        if forbidden is not None:
            # The client library tells it in lower case.
            self._fail(f"the broker forbids {self.client.options['name']} this", to=forbidden[1])

    def _hides_cause(self, error: Exception) -> bool:
        """A refused credential or certificate ends in the loss of the socket, which says less when it is seen first."""
        if isinstance(error, ConnectionResetError | BrokenPipeError) and self._tls_failed:
            return True
        return isinstance(error, OSError) and bool(_REFUSED.search(self._last_error))

    def _told(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLError) and self._trust is not None:
            hosts = ", ".join(urlsplit(server).hostname or "" for server in self.address.servers)
            return told(error, "the broker", hosts, self._trust)
        return str(error) or type(error).__name__

    async def _disconnected(self) -> None:
        self.up.clear()
        self._fail("the connection to the broker was lost before it answered")
        for tell in list(self.lost):
            tell()

    def _fail(self, why: str, *, to: str | None = None) -> None:
        """End requests under way: all, or those whose subject is `to` in lower case."""
        for future, subject in list(self._waiting.values()):
            if not future.done() and (to is None or subject.lower() == to):
                future.set_exception(Unavailable(f"{subject}: {why}"))

    async def _reconnected(self) -> None:
        self.client.arrived()
        self.up.set()
        for tell in list(self.returned):
            tell()

    # -- out -----------------------------------------------------------------------------------

    def send(self, subject: str, payload: bytes, headers: bytes = b"", reply: str = "") -> None:
        """Send one message, now. Raises `Unavailable` when not connected, `TooLarge` and `Invalid`."""
        check_subject(subject)
        size = len(headers) + len(payload)
        if size > self.client.max_payload:
            raise TooLarge(f"a message of {size} bytes exceeds the broker's limit of {self.client.max_payload} bytes")
        if headers:
            command = f"HPUB {subject} {reply} {len(headers)} {size}\r\n".encode()
            self.client.write(b"".join((command, headers, payload, b"\r\n")))
        else:
            self.client.write(b"".join((f"PUB {subject} {reply} {size}\r\n".encode(), payload, b"\r\n")))

    async def request(self, subject: str, payload: bytes, headers: bytes = b"", *, timeout_s: float) -> Reply:
        """Send and wait for one answer. Raises `NoAnswer`, and `Unavailable` when the connection is lost.

        When nobody listens at a subject of JetStream it is sent again a few times: while nats-server reads accounts
        anew, these are away for some milliseconds. Nobody had the message, so nothing happens twice.
        """
        for wait_s in _AGAIN_S if subject.startswith("$") else ():
            try:
                return await self._ask(subject, payload, headers, timeout_s)
            except NobodyListens:
                await asyncio.sleep(wait_s)
        return await self._ask(subject, payload, headers, timeout_s)

    async def _ask(self, subject: str, payload: bytes, headers: bytes, timeout_s: float) -> Reply:
        self._count += 1
        token = b"%d" % self._count
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()
        self._waiting[token] = future, subject
        timer = loop.call_later(timeout_s, _give_up, future, subject, timeout_s)
        try:
            self.send(subject, payload, headers, self._inbox + token.decode())
            answer = await future
        finally:
            timer.cancel()
            self._waiting.pop(token, None)
        if header_lines.status(answer.headers) == _NO_RESPONDERS:
            raise NobodyListens(f"nobody listens on {subject}")
        return answer

    async def request_many(self, subject: str, payload: bytes, *, timeout_s: float) -> list[Reply]:
        """Send and return the answers up to and including the first that carries a status.

        Raises `NoAnswer` when nobody listens or the end does not arrive in time, and `Unavailable`.
        """
        answers: list[Reply] = []
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Reply] = loop.create_future()

        def take(_subject: bytes, _reply: bytes, data: bytes, headers: bytes | None) -> None:
            answer = Reply(headers, data)
            answers.append(answer)
            if header_lines.status(headers) and not future.done():
                future.set_result(answer)

        inbox = self.open_inbox(take)
        key = inbox.encode()
        self._waiting[key] = future, subject
        timer = loop.call_later(timeout_s, _give_up, future, subject, timeout_s)
        try:
            self.send(subject, payload, reply=inbox)
            end = await future
        finally:
            timer.cancel()
            self._waiting.pop(key, None)
            self.close_inbox(inbox)
        if header_lines.status(end.headers) == _NO_RESPONDERS:
            raise NobodyListens(f"nobody listens on {subject}")
        return answers

    # -- in ------------------------------------------------------------------------------------

    def open_inbox(self, sink: Sink) -> str:
        """Make a reply subject whose messages go to `sink`, until `close_inbox` is called with it."""
        self._count += 1
        self._open[b"%d" % self._count] = sink
        return f"{self._inbox}{self._count}"

    def close_inbox(self, inbox: str) -> None:
        """Drop what still arrives there."""
        self._open.pop(inbox[self._inbox_length :].encode(), None)

    def new_inbox(self) -> str:
        """Make a subject under the inbox of this connection, for a subscription of its own."""
        self._count += 1
        return f"{self.address.inbox}.{secrets.token_urlsafe(16)}.{self._count}"

    def _answered(self, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        token = subject[self._inbox_length :]
        waiting = self._waiting.get(token)
        if waiting is not None:
            if not waiting[0].done():
                waiting[0].set_result(Reply(headers, data))
            return
        sink = self._open.get(token)
        if sink is not None:
            sink(subject, reply, data, headers)


def check_subject(subject: str) -> None:
    """Raise `Invalid` for what would break the protocol or make the broker end the connection."""
    if not subject or not subject.isascii() or len(subject) > _LONGEST_SUBJECT or _UNFIT.search(subject):
        raise Invalid(f"{subject[:80]!r} is not a subject: 1 to {_LONGEST_SUBJECT} ASCII characters, no spaces")


def _check(address: Address) -> None:
    for server in address.servers:
        if not server.startswith(("nats://", "tls://")):
            raise Invalid(f"{server} is not an address of a broker: nats://host:port is, or tls://host:port")
    if not address.servers:
        raise Invalid("the address of the broker is missing")
    if address.trust is not None:
        context(address.trust)
    path = address.auth.nkey_file
    if path is not None:
        try:
            seed = path.read_bytes().strip()
        except OSError as err:
            raise Invalid(f"the nkey seed file {path} cannot be read: {err.strerror}") from err
        if not _SEED.fullmatch(seed):
            raise Invalid(f"{path} is not an nkey seed file: it holds one line of 58 characters that begins with SU")


def _give_up(future: asyncio.Future[Reply], subject: str, timeout_s: float) -> None:
    if not future.done():
        future.set_exception(NoAnswer(f"no answer on {subject} within {timeout_s:g} s"))
