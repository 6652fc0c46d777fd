from __future__ import annotations

import asyncio
import shutil
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from osapi.contract.errors import NotFound, Unavailable
from osapi.transport.broker import Broker
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.layout import Bucket as BucketLayout
from osapi.transport.layout import Layout, Storage
from osapi.transport.provision import provision
from osapi.transport.watch import Watch

pytestmark = pytest.mark.anyio

LAYOUT = Layout(buckets=(BucketLayout(name="things"),))


class Seen:
    """What a watch reported, in order."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.ready: list[int] = []
        self.resets = 0

    def entry(self, entry: Entry) -> None:
        self.entries.append(entry)

    def caught_up(self) -> None:
        self.ready.append(len(self.entries))

    def reset(self) -> None:
        self.resets += 1

    @property
    def keys(self) -> list[str]:
        return [entry.key for entry in self.entries]

    async def watch(self, bucket: Bucket, pattern: str = ">") -> Watch:
        return await bucket.watch(pattern, self.entry, on_ready=self.caught_up, on_reset=self.reset)


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
async def bucket(broker: Broker) -> Bucket:
    await provision(broker, LAYOUT)
    return broker.bucket("things")


async def fill(bucket: Bucket, keys: list[str], value: bytes = b"x") -> None:
    for start in range(0, len(keys), 200):
        await asyncio.gather(*(bucket.put(key, value) for key in keys[start : start + 200]))


async def consumers(broker: Broker) -> list[str]:
    answer = await broker.request("$JS.API.CONSUMER.NAMES.KV_things", timeout_s=5)
    return list(msgspec.json.decode(answer.data)["consumers"] or [])


async def test_what_exists_comes_first_then_ready_then_what_is_new(bucket: Bucket, seen: Seen, eventually: Any) -> None:
    await bucket.put("a.1", b"one")
    await bucket.put("a.2", b"two")
    watch = await seen.watch(bucket)
    await asyncio.wait_for(watch.ready(), 5)
    await bucket.put("a.3", b"three")
    await bucket.put("a.1", b"four")
    await bucket.delete("a.2")
    await eventually(lambda: len(seen.entries) == 5)
    assert [(entry.key, entry.value, entry.revision, entry.deleted) for entry in seen.entries] == [
        ("a.1", b"one", 1, False),
        ("a.2", b"two", 2, False),
        ("a.3", b"three", 3, False),
        ("a.1", b"four", 4, False),
        ("a.2", b"", 5, True),
    ]
    assert seen.ready == [2]
    direct = await bucket.get("a.3")
    assert direct is not None
    assert abs(direct.created - seen.entries[2].created) < timedelta(milliseconds=1)
    await watch.stop()


async def test_an_empty_bucket_is_ready_at_once(bucket: Bucket, seen: Seen) -> None:
    started = time.monotonic()
    watch = await seen.watch(bucket)
    await asyncio.wait_for(watch.ready(), 1)
    assert time.monotonic() - started < 1
    assert seen.ready == [0]


async def test_empty_buckets_are_ready_at_once_under_load_too(broker: Broker, bucket: Bucket) -> None:
    await provision(broker, Layout(buckets=(BucketLayout(name="empty"),)))
    empty = broker.bucket("empty")
    load = asyncio.create_task(fill(bucket, [f"k.{number}" for number in range(3000)]))
    watches = [Seen() for _ in range(30)]
    for each in watches:
        watch = await each.watch(empty)
        await asyncio.wait_for(watch.ready(), 2)
        await watch.stop()
    assert [each.ready for each in watches] == [[0]] * 30
    await load


async def test_only_what_matches_is_reported(bucket: Bucket, seen: Seen, eventually: Any) -> None:
    await fill(bucket, ["jobs.1", "status.1.started.m.1", "status.2.started.m.1"])
    watch = await seen.watch(bucket, "status.*.started.>")
    await asyncio.wait_for(watch.ready(), 5)
    await bucket.put("jobs.2", b"x")
    await bucket.put("status.3.started.m.1", b"x")
    await eventually(lambda: len(seen.entries) == 3)
    assert set(seen.keys) == {"status.1.started.m.1", "status.2.started.m.1", "status.3.started.m.1"}


async def test_a_filter_that_matches_nothing_is_ready_at_once(bucket: Bucket, seen: Seen) -> None:
    await bucket.put("jobs.1", b"x")
    watch = await seen.watch(bucket, "status.>")
    await asyncio.wait_for(watch.ready(), 1)
    assert seen.ready == [0]


async def test_ready_comes_while_others_write_without_pause(broker: Broker, bucket: Bucket, seen: Seen) -> None:
    await fill(bucket, [f"old.{number}" for number in range(500)])
    writing = asyncio.create_task(_write_without_end(bucket))
    await asyncio.sleep(0.1)
    watch = await seen.watch(bucket)
    await asyncio.wait_for(watch.ready(), 5)
    assert seen.ready[0] >= 500
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)


async def _write_without_end(bucket: Bucket) -> None:
    number = 0
    while True:
        await asyncio.gather(*(bucket.put(f"new.{number + n}", b"x") for n in range(50)))
        number += 50


async def test_entries_that_expire_are_reported_as_deleted(broker: Broker, seen: Seen, eventually: Any) -> None:
    await provision(
        broker,
        Layout(buckets=(BucketLayout(name="short", ttl=timedelta(seconds=1), announce_expiry=timedelta(seconds=60)),)),
    )
    bucket = broker.bucket("short")
    await bucket.put("agents.a", b"x")
    watch = await seen.watch(bucket)
    await asyncio.wait_for(watch.ready(), 5)
    await eventually(lambda: len(seen.entries) == 2, within_s=10)
    assert [(entry.key, entry.deleted) for entry in seen.entries] == [("agents.a", False), ("agents.a", True)]
    marker = await bucket.get("agents.a")
    assert marker is not None
    assert marker.deleted
    assert await bucket.create("agents.a", b"again") == marker.revision + 1
    await watch.stop()


async def test_a_watch_survives_kill_and_restart_without_loss_or_repetition(
    nats_server: Any, broker: Broker, bucket: Bucket, seen: Seen, connect: Any, eventually: Any
) -> None:
    await fill(bucket, ["a.1", "a.2"])
    watch = await seen.watch(bucket)
    await asyncio.wait_for(watch.ready(), 5)
    for round_ in range(3):
        nats_server.kill()
        await eventually(lambda: not broker.is_connected)
        nats_server.start()
        await eventually(lambda: broker.is_connected)
        started = time.monotonic()
        await bucket.put(f"b.{round_}", b"x")
        await eventually(lambda key=f"b.{round_}": key in seen.keys)
        assert time.monotonic() - started < 1
    assert seen.keys == [*seen.keys[:2], "b.0", "b.1", "b.2"]
    assert set(seen.keys[:2]) == {"a.1", "a.2"}
    assert (seen.ready, seen.resets) == ([2], 0)
    assert len(await consumers(broker)) == 1


def slow_to_return(broker: Broker, wait_s: float) -> None:
    """Make the next reconnect come after `wait_s`, not at a random moment."""
    broker.link.client._reconnect_to_server_handler = lambda servers, _: (servers[0], wait_s)


async def test_what_was_written_while_the_connection_was_away_is_caught_up(
    bucket: Bucket, broker: Broker, seen: Seen, connect: Any, eventually: Any
) -> None:
    watch = await seen.watch(bucket)
    await bucket.put("a", b"1")
    await eventually(lambda: seen.entries)
    writer = (await connect()).bucket("things")
    slow_to_return(broker, 1.0)
    broker.link.client.write(b"NONSENSE\r\n")
    await eventually(lambda: not broker.is_connected)
    await fill(writer, [f"b.{number}" for number in range(100)])
    assert not broker.is_connected
    await eventually(lambda: len(seen.entries) == 101)
    assert [entry.revision for entry in seen.entries] == list(range(1, 102))
    await eventually(lambda: watch.restarts == 1)
    assert watch.sequence == 101
    assert len(await consumers(broker)) == 1


async def test_no_entry_is_lost_or_repeated_when_the_broker_is_killed_under_load(
    nats_server: Any, broker: Broker, bucket: Bucket, seen: Seen, eventually: Any
) -> None:
    watch = await seen.watch(bucket)
    stored: list[str] = []
    enough = asyncio.Event()
    writing = [asyncio.create_task(_write_stubbornly(bucket, worker, enough, stored)) for worker in range(8)]
    for round_ in range(3):
        before = len(stored)
        await eventually(lambda before=before: len(stored) > before + 100)
        nats_server.kill()
        await eventually(lambda: not broker.is_connected)
        nats_server.start()
        await eventually(lambda round_=round_: watch.restarts == round_ + 1)
    enough.set()
    await asyncio.gather(*writing)
    await eventually(lambda: set(stored) <= set(seen.keys))
    revisions = [entry.revision for entry in seen.entries]
    assert revisions == sorted(set(revisions))
    assert set(seen.keys) == set(stored)


async def _write_stubbornly(bucket: Bucket, worker: int, enough: asyncio.Event, stored: list[str]) -> None:
    number, refused = 0, False
    while refused or not enough.is_set():
        key = f"w.{worker}.{number}"
        try:
            await bucket.put(key, b"x")
        except Unavailable:
            refused = True
            await asyncio.sleep(0.02)
        else:
            stored.append(key)
            number, refused = number + 1, False


async def test_a_lost_message_is_noticed_and_delivered(
    broker: Broker, bucket: Bucket, seen: Seen, eventually: Any
) -> None:
    """A gap in the consumer's sequence, as a slow connection would leave it."""
    watch = await seen.watch(bucket)
    await bucket.put("a", b"1")
    await eventually(lambda: seen.entries)
    sinks = broker.link.client._sinks
    sid = max(sinks)
    whole = sinks[sid]
    sinks[sid] = lambda *message: None
    await bucket.put("b", b"2")
    await broker.flush()
    sinks[sid] = whole
    await bucket.put("c", b"3")
    await eventually(lambda: seen.keys == ["a", "b", "c"])
    await eventually(lambda: watch.restarts == 1)


