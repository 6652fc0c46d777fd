"""HTTP to one controller: address, token, connections and retries; bodies stay bytes.

What the bytes mean is told by `results` and `jobs` (typed), or by the CLI, which prints them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from osapi import __version__
from osapi.sdk import address, errors
from osapi.sdk.connection import Connection, connect
from osapi.sdk.errors import SdkError, Unreachable
from osapi.sdk.request import Request, Response
from osapi.sdk.retry import Retry
from osapi.telemetry import tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType
    from typing import Self

    from osapi.sdk.address import Address
    from osapi.sdk.trusting import Trusting

CONNECT_TIMEOUT_S = 5.0
TIMEOUT_S = 60.0


class RawClient:
    """Sends requests to one controller. Threads may share it; each exchange has a connection of its own.

    `timeout_s` bounds the wait for each next piece of an answer, unless the request says otherwise.
    `ca_file` is a PEM file of the authorities to trust for https; None trusts those of the system. `pin` is the
    SHA-256 fingerprint of the only certificate, or the only public key, to accept; without `ca_file` it takes the
    place of authorities. Raises `ValueError` for an address, a token, a file or a pin that cannot be one.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        timeout_s: float = TIMEOUT_S,
        ca_file: str | None = None,
        pin: str | None = None,
        retry: Retry | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address.parse(url)
        self._headers = standing_headers(token)
        self._timeout_s = timeout_s
        self._trusting = trusting(self.address, ca_file, pin)
        self._retry = retry or Retry()
        self._sleep = sleep
        self._idle: list[Connection] = []

    def send(self, request: Request) -> Response:
        """Exchange a request for its whole answer, trying again where that is safe.

        Raises `ApiError` for a status of 300 or more, `Unreachable` and `BadAnswer`.
        """
        with tracing.span(request.method, tracing.CLIENT, {"http.request.method": request.method}):
            return self._persist(request)

    def stream(self, request: Request, *, until: float | None = None) -> Generator[bytes, None, None]:
        """Yield the body of an answer as it arrives. Not tried again; ends when the controller ends it.

        `until` is a time on the monotonic clock at which to stop waiting, with `Unreachable.timed_out`. Raises
        what `send` raises. Closing the iterator closes the connection.
        """
        connection = self._connect()
        try:
            status, headers = self._start(connection, request)
            if status >= 300:
                raise errors.from_response(status, headers, b"".join(connection.body(request, status, headers)))
            yield from connection.body(request, status, headers, until=until)
        finally:
            connection.close()

    def close(self) -> None:
        """Close idle connections. The client may still be used; it opens new ones."""
        while self._idle:
            self._idle.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _persist(self, request: Request) -> Response:
        tried = 0
        while True:
            tried += 1
            try:
                return self._exchange(request)
            except SdkError as problem:
                problem.idempotency_key = request.idempotency_key
                pause_s = self._retry.pause_s(request, problem, tried)
                if pause_s is None:
                    raise
            self._sleep(pause_s)

    def _exchange(self, request: Request) -> Response:
        connection = self._take()
        try:
            status, headers = self._start(connection, request)
            body = b"".join(connection.body(request, status, headers))
        except Unreachable as problem:
            connection.close()
            if connection.used and request.safe and not problem.timed_out:
                return self._exchange(request)
            raise
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)
        if status >= 300:
            raise errors.from_response(status, headers, body)
        return Response(status, headers, body)

    def _start(self, connection: Connection, request: Request) -> tuple[int, dict[str, str]]:
        timeout_s = self._timeout_s if request.timeout_s is None else request.timeout_s
        return connection.start(request, {**self._headers, **tracing.carrier()}, timeout_s)

    def _take(self) -> Connection:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._connect()
            if not connection.is_stale():
                return connection
            connection.close()

    def _connect(self) -> Connection:
        timeout_s = min(CONNECT_TIMEOUT_S, self._timeout_s)
        if self._trusting is None:
            return connect(self.address, None, timeout_s)
        try:
            return connect(self.address, self._trusting.context, timeout_s)
        except Unreachable as problem:
            raise self._trusting.refusal(problem) or problem from problem.__cause__

    def _give_back(self, connection: Connection) -> None:
        if connection.is_reusable:
            self._idle.append(connection)
        else:
            connection.close()


def standing_headers(token: str) -> dict[str, str]:
    """The headers of every request. Raises `ValueError` for a token that no header can carry."""
    headers = {"user-agent": f"osapi/{__version__}", "accept": "application/json"}
    if token:
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise ValueError("the token holds characters that no token has; copy it again, in one piece")
        headers["authorization"] = f"Bearer {token}"
    return headers


def trusting(place: Address, ca_file: str | None, pin: str | None) -> Trusting | None:
    """What to trust at this address; None for plain HTTP, which imports nothing of TLS."""
    if not place.tls:
        return None
    from osapi.sdk.trusting import Trusting

    return Trusting(place, ca_file, pin)
