from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from osapi.contract.errors import Conflict, Invalid, TooLarge, Unavailable
from osapi.transport.address import Credentials
from osapi.transport.broker import Broker
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.layout import Bucket as BucketLayout
from osapi.transport.layout import Layout, Storage
from osapi.transport.provision import provision

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bucket(broker: Broker) -> Bucket:
    await provision(broker, Layout(buckets=(BucketLayout(name="things", storage=Storage.MEMORY),)))
    return broker.bucket("things")


async def fill(bucket: Bucket, keys: list[str], value: bytes = b"x") -> None:
    for start in range(0, len(keys), 200):
        await asyncio.gather(*(bucket.put(key, value) for key in keys[start : start + 200]))


async def consumers(broker: Broker, stream: str) -> int:
    answer = await broker.request(f"$JS.API.STREAM.INFO.{stream}", timeout_s=5)
    return int(msgspec.json.decode(answer.data)["state"]["consumer_count"])


async def test_what_is_put_is_got_with_revision_and_time(bucket: Bucket) -> None:
    before = datetime.now(UTC)
    assert await bucket.put("a.b", b"one") == 1
    assert await bucket.put("a.b", b"two") == 2
    entry = await bucket.get("a.b")
    assert entry is not None
    assert (entry.key, entry.value, entry.revision, entry.deleted) == ("a.b", b"two", 2, False)
    assert before - timedelta(seconds=5) < entry.created < datetime.now(UTC) + timedelta(seconds=5)


async def test_a_key_that_is_not_there_is_none(bucket: Bucket) -> None:
    assert await bucket.get("nope") is None


async def test_creating_what_exists_is_a_conflict_and_changes_nothing(bucket: Bucket) -> None:
    await bucket.create("k", b"one")
    with pytest.raises(Conflict):
        await bucket.create("k", b"two")
    entry = await bucket.get("k")
    assert entry is not None
    assert entry.value == b"one"


async def test_of_many_that_create_the_same_key_one_wins(bucket: Bucket) -> None:
    results = await asyncio.gather(
        *(bucket.create("k", b"%d" % number) for number in range(50)), return_exceptions=True
    )
    won = [result for result in results if isinstance(result, int)]
    assert len(won) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 49


async def test_what_was_deleted_can_be_created_again(bucket: Bucket) -> None:
    await bucket.create("k", b"one")
    await bucket.delete("k")
    revision = await bucket.create("k", b"two")
    entry = await bucket.get("k")
    assert entry is not None
    assert (entry.value, entry.revision, entry.deleted) == (b"two", revision, False)


async def test_an_update_needs_the_last_revision(bucket: Bucket) -> None:
    first = await bucket.put("k", b"one")
    await bucket.put("other", b"x")
    second = await bucket.update("k", b"two", first)
    with pytest.raises(Conflict):
        await bucket.update("k", b"three", first)
    assert second > first


@pytest.mark.parametrize("method", ["delete", "purge"])
async def test_what_is_deleted_leaves_a_marker(bucket: Bucket, method: str) -> None:
    await bucket.put("k", b"x")
    await getattr(bucket, method)("k")
    entry = await bucket.get("k")
    assert entry is not None
    assert (entry.value, entry.deleted) == (b"", True)


async def test_thousands_of_keys_are_read_together(bucket: Bucket) -> None:
    keys = [f"jobs.{number}" for number in range(3500)]
    await fill(bucket, keys)
    found = await bucket.get_many([*keys, "jobs.missing"])
    assert list(found) == keys or set(found) == set(keys)
    assert all(entry.value == b"x" for entry in found.values())


async def test_a_filter_that_matches_more_than_a_batch_may_hold_is_read_whole(bucket: Bucket) -> None:
    await fill(bucket, [f"status.a.{number}" for number in range(2500)])
    await fill(bucket, [f"status.b.{number}" for number in range(30)])
    await bucket.delete("status.a.7")
    found = await bucket.get_many(["status.a.*", "status.b.>", "status.a.1", "nothing.>"])
    assert len(found) == 2530
    assert found["status.a.7"].deleted


async def test_values_larger_together_than_one_answer_are_read_whole(bucket: Bucket) -> None:
    keys = [f"big.{number}" for number in range(120)]
    await fill(bucket, keys, b"v" * 700_000)
    found = await bucket.get_many(keys)
    assert set(found) == set(keys)
    assert {len(entry.value) for entry in found.values()} == {700_000}
    assert len(await bucket.get_many(["big.*"])) == 120


async def test_reading_nothing_finds_nothing(bucket: Bucket) -> None:
    assert await bucket.get_many([]) == {}
    assert await bucket.get_many(["nope", "no.*", "no.>"]) == {}


async def test_reading_leaves_no_consumers_behind(broker: Broker, bucket: Bucket) -> None:
    """Each `keys()` of nats-py leaves one, and the 1,001st fails."""
    await fill(bucket, [f"k.{number}" for number in range(10)])
    for _ in range(1100):
        assert len(await bucket.get_many(["k.*"])) == 10
    await bucket.get("k.1")
    assert await consumers(broker, "KV_things") == 0


