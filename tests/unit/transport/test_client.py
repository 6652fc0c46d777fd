from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlparse

import pytest
from nats.aio.client import Client as NatsClient
from nats.aio.client import Server

from osapi.tls.trust import Trust
from osapi.transport.client import Client, Transport


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_waits_before_reconnecting_are_random_grow_and_stay_within_a_second() -> None:
    client = Client()
    server = Server(uri=urlparse("nats://127.0.0.1:4222"))
    assert client.pace([server], {})[1] <= 0.1
    later = [client.pace([server], {})[1] for _ in range(300)]
    assert max(later) <= 1.0
    assert max(later) > 0.5
    assert len(set(later)) > 250
    client.arrived()
    assert client.pace([server], {})[1] <= 0.1


def test_servers_are_chosen_at_random() -> None:
    client = Client()
    servers = [Server(uri=urlparse(f"nats://127.0.0.1:{port}")) for port in (1, 2, 3)]
    chosen = {client.pace(servers, {})[0].uri.port for _ in range(200)}  # type: ignore[union-attr]
    assert chosen == {1, 2, 3}


@pytest.mark.anyio
@pytest.mark.parametrize("protocol", [None, SimpleNamespace(_over_ssl=False)])
async def test_a_connection_that_is_lost_as_its_handshake_ends_is_no_crash(
    protocol: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def done(_: NatsClient) -> None:
        """The handshake and the greeting are over."""

    monkeypatch.setattr(NatsClient, "_process_connect_init", done)
    client = Client(Trust())
    client._transport = SimpleNamespace(  # type: ignore[assignment] # as much of it as is used
        _io_writer=SimpleNamespace(transport=SimpleNamespace(get_protocol=lambda: protocol))
    )
    await client._process_connect_init()
    assert protocol is None or protocol._over_ssl


@pytest.mark.anyio
async def test_a_socket_that_never_tells_that_it_is_closed_is_cut() -> None:
    never, cut = asyncio.Event(), list[str]()
    transport = Transport()
    transport._io_writer = SimpleNamespace(  # type: ignore[assignment] # as much of it as is used
        wait_closed=never.wait, transport=SimpleNamespace(abort=lambda: cut.append("cut"))
    )
    await transport.wait_closed()
    assert cut == ["cut"]
