"""Rows 32 and 33 of the fault matrix: clients that are slow, and requests that are monstrous."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from bench.certificates import HOST
from tests.integration.controller.kit import ControllerProcess, send

pytestmark = pytest.mark.anyio

SOCKETS = 2000
CUT_S = 10.0
HEAD = b"POST /api/node/_all/sysctl HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %b\r\n"


@pytest.fixture
def _many_sockets() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SOCKETS + 500
    assert hard == resource.RLIM_INFINITY or hard >= wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def connected(controller: ControllerProcess) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(HOST, controller.port, ssl=controller.ssl)


class Drip:
    """A client that sends one byte a second for ever, and how long it was let."""

    def __init__(self, controller: ControllerProcess, opening: bytes) -> None:
        self._controller = controller
        self._opening = opening
        self.answer = b""
        self.lasted_s = 0.0

    async def run(self) -> None:
        reader, writer = await connected(self._controller)
        began = time.monotonic()
        writer.write(self._opening)
        dripping = asyncio.create_task(self._drip(writer))
        try:
            with contextlib.suppress(ConnectionError):
                self.answer = await reader.read()
        finally:
            self.lasted_s = time.monotonic() - began
            dripping.cancel()
            writer.close()

    async def _drip(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await asyncio.sleep(1)
            writer.write(b"a")


@pytest.mark.usefixtures("_many_sockets")
async def test_slow_clients_are_cut_and_others_are_served(controller: ControllerProcess) -> None:
    """Row 32."""
    token = controller.token("admin").encode()
    openings = [b"GET /", b"GET /health HTTP/1.1\r\nX-Slow: ", HEAD % token + b"Content-Length: 1000\r\n\r\n{"]
    drips = [Drip(controller, openings[number % len(openings)]) for number in range(SOCKETS)]
    dripping = asyncio.gather(*(drip.run() for drip in drips))
    times: list[float] = []
    while not dripping.done():
        began = time.monotonic()
        answer = await asyncio.to_thread(controller.get, "/health")
        assert answer.status == 200
        times.append(time.monotonic() - began)
        await asyncio.sleep(0.02)
    await dripping
    slowest = max(drip.lasted_s for drip in drips)
    p99 = statistics.quantiles(times, n=100)[98]
    assert slowest < CUT_S
    assert all(drip.answer.startswith(b"HTTP/1.1 408") for drip in drips)
    assert p99 < 2
    assert controller.get("/api/job", controller.token("admin")).status == 200
    print(f"row 32: slow clients: {SOCKETS} sockets cut after {slowest:.1f} s, p99 of others {p99 * 1000:.0f} ms")


async def test_a_silent_connection_is_closed(controller: ControllerProcess) -> None:
    reader, writer = await connected(controller)
    async with asyncio.timeout(CUT_S):
        assert await reader.read() == b""
    writer.close()


async def test_a_connection_kept_busy_with_nothing_is_closed(controller: ControllerProcess) -> None:
    """Empty lines between requests begin none."""
    reader, writer = await connected(controller)
    writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"}")
    writer.write(b"\r\n")
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()


def exchange(
    controller: ControllerProcess, request: bytes, more: Callable[[socket.socket], None] | None = None
) -> bytes:
    """Send bytes, then what `more` sends, and return everything that comes back."""
    with ExitStack() as opened:
        client = opened.enter_context(socket.create_connection((HOST, controller.port), timeout=60))
        if controller.ssl is not None:
            client = opened.enter_context(controller.ssl.wrap_socket(client, server_hostname=HOST))
        client.sendall(request)
        if more is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                more(client)
        found = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := client.recv(65536):
                found += chunk
        return found


async def test_monstrous_requests_cost_no_memory(controller: ControllerProcess) -> None:
    """Row 33."""
    token = controller.token("admin")
    head = HEAD % token.encode()
    controller.forget_peak()
    before_kb = controller.peak_kb
    megabyte = b"x" * (1 << 20)

    def pour(client: socket.socket) -> None:
        for _ in range(300):
            client.sendall(b"100000\r\n" + megabyte + b"\r\n")

    def pour_plain(client: socket.socket) -> None:
        for _ in range(300):
            client.sendall(megabyte)

    tried = {
        "declared too long": (413, exchange(controller, head + b"Content-Length: 9999999999\r\n\r\n", pour_plain)),
        "chunks without end": (413, exchange(controller, head + b"Transfer-Encoding: chunked\r\n\r\n", pour)),
        "no token": (
            401,
            exchange(
                controller,
                b"POST /api/node/a/sysctl HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n",
                pour_plain,
            ),
        ),
        "head without end": (431, exchange(controller, b"GET / HTTP/1.1\r\n" + b"X-A: b\r\n" * 60_000)),
        "not HTTP": (400, exchange(controller, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20)),
    }
    grown_kb = controller.peak_kb - before_kb
    seen = {name: reply[9:12] for name, (_, reply) in tried.items()}
    assert seen == {name: str(status).encode() for name, (status, _) in tried.items()}
    assert all(b'"code"' in reply for _, reply in tried.values())
    assert grown_kb < 40_000
    print(
        f"row 33: giant requests: {len(tried)} kinds, 300 MiB each, peak memory grew by {grown_kb / 1024:.1f} MiB, 0 5xx"
    )


DEEP = {
    "deep lists": b"[" * 500_000,
    "deep objects": b'{"a":' * 100_000,
    "deep and closed": b'{"key":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "many names": b"{" + b",".join(b'"k%d":1' % number for number in range(60_000)) + b"}",
    "one name many times": b"{" + b",".join([b'"key":"a"'] * 100_000) + b"}",
    "long number": b'{"key":' + b"9" * 500_000 + b"}",
    "long text": b'{"key":"' + b"x" * 900_000 + b'","value":"1"}',
    "zip bomb": b"\x1f\x8b\x08\x00" + b"\x00" * 100_000,
    "no UTF-8": b'{"key":"\xff\xfe"}',
    "lone surrogate": b'{"key":"\\ud800","value":"1"}',
    "NUL": b'{"key":"vm.\\u0000","value":"1"}',
}


@pytest.mark.parametrize("name", DEEP)
async def test_a_body_that_is_a_trap_is_400(controller: ControllerProcess, name: str) -> None:
    token = controller.token("admin")
    connection = controller.connect()
    answer = send(connection, "POST", "/api/node/_all/sysctl", token, DEEP[name], content_encoding="gzip")
    assert (answer.status, answer.json["code"]) == (400, "invalid")
    assert len(answer.body) < 1000
    connection.close()


@pytest.mark.parametrize(
    "path",
    [
        "/api/node/..%2f..%2fetc%2fpasswd/os",
        "/api/node/%00/os",
        "/api/node/%0d%0aX-Injected:%201/os",
        "/api/node/_all/sysctl/..%2f..%2f..%2fetc%2fpasswd",
        "/api/node/_all/sysctl/%c0%ae%c0%ae",
        "/api/node/_all/sysctl/%e2%80%ae",
        "/api/node/_all/sysctl/" + "a." * 30_000,
        "/api/job?" + "limit=1&" * 10_000,
        "/api/job?cursor=%ff",
        "/api/job/" + "9" * 10_000,
    ],
)
async def test_a_path_that_is_a_trap_is_refused(controller: ControllerProcess, path: str) -> None:
    answer = controller.get(path, controller.token("admin"))
    assert (answer.status, answer.json["code"]) == (400, "invalid")
    assert "x-injected" not in answer.headers


async def test_a_connection_serves_many_requests(controller: ControllerProcess) -> None:
    connection = controller.connect()
    token = controller.token("admin")
    kinds = [("GET", "/health"), ("GET", "/api/job"), ("POST", "/api/node/_all/sysctl"), ("HEAD", "/api/job")]
    for method, path in kinds * 25:
        body = b"{}" if method == "POST" else None
        assert send(connection, method, path, token, body).status in (200, 400)
    connection.close()


async def test_requests_sent_at_once_are_answered_in_order(controller: ControllerProcess) -> None:
    one = b"GET /health HTTP/1.1\r\nHost: x\r\n"
    found = exchange(controller, (one + b"\r\n") * 9 + one + b"Connection: close\r\n\r\n")
    assert found.count(b"HTTP/1.1 200") == 10