async def test_a_lost_last_message_is_noticed_by_the_heartbeat(
    broker: Broker, bucket: Bucket, seen: Seen, eventually: Any
) -> None:
    await seen.watch(bucket)
    sinks = broker.link.client._sinks
    sid = max(sinks)
    whole = sinks[sid]
    sinks[sid] = lambda *message: None
    await bucket.put("a", b"1")
    await broker.flush()
    sinks[sid] = whole
    await eventually(lambda: seen.keys == ["a"], within_s=10)


async def test_a_consumer_that_died_is_replaced(broker: Broker, bucket: Bucket, seen: Seen, eventually: Any) -> None:
    watch = await seen.watch(bucket)
    await bucket.put("a", b"1")
    await eventually(lambda: seen.entries)
    (name,) = await consumers(broker)
    await broker.request(f"$JS.API.CONSUMER.DELETE.KV_things.{name}", timeout_s=5)
    await bucket.put("b", b"2")
    await eventually(lambda: seen.keys == ["a", "b"], within_s=15)
    await eventually(lambda: watch.restarts == 1)
    assert len(await consumers(broker)) == 1


async def test_a_bucket_that_was_made_anew_is_followed_from_its_beginning(
    broker: Broker, bucket: Bucket, seen: Seen, eventually: Any
) -> None:
    await seen.watch(bucket)
    await fill(bucket, [f"old.{number}" for number in range(5)])
    await eventually(lambda: len(seen.entries) == 5)
    await broker.request("$JS.API.STREAM.DELETE.KV_things", timeout_s=5)
    await provision(broker, LAYOUT)
    await bucket.put("new.1", b"x")
    await eventually(lambda: seen.keys[5:] == ["new.1"], within_s=15)
    assert seen.resets == 1
    assert seen.ready == [0]


