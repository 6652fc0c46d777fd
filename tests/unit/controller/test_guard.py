"""Connections of slow clients, with less patience than in earnest."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from osapi.contract.errors import Unavailable
from osapi.controller.guard import GuardedProtocol, Patience
from osapi.controller.serve import HttpServer, bind

pytestmark = pytest.mark.anyio

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]
ENOUGH_S = 10.0
LARGE = b"x" * (32 << 20)


class Hasty(GuardedProtocol):
    patience = Patience(head_s=0.3, head_bytes=2000, body_s=0.3, body_bytes=100, write_s=0.3)


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body; /early before the body has come, /large with more than fits."""
    size, more = 0, scope["path"] != "/early"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    body = LARGE if scope["path"] == "/large" else str(size).encode()
    lines = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": lines})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    sockets = bind("127.0.0.1", 0)
    server = HttpServer(app, sockets, asyncio.Event(), Hasty)
    running = asyncio.create_task(server.run())
    yield sockets[0].getsockname()[1]
    server.stop()
    await running


@contextlib.asynccontextmanager
async def connection(port: int) -> AsyncGenerator[Ends, None]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def everything(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(ENOUGH_S):
        with contextlib.suppress(ConnectionError):
            return await reader.read()
    return b""


def head(path: str = "/", *lines: str) -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()


def told(answer: bytes) -> tuple[int, str]:
    """Status and code of a refusal."""
    lines, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in lines
    assert b"connection: close" in lines
    return int(lines.split()[1]), json.loads(body)["code"]


async def test_a_head_that_does_not_end_is_refused(port: int) -> None:
    async with connection(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: ")
        assert told(await everything(reader)) == (408, "too_slow")


async def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(port: int) -> None:
    async with connection(port) as (reader, _):
        assert await everything(reader) == b""


async def test_a_head_that_is_too_long_is_refused(port: int) -> None:
    async with connection(port) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"x" * 3000)
        assert told(await everything(reader)) == (431, "too_large")


async def test_a_body_that_does_not_come_is_refused(port: int) -> None:
    async with connection(port) as (reader, writer):
        writer.write(head("/", "Content-Length: 1000") + b"x")
        assert told(await everything(reader)) == (408, "too_slow")


async def test_a_body_that_comes_steadily_may_take_its_time(port: int) -> None:
    async with connection(port) as (reader, writer):
        writer.write(head("/", "Content-Length: 5000", "Connection: close"))
        for _ in range(10):
            await asyncio.sleep(0.1)
            writer.write(b"x" * 500)
        assert (await everything(reader)).endswith(b"\r\n\r\n5000")


async def test_a_client_that_does_not_read_is_cut(port: int) -> None:
    loop = asyncio.get_running_loop()
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setblocking(False)
        await loop.sock_sendall(client, head("/large", "Content-Length: 0"))
        taken = len(await loop.sock_recv(client, 1))
        await asyncio.sleep(Hasty.patience.write_s * 2)
        async with asyncio.timeout(ENOUGH_S):
            with contextlib.suppress(ConnectionError):
                while chunk := await loop.sock_recv(client, 1 << 20):
                    taken += len(chunk)
    assert taken < len(LARGE), "what was not taken in time was thrown away"


async def test_an_answer_before_the_body_does_not_keep_the_connection_for_ever(port: int) -> None:
    async with connection(port) as (reader, writer):
        writer.write(head("/early", "Content-Length: 1000000") + b"x")
        answer = await everything(reader)
        assert answer.startswith(b"HTTP/1.1 200")
        assert answer.count(b"HTTP/1.1") == 1


async def test_a_request_that_is_no_http_is_refused_in_the_one_shape(port: int) -> None:
    async with connection(port) as (reader, writer):
        writer.write(b"hello\r\n\r\n")
        assert told(await everything(reader)) == (400, "invalid")


def test_an_address_can_be_taken_only_once() -> None:
    (listener,) = bind("127.0.0.1", 0)
    taken = listener.getsockname()[1]
    with listener, pytest.raises(Unavailable, match=rf"cannot listen on 127\.0\.0\.1:{taken}: Address already in use"):
        bind("127.0.0.1", taken)


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(Unavailable, match=r"192\.0\.2\.1:0"):
        bind("192.0.2.1", 0)
