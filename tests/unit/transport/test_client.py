from __future__ import annotations

from urllib.parse import urlparse

from nats.aio.client import Server

from osapi.transport.client import Client


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