async def test_a_bucket_restored_from_a_backup_is_followed_from_its_beginning(
    nats_server: Any, broker: Broker, bucket: Bucket, seen: Seen, eventually: Any, tmp_path: Path
) -> None:
    """The stream is the same by its creation time, but its end is gone."""
    await seen.watch(bucket)
    await fill(bucket, [f"a.{number}" for number in range(5)])
    await _exchange_store(nats_server, broker, eventually, keep=tmp_path / "backup")
    await eventually(lambda: len(seen.entries) == 5)
    await fill(bucket, [f"lost.{number}" for number in range(5)])
    await eventually(lambda: len(seen.entries) == 10)
    await _exchange_store(nats_server, broker, eventually, restore=tmp_path / "backup")
    await eventually(lambda: len(seen.entries) == 15)
    assert seen.resets == 1
    assert set(seen.keys[10:]) == {f"a.{number}" for number in range(5)}


async def test_a_bucket_whose_lost_end_was_overgrown_meanwhile_is_followed_from_its_beginning(
    nats_server: Any, broker: Broker, bucket: Bucket, seen: Seen, eventually: Any, connect: Any, tmp_path: Path
) -> None:
    """Even its last sequence is higher than before; only the time of the last message tells."""
    await seen.watch(bucket)
    await fill(bucket, [f"a.{number}" for number in range(5)])
    await _exchange_store(nats_server, broker, eventually, keep=tmp_path / "backup")
    await fill(bucket, [f"lost.{number}" for number in range(5)])
    await eventually(lambda: len(seen.entries) == 10)
    slow_to_return(broker, 1.5)
    nats_server.kill()
    await eventually(lambda: not broker.is_connected)
    shutil.rmtree(nats_server.store)
    shutil.copytree(tmp_path / "backup", nats_server.store)
    nats_server.start()
    writer = await connect()
    await fill(writer.bucket("things"), [f"other.{number}" for number in range(9)])
    assert not broker.is_connected
    await eventually(lambda: len(seen.entries) >= 24, within_s=10)
    assert seen.resets == 1
    assert set(seen.keys[10:]) == {f"a.{n}" for n in range(5)} | {f"other.{n}" for n in range(9)}


