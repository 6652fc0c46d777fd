from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from typing import Any

import pytest
from tests.halting import halted

from osapi.contract.errors import Invalid, NoAnswer, TooLarge, Unavailable
from osapi.transport.address import Address, Credentials
from osapi.transport.broker import Broker, Message

pytestmark = pytest.mark.anyio


async def test_messages_are_handled_one_after_the_other_in_order(broker: Broker, eventually: Any) -> None:
    seen: list[bytes] = []

    async def handle(message: Message) -> None:
        await asyncio.sleep(0)
        seen.append(message.data)

    await broker.subscribe("a.>", handle)
    for number in range(500):
        await broker.publish("a.b", b"%d" % number)
    await eventually(lambda: len(seen) == 500)
    assert seen == [b"%d" % number for number in range(500)]


async def test_a_message_carries_subject_headers_and_reply(broker: Broker, eventually: Any) -> None:
    seen: list[Message] = []

    async def handle(message: Message) -> None:
        seen.append(message)

    await broker.subscribe("a.*", handle)
    await broker.publish("a.1", b"x", headers={"Traceparent": "00-ä"}, reply="back")
    await broker.publish("a.2")
    await eventually(lambda: len(seen) == 2)
    assert (seen[0].subject, seen[0].data, seen[0].headers, seen[0].reply) == (
        "a.1",
        b"x",
        {"Traceparent": "00-ä"},
        "back",
    )
    assert (seen[1].data, seen[1].headers, seen[1].reply) == (b"", {}, "")
    with pytest.raises(Invalid):
        await seen[1].respond(b"to nobody")