async def test_an_empty_bucket_is_never_reported_when_it_is_not_empty(bucket: Bucket) -> None:
    """nats-py's `keys()` and `watch()` can do so under load (its issue 842)."""
    await fill(bucket, [f"k.{number}" for number in range(20)])
    sizes = await asyncio.gather(*(_size_of_watch_and_read(bucket) for _ in range(60)))
    assert set(sizes) == {(20, 20)}


async def _size_of_watch_and_read(bucket: Bucket) -> tuple[int, int]:
    entries: list[Entry] = []
    at_ready: list[int] = []
    watch = await bucket.watch(">", entries.append, on_ready=lambda: at_ready.append(len(entries)))
    await asyncio.wait_for(watch.ready(), 10)
    await watch.stop()
    return at_ready[0], len(await bucket.get_many([">"]))


@pytest.mark.parametrize("key", ["", "a b", "a..b", ".a", "a.", "a.*", "a.>", ">", "ä", "a\r\nb", "a:b"])
async def test_a_key_that_is_none_is_refused(bucket: Bucket, key: str) -> None:
    for attempt in (
        lambda: bucket.put(key, b"x"),
        lambda: bucket.create(key, b"x"),
        lambda: bucket.get(key),
        lambda: bucket.delete(key),
        lambda: bucket.purge(key),
    ):
        with pytest.raises(Invalid):
            await attempt()


@pytest.mark.parametrize("pattern", ["", "a b", "a..b", ">.a", "a.>.b", "a*", "a.", "ä", "a\r\nb"])
async def test_a_filter_that_is_none_is_refused(bucket: Bucket, pattern: str) -> None:
    with pytest.raises(Invalid):
        await bucket.get_many([pattern])
    with pytest.raises(Invalid):
        await bucket.watch(pattern, lambda _: None)


async def test_a_value_above_the_limit_is_refused(broker: Broker, bucket: Bucket) -> None:
    with pytest.raises(TooLarge):
        await bucket.put("k", b"x" * (broker.link.client.max_payload + 1))


async def test_a_full_bucket_refuses_and_keeps_what_it_has(broker: Broker) -> None:
    await provision(broker, Layout(buckets=(BucketLayout(name="small", max_bytes=5000),)))
    bucket = broker.bucket("small")
    await bucket.put("first", b"x" * 1000)
    with pytest.raises(Unavailable, match="maximum bytes exceeded"):
        await fill(bucket, [f"k.{number}" for number in range(10)], b"x" * 1000)
    assert await bucket.get("first") is not None


async def test_without_a_bucket_reading_and_writing_say_so(broker: Broker) -> None:
    bucket = broker.bucket("nowhere")
    for attempt in (lambda: bucket.put("k", b"x"), lambda: bucket.get("k"), lambda: bucket.get_many(["k"])):
        with pytest.raises(Unavailable, match="nobody listens"):
            await attempt()


async def test_an_agent_needs_rights_on_its_own_keys_only(nats_server: Any, connect: Any) -> None:
    """No STREAM.INFO, no consumer, no key of anybody else: the handle asks for nothing more."""
    rights = (
        'permissions: { publish: ["$KV.things.agents.a", "$JS.API.DIRECT.GET.KV_things.$KV.things.agents.a"],'
        ' subscribe: ["_INBOX_a.>"] }'
    )
    nats_server.configure(
        'authorization { users = [ { user: "c", password: "p" }, { user: "a", password: "p", ' + rights + " } ] }"
    )
    nats_server.restart()
    controller = await connect(replace(nats_server.address, auth=Credentials(username="c", password="p")))
    await provision(controller, Layout(buckets=(BucketLayout(name="things"),)))
    agent = await connect(replace(nats_server.address, auth=Credentials(username="a", password="p"), inbox="_INBOX_a"))
    bucket = agent.bucket("things")
    revision = await bucket.create("agents.a", b"1")
    revision = await bucket.update("agents.a", b"2", revision)
    await bucket.put("agents.a", b"3")
    entry = await bucket.get("agents.a")
    assert entry is not None
    assert entry.value == b"3"
    await bucket.delete("agents.a")
    started = time.monotonic()
    for attempt in (lambda: bucket.put("agents.b", b"forged"), lambda: bucket.get("agents.b")):
        with pytest.raises(Unavailable, match="forbids"):
            await attempt()
    assert time.monotonic() - started < 2
    assert await controller.bucket("things").get("agents.b") is None


async def test_buckets_of_different_namespaces_are_different(nats_server: Any, connect: Any) -> None:
    one = await connect(replace(nats_server.address, namespace="one"))
    two = await connect(replace(nats_server.address, namespace="two"))
    for broker in (one, two):
        await provision(broker, Layout())
    await one.bucket("job-queue").put("k", b"1")
    await two.bucket("job-queue").put("k", b"2")
    found = await one.bucket("job-queue").get_many(["k", "k.>"])
    assert {key: entry.value for key, entry in found.items()} == {"k": b"1"}