async def _exchange_store(
    nats_server: Any, broker: Broker, eventually: Any, *, keep: Path | None = None, restore: Path | None = None
) -> None:
    nats_server.stop()
    await eventually(lambda: not broker.is_connected)
    if keep is not None:
        shutil.copytree(nats_server.store, keep)
    if restore is not None:
        shutil.rmtree(nats_server.store)
        shutil.copytree(restore, nats_server.store)
    nats_server.start()
    await eventually(lambda: broker.is_connected)


async def test_what_callbacks_raise_is_logged_and_ends_nothing(
    bucket: Bucket, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    keys: list[str] = []

    def on_entry(entry: Entry) -> None:
        keys.append(entry.key)
        if entry.key == "bad":
            raise ValueError("no")

    def on_ready() -> None:
        raise ValueError("neither")

    await bucket.put("bad", b"x")
    watch = await bucket.watch(">", on_entry, on_ready=on_ready)
    await bucket.put("good", b"x")
    await eventually(lambda: keys == ["bad", "good"])
    assert caplog.text.count("watch.callback_failed") == 2
    assert watch.restarts == 0


async def test_after_stop_nothing_comes_and_no_consumer_is_left(broker: Broker, bucket: Bucket, seen: Seen) -> None:
    for _ in range(20):
        watch = await seen.watch(bucket)
        await watch.stop()
        await watch.stop()
    await bucket.put("a", b"x")
    await broker.flush()
    assert seen.entries == []
    assert await consumers(broker) == []


async def test_a_closed_connection_ends_its_watches(connect: Any, seen: Seen) -> None:
    broker = await connect()
    await provision(broker, LAYOUT)
    watch = await seen.watch(broker.bucket("things"))
    await broker.close()
    await watch.stop()


async def test_a_bucket_that_is_not_there_cannot_be_watched(broker: Broker, seen: Seen) -> None:
    with pytest.raises(NotFound):
        await seen.watch(broker.bucket("nowhere"))


async def test_without_a_broker_a_watch_cannot_begin(
    nats_server: Any, broker: Broker, bucket: Bucket, seen: Seen, eventually: Any
) -> None:
    nats_server.kill()
    await eventually(lambda: not broker.is_connected)
    with pytest.raises(Unavailable):
        await seen.watch(bucket)


async def test_a_large_bucket_is_read_in_order_and_quickly(broker: Broker, seen: Seen) -> None:
    """Ten times slower than the goal of 50,000 entries a second, measured by the bench, would fail."""
    await provision(broker, Layout(buckets=(BucketLayout(name="large", storage=Storage.MEMORY),)))
    bucket = broker.bucket("large")
    for start in range(0, 20_000, 500):
        for number in range(start, start + 499):
            broker.link.send(f"$KV.large.jobs.{number}", b"v" * 300)
        await bucket.put(f"jobs.{start + 499}", b"v" * 300)
    started = time.monotonic()
    watch = await seen.watch(bucket)
    await asyncio.wait_for(watch.ready(), 20)
    assert time.monotonic() - started < 4
    assert [entry.revision for entry in seen.entries] == list(range(1, 20_001))
    assert seen.ready == [20_000]
    assert watch.restarts == 0


async def test_large_values_do_not_overrun_the_connection(broker: Broker, seen: Seen) -> None:
    """More than the 64 MiB that nats-server keeps for a connection: flow control has to work."""
    await provision(broker, Layout(buckets=(BucketLayout(name="large", storage=Storage.MEMORY),)))
    bucket = broker.bucket("large")
    await fill(bucket, [f"k.{number}" for number in range(300)], b"v" * 400_000)
    watch = await seen.watch(bucket)
    await asyncio.wait_for(watch.ready(), 30)
    assert len(seen.entries) == 300
    assert watch.restarts == 0


async def test_namespaces_are_watched_apart(nats_server: Any, connect: Any, seen: Seen, eventually: Any) -> None:
    one = await connect(replace(nats_server.address, namespace="one"))
    two = await connect(replace(nats_server.address, namespace="two"))
    await provision(one, LAYOUT)
    await provision(two, LAYOUT)
    await seen.watch(one.bucket("things"))
    await two.bucket("things").put("not.mine", b"x")
    await one.bucket("things").put("mine", b"x")
    await eventually(lambda: seen.entries)
    assert seen.keys == ["mine"]
