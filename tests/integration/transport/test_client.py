"""The seams of nats-py that `transport.client` relies on, each against the real server."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import nkeys
import pytest

from osapi.transport.address import Credentials
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio


async def test_a_sink_gets_messages_raw_in_order_and_within_the_read(broker: Broker, eventually: Any) -> None:
    seen: list[tuple[bytes, bytes, bytes, bytes | None]] = []
    sid = await broker.link.client.add_sink("a.*", lambda *message: seen.append(message))
    for number in range(100):
        await broker.publish(f"a.{number}", b"%d" % number, headers={"K": "v"} if number % 2 else None)
    await eventually(lambda: len(seen) == 100)
    assert [data for _, _, data, _ in seen] == [b"%d" % number for number in range(100)]
    assert seen[0] == (b"a.0", b"", b"0", None)
    assert seen[1][3] == b"NATS/1.0\r\nK: v\r\n\r\n"
    await broker.link.client.remove_sink(sid)
    await broker.publish("a.x", b"late")
    await broker.flush()
    assert len(seen) == 100


async def test_a_flush_after_subscribing_proves_the_subscription(connect: Any, eventually: Any) -> None:
    """nats-py sends the ping before the SUB that still waits for its flusher."""
    hearer, teller = await connect(), await connect()
    for number in range(200):
        seen: list[bytes] = []

        async def note(message: Any, seen: list[bytes] = seen) -> None:
            seen.append(message.data)

        await hearer.subscribe(f"b.{number}", note)
        await hearer.flush()
        await teller.publish(f"b.{number}", b"x")
        await eventually(lambda seen=seen: seen)


async def test_writes_keep_their_order_behind_commands_of_nats_py(broker: Broker, eventually: Any) -> None:
    """A SUB made by nats-py waits for its flusher; a direct publish must not overtake it."""
    for number in range(200):
        seen: list[bytes] = []

        async def note(message: Any, seen: list[bytes] = seen) -> None:
            seen.append(message.data)

        await broker.subscribe(f"c.{number}", note)
        broker.link.send(f"c.{number}", b"x")
        await eventually(lambda seen=seen: seen)


async def test_an_error_of_the_server_that_ends_the_connection_is_followed_by_a_reconnect(
    connect: Any, eventually: Any
) -> None:
    """nats-py alone would close for ever: a control line that is too long, a revoked credential."""
    back = asyncio.Event()

    async def note() -> None:
        back.set()

    broker = await connect(on_connected=note)
    broker.link.client.write(b"PUB " + b"x" * 5000 + b" 0\r\n\r\n")
    await asyncio.wait_for(back.wait(), 5)
    await broker.flush()


async def test_credentials_refused_for_a_while_are_tried_until_they_work(
    nats_server: Any, connect: Any, eventually: Any
) -> None:
    users = 'authorization { users = [ { user: "a", password: "%s" } ] }'
    nats_server.configure(users % "old")
    nats_server.restart()
    back = asyncio.Event()

    async def note() -> None:
        back.set()

    broker = await connect(
        replace(nats_server.address, auth=Credentials(username="a", password="old")), on_connected=note
    )
    nats_server.configure(users % "new")
    nats_server.restart()
    await eventually(lambda: not broker.is_connected)
    await asyncio.sleep(0.5)
    assert not back.is_set()
    nats_server.configure(users % "old")
    nats_server.restart()
    await asyncio.wait_for(back.wait(), 5)
    await broker.flush()


async def test_a_key_file_that_is_broken_for_a_while_does_not_end_reconnecting(
    nats_server: Any, connect: Any, tmp_path: Any
) -> None:
    """nats-py's reconnection task dies of an exception that it does not expect."""
    seed = nkeys.encode_seed(b"transport-test-of-a-key-file----", nkeys.PREFIX_BYTE_USER).decode()
    public = nkeys.from_seed(bytearray(seed.encode())).public_key.decode()
    nats_server.configure(f"authorization {{ users = [ {{ nkey: {public} }} ] }}")
    nats_server.restart()
    path = tmp_path / "agent.nk"
    path.write_text(seed)
    back = asyncio.Event()

    async def note() -> None:
        back.set()

    broker = await connect(replace(nats_server.address, auth=Credentials(nkey_file=path)), on_connected=note)
    await broker.flush()
    path.write_text("SUAM6")
    nats_server.restart()
    await asyncio.sleep(0.5)
    assert not back.is_set()
    path.write_text(seed)
    await asyncio.wait_for(back.wait(), 5)
    await broker.flush()
