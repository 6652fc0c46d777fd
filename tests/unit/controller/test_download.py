"""Files on their way out: length and content, and what happens when one of both sides ends early."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, MutableMapping
from typing import Any

import pytest

from osapi.contract.endpoint import Download
from osapi.contract.errors import Unavailable
from osapi.controller import download
from osapi.controller.answer import Answer

pytestmark = pytest.mark.anyio

PIECES = [b"one", b"two", b"three"]


class Client:
    """Takes what is sent. With `leaves_after` it goes once so many messages have come."""

    def __init__(self, leaves_after: int = 99) -> None:
        self.messages: list[MutableMapping[str, Any]] = []
        self._leaves_after = leaves_after
        self._gone = asyncio.Event()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.messages.append(message)
        if len(self.messages) >= self._leaves_after:
            self._gone.set()
        await asyncio.sleep(0)

    async def receive(self) -> MutableMapping[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


class Content:
    """Pieces that know how many were asked for, and whether it was closed. `breaks_at` raises instead of that piece."""

    def __init__(self, breaks_at: int = 99, count: int = 1) -> None:
        self.read = 0
        self.closed = False
        self._breaks_at = breaks_at
        self._count = count

    async def pieces(self) -> AsyncGenerator[bytes]:
        try:
            for piece in PIECES * self._count:
                if self.read == self._breaks_at:
                    raise Unavailable("replaced", code="object_changed")
                self.read += 1
                yield piece
        finally:
            self.closed = True


async def stream(content: Content, client: Client, *, head: bool = False) -> None:
    file = Download(content=content.pieces(), length=11)
    await download.stream(Answer(200, headers=((b"etag", b"x"),)), file, client.receive, client.send, head=head)


async def test_the_whole_content_is_sent_with_its_length() -> None:
    client, content = Client(), Content()
    await stream(content, client)
    start = client.messages[0]
    assert (start["status"], client.body, content.closed) == (200, b"onetwothree", True)
    assert {(b"content-length", b"11"), (b"content-type", b"application/octet-stream"), (b"etag", b"x")} <= set(
        start["headers"]
    )
    assert client.messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_head_reads_nothing() -> None:
    client, content = Client(), Content()
    await stream(content, client, head=True)
    assert (client.body, content.read, len(client.messages)) == (b"", 0, 2)


async def test_what_cannot_be_read_at_all_is_a_failure_like_any_other() -> None:
    client, content = Client(), Content(breaks_at=0)
    with pytest.raises(Unavailable):
        await stream(content, client)
    assert client.messages == []


async def test_what_ends_in_the_middle_cuts_the_answer() -> None:
    client, content = Client(), Content(breaks_at=2)
    with pytest.raises(Unavailable):
        await stream(content, client)
    assert (client.body, client.messages[-1]["more_body"], content.closed) == (b"onetwo", True, True)


async def test_nothing_more_is_read_for_a_client_that_has_gone() -> None:
    client, content = Client(leaves_after=3), Content(count=1000)
    await stream(content, client)
    assert content.closed
    assert content.read < 10