async def test_a_handler_that_raises_does_not_end_the_subscription(
    broker: Broker, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[bytes] = []

    async def handle(message: Message) -> None:
        if message.data == b"bad":
            raise ValueError("no")
        seen.append(message.data)

    await broker.subscribe("a", handle)
    await broker.publish("a", b"bad")
    await broker.publish("a", b"good")
    await eventually(lambda: seen == [b"good"])
    assert "message.handler_failed" in caplog.text


async def test_of_a_queue_group_one_gets_each_message(connect: Any, eventually: Any) -> None:
    seen: list[bytes] = []

    async def handle(message: Message) -> None:
        seen.append(message.data)

    for _ in range(3):
        member = await connect()
        await member.subscribe_queue("work", "group", handle)
        await member.flush()
    teller = await connect()
    for number in range(100):
        await teller.publish("work", b"%d" % number)
    await teller.flush()
    await eventually(lambda: len(seen) == 100)
    await asyncio.sleep(0.1)
    assert len(seen) == len(set(seen)) == 100


async def test_unsubscribing_stops_delivery_and_may_be_repeated(broker: Broker) -> None:
    seen: list[Message] = []

    async def handle(message: Message) -> None:
        seen.append(message)

    subscription = await broker.subscribe("a", handle)
    await subscription.unsubscribe()
    await subscription.unsubscribe()
    await broker.publish("a", b"x")
    await broker.flush()
    assert seen == []


async def test_a_request_gets_its_own_answer_among_many(connect: Any) -> None:
    server, client = await connect(), await connect()

    async def answer(message: Message) -> None:
        await message.respond(message.data + b"!", headers={"Kind": "echo"})

    await server.subscribe("echo", answer)
    await server.flush()
    answers = await asyncio.gather(*(client.request("echo", b"%d" % n, timeout_s=5) for n in range(500)))
    assert [each.data for each in answers] == [b"%d!" % n for n in range(500)]
    assert answers[0].headers == {"Kind": "echo"}


async def test_a_request_that_nobody_hears_fails_at_once(broker: Broker) -> None:
    started = time.monotonic()
    with pytest.raises(NoAnswer):
        await broker.request("nobody", timeout_s=5)
    assert time.monotonic() - started < 1


async def test_a_request_to_jetstream_is_repeated_while_nobody_hears_it(broker: Broker, connect: Any) -> None:
    other = await connect()
    asking = asyncio.create_task(broker.request("$late", timeout_s=5))
    await broker.flush()

    async def answer(message: Message) -> None:
        await message.respond(b"here")

    await other.subscribe("$late", answer)
    assert (await asking).data == b"here"
    with pytest.raises(NoAnswer, match="nobody listens"):
        await broker.request("$never", timeout_s=5)


async def test_a_request_that_nobody_answers_fails_after_its_time(broker: Broker) -> None:
    async def silent(_: Message) -> None: ...

    await broker.subscribe("silent", silent)
    started = time.monotonic()
    with pytest.raises(NoAnswer, match=r"within 0\.2 s"):
        await broker.request("silent", timeout_s=0.2)
    assert 0.15 < time.monotonic() - started < 2


async def test_a_late_answer_is_not_taken_for_another_one(broker: Broker) -> None:
    waiting: list[Message] = []

    async def hold(message: Message) -> None:
        if waiting:
            await message.respond(b"second")
        waiting.append(message)

    await broker.subscribe("slow", hold)
    with pytest.raises(NoAnswer):
        await broker.request("slow", timeout_s=0.05)
    await waiting[0].respond(b"first, late")
    assert (await broker.request("slow", timeout_s=2)).data == b"second"
    assert broker.link._waiting == {}


async def test_everything_that_sends_fails_at_once_while_the_broker_is_away(nats_server: Any, broker: Broker) -> None:
    bucket = broker.bucket("b")
    nats_server.kill()
    await asyncio.sleep(0)
    deadline = time.monotonic() + 5
    while broker.is_connected and time.monotonic() < deadline:
        await asyncio.sleep(0.001)
    for attempt in (
        lambda: broker.publish("a", b"x"),
        lambda: broker.request("a", timeout_s=5),
        lambda: broker.append("jobs.x", b"x"),
        lambda: bucket.put("k", b"x"),
        lambda: bucket.get("k"),
        lambda: bucket.get_many(["k"]),
    ):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await attempt()
        assert time.monotonic() - started < 0.1


async def test_nothing_is_sent_after_the_return_that_was_refused_before(
    nats_server: Any, connect: Any, eventually: Any
) -> None:
    back = asyncio.Event()
    seen: list[bytes] = []

    async def note() -> None:
        back.set()

    async def handle(message: Message) -> None:
        seen.append(message.data)

    broker = await connect(on_connected=note)
    await broker.subscribe("a", handle)
    nats_server.kill()
    refused = 0
    for number in range(100):
        try:
            await broker.publish("a", b"%d" % number)
        except Unavailable:
            refused += 1
        await asyncio.sleep(0.001)
    assert refused > 50
    nats_server.start()
    await asyncio.wait_for(back.wait(), 5)
    await broker.publish("a", b"new")
    await eventually(lambda: seen)
    assert seen == [b"new"]


async def test_a_request_under_way_fails_when_the_connection_is_lost(nats_server: Any, broker: Broker) -> None:
    async def silent(_: Message) -> None: ...

    await broker.subscribe("silent", silent)
    request = asyncio.create_task(broker.request("silent", timeout_s=30))
    await broker.flush()
    started = time.monotonic()
    nats_server.kill()
    with pytest.raises(Unavailable):
        await request
    assert time.monotonic() - started < 2


async def test_subscriptions_and_requests_work_again_after_kill_and_restart(
    nats_server: Any, connect: Any, eventually: Any
) -> None:
    events: list[str] = []
    seen: list[bytes] = []

    async def connected() -> None:
        events.append("connected")

    async def lost() -> None:
        events.append("lost")

    async def answer(message: Message) -> None:
        seen.append(message.data)
        await message.respond(b"yes")

    broker = await connect(on_connected=connected, on_lost=lost)
    await broker.subscribe("ask", answer)
    for round_ in range(3):
        nats_server.kill()
        await eventually(lambda: not broker.is_connected)
        nats_server.start()
        started = time.monotonic()
        await eventually(lambda n=round_: events.count("connected") == n + 1)
        assert time.monotonic() - started < 2
        assert (await broker.request("ask", b"%d" % round_, timeout_s=2)).data == b"yes"
    assert events == ["lost", "connected"] * 3
    assert seen == [b"0", b"1", b"2"]


async def test_of_several_servers_the_one_that_lives_is_found(nats_server: Any, connect: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"nats://127.0.0.1:{taken.getsockname()[1]}"
        broker = await connect(replace(nats_server.address, servers=(dead, nats_server.url, dead)))
        await broker.flush()


async def test_the_first_connect_fails_with_its_cause_when_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"nats://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=r"cannot be reached: .*Connect call failed"):
            await Broker.connect(Address(servers=(url,)), name="test", timeout_s=0.5)


async def test_the_first_connect_fails_with_its_cause_when_the_password_is_wrong(nats_server: Any) -> None:
    nats_server.configure('authorization { users = [ { user: "a", password: "b" } ] }')
    nats_server.restart()
    address = replace(nats_server.address, auth=Credentials(username="a", password="wrong"))
    with pytest.raises(Unavailable, match="Authorization Violation"):
        await Broker.connect(address, name="test", timeout_s=0.5)


async def test_the_first_connect_waits_for_a_broker_that_starts(nats_server: Any) -> None:
    nats_server.stop()
    connecting = asyncio.create_task(Broker.connect(nats_server.address, name="test", timeout_s=10))
    await asyncio.sleep(0.1)
    nats_server.start()
    broker = await connecting
    await broker.flush()
    await broker.close()


@pytest.mark.parametrize("server", ["ws://127.0.0.1:1", "127.0.0.1:1", "http://127.0.0.1:1"])
async def test_an_address_that_would_not_be_what_it_seems_is_refused(server: str) -> None:
    with pytest.raises(Invalid):
        await Broker.connect(Address(servers=(server,)), name="test")


async def test_an_nkey_file_that_is_missing_or_none_is_refused_by_name(tmp_path: Any) -> None:
    path = tmp_path / "agent.nk"
    address = Address(servers=("nats://127.0.0.1:1",), auth=Credentials(nkey_file=path))
    with pytest.raises(Invalid, match=r"agent\.nk"):
        await Broker.connect(address, name="test")
    path.write_text("SUA")
    with pytest.raises(Invalid, match=r"agent\.nk"):
        await Broker.connect(address, name="test")


async def test_closing_lets_handlers_finish_and_may_be_repeated(connect: Any) -> None:
    server, client = await connect(), await connect()
    started, done = asyncio.Event(), asyncio.Event()

    async def work(message: Message) -> None:
        started.set()
        await asyncio.sleep(0.2)
        await message.respond(b"done")
        done.set()

    await server.subscribe("work", work)
    await server.flush()
    request = asyncio.create_task(client.request("work", timeout_s=5))
    await started.wait()
    await server.close()
    assert done.is_set()
    assert (await request).data == b"done"
    await server.close()
    with pytest.raises(Unavailable):
        await server.publish("x")


async def test_closing_does_not_wait_longer_than_its_deadline(connect: Any) -> None:
    broker = await connect()
    begun = asyncio.Event()

    async def stuck(_: Message) -> None:
        begun.set()
        await asyncio.sleep(60)

    await broker.subscribe("work", stuck)
    await broker.publish("work")
    await begun.wait()
    started = time.monotonic()
    await broker.close(deadline_s=0.2)
    assert time.monotonic() - started < 2


async def test_closing_while_the_broker_is_away_returns_soon(nats_server: Any, connect: Any, eventually: Any) -> None:
    broker = await connect()
    nats_server.kill()
    await eventually(lambda: not broker.is_connected)
    started = time.monotonic()
    await broker.close()
    assert time.monotonic() - started < 2


async def test_a_message_above_the_limit_is_refused_and_the_connection_lives(broker: Broker) -> None:
    limit = broker.link.client.max_payload
    with pytest.raises(TooLarge, match=str(limit)):
        await broker.publish("a", b"x" * (limit + 1))
    with pytest.raises(TooLarge):
        await broker.publish("a", b"x" * limit, headers={"Only": "the headers make it too large"})
    await broker.publish("a", b"x" * limit)
    await broker.flush()


@pytest.mark.parametrize("subject", ["", "a b", "a\r\nPUB b 0", "a\tb", "a\x00b", "x" * 3000])
async def test_a_subject_that_could_break_the_protocol_is_refused(broker: Broker, subject: str) -> None:
    with pytest.raises(Invalid):
        await broker.publish(subject)
    with pytest.raises(Invalid):
        await broker.request(subject, timeout_s=1)
    with pytest.raises(Invalid):
        await broker.subscribe(subject, _ignore)
    with pytest.raises(Invalid):
        await broker.publish("fine", reply=subject or " ")
    await broker.flush()


async def test_namespaces_keep_apart_what_has_the_same_subject(nats_server: Any, connect: Any, eventually: Any) -> None:
    seen: dict[str, list[Message]] = {"one": [], "two": [], "": []}

    async def subscribe(namespace: str) -> Broker:
        broker = await connect(replace(nats_server.address, namespace=namespace))

        async def handle(message: Message) -> None:
            seen[namespace].append(message)
            if message.reply:
                await message.respond(namespace.encode())

        await broker.subscribe("jobs.>", handle)
        await broker.flush()
        return broker

    one, two, bare = [await subscribe(namespace) for namespace in seen]
    await one.publish("jobs.a", b"1")
    assert (await two.request("jobs.b", timeout_s=2)).data == b"two"
    await bare.publish("jobs.c", b"3")
    await eventually(lambda: all(seen.values()))
    assert {name: [message.subject for message in each] for name, each in seen.items()} == {
        "one": ["jobs.a"],
        "two": ["jobs.b"],
        "": ["jobs.c"],
    }


async def test_an_agents_inbox_can_be_its_own(nats_server: Any, connect: Any) -> None:
    """What a broker must allow so that one agent cannot read another's answers."""
    nats_server.configure(
        'authorization { users = [ { user: "a", password: "p", permissions: {'
        ' publish: ["echo"], subscribe: ["_INBOX_a.>"] } }, { user: "s", password: "p" } ] }'
    )
    nats_server.restart()
    server = await connect(replace(nats_server.address, auth=Credentials(username="s", password="p")))

    async def answer(message: Message) -> None:
        await message.respond(b"hello")

    await server.subscribe("echo", answer)
    await server.flush()
    agent = await connect(replace(nats_server.address, auth=Credentials(username="a", password="p"), inbox="_INBOX_a"))
    assert (await agent.request("echo", timeout_s=2)).data == b"hello"


async def _ignore(_: Message) -> None: ...


async def test_closing_in_the_middle_of_a_reconnect_raises_nothing(nats_server: Any, connect: Any) -> None:
    """nats-py's close awaits a future that its own cancelled reconnect has cancelled."""
    for steps in range(40):
        broker = await connect()
        broker.link.client.write(b"NONSENSE\r\n")
        for _ in range(steps):
            await asyncio.sleep(0)
        await asyncio.wait_for(broker.close(), 5)


async def test_a_broker_that_falls_silent_is_noticed(
    nats_server: Any, connect: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No socket closes when the network is cut; a stopped process looks the same."""
    monkeypatch.setattr("osapi.transport.link._PING_INTERVAL_S", 0.3)
    broker = await connect()
    with halted(nats_server.pid):
        started = time.monotonic()
        with pytest.raises(Unavailable):
            await broker.append("jobs.x", b"x", timeout_s=0.2)
        assert time.monotonic() - started < 1
        await eventually(lambda: not broker.is_connected)
    await eventually(lambda: broker.is_connected)
    await broker.flush()


async def test_a_connection_that_answers_is_kept(broker: Broker) -> None:
    lost: list[None] = []
    broker.link.lost.add(lambda: lost.append(None))
    await broker.refresh(timeout_s=5.0)
    assert lost == []


async def test_a_connection_that_is_silent_is_made_anew(nats_server: Any, broker: Broker, eventually: Any) -> None:
    with halted(nats_server.pid):
        await broker.refresh(timeout_s=0.1)
        assert not broker.is_connected
    await eventually(lambda: broker.is_connected)
    await broker.flush()
