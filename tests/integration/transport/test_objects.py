from __future__ import annotations

import asyncio
import hashlib
import json
import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.conftest import NatsServer
from tests.limited import as_agent, limited

from osapi.contract.errors import Conflict, Invalid, Unavailable
from osapi.transport.broker import Broker
from osapi.transport.layout import Layout
from osapi.transport.layout import ObjectStore as StoreLayout
from osapi.transport.objects import ObjectInfo, ObjectStore
from osapi.transport.provision import provision
from osapi.transport.upload import CHUNK_BYTES

pytestmark = pytest.mark.anyio

SECOND = timedelta(seconds=1)


@pytest.fixture
async def store(broker: Broker) -> ObjectStore:
    await provision(broker, Layout())
    return broker.objects("file-objects")


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def put(store: ObjectStore, name: str, *content: bytes, **more: int) -> ObjectInfo:
    return await store.put(name, pieces(*content), {"Kind": "raw"}, **more)


async def whole(store: ObjectStore, info: ObjectInfo) -> bytes:
    return b"".join([piece async for piece in store.read(info)])


async def messages(broker: Broker, subject: str = ">") -> int:
    """How many messages of `subject` the store holds."""
    question = json.dumps({"subjects_filter": f"$O.file-objects.{subject}"}).encode()
    answer = await broker.request("$JS.API.STREAM.INFO.OBJ_file-objects", question, timeout_s=5)
    return sum((json.loads(answer.data)["state"].get("subjects") or {}).values())


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 20 * CHUNK_BYTES + 17])
async def test_what_is_put_is_read(store: ObjectStore, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    info = await put(store, "a/b c.conf", content[:1000], content[1000:])
    assert (info.name, info.size, info.sha256) == ("a/b c.conf", size, hashlib.sha256(content).hexdigest())
    assert info.headers == {"Kind": "raw"}
    assert abs(info.stored - datetime.now(UTC)) < 5 * SECOND
    assert await whole(store, info) == content
    found = await store.head("a/b c.conf")
    assert found is not None
    assert (found.revision, found.sha256, found.chunks) == (info.revision, info.sha256, -(-size // CHUNK_BYTES))


async def test_what_is_not_there_is_none(store: ObjectStore) -> None:
    assert await store.head("nope") is None
    assert await store.list() == []
    assert not await store.delete("nope")


@pytest.mark.parametrize("name", ["", "x" * 256, "a\nb", "a\0b"])
async def test_a_name_is_printable_and_short(store: ObjectStore, name: str) -> None:
    with pytest.raises(Invalid, match="is not a name"):
        await put(store, name, b"x")


@pytest.mark.parametrize("name", ["*", ">", "a.b", "ü" * 255, " ", "osapi/x"])
async def test_any_printable_name_is_only_a_name(store: ObjectStore, name: str) -> None:
    await put(store, "other", b"other")
    await put(store, name, b"x")
    assert [info.name for info in await store.list()] == sorted(["other", name])
    assert await store.delete(name)
    assert [info.name for info in await store.list()] == ["other"]


async def test_replacing_leaves_nothing_of_the_former(store: ObjectStore, broker: Broker) -> None:
    await put(store, "x", b"1" * 3 * CHUNK_BYTES)
    info = await put(store, "x", b"2")
    assert await whole(store, info) == b"2"
    assert (await messages(broker, "C.>"), await messages(broker, "M.>")) == (1, 1)


async def test_what_is_deleted_is_gone_and_can_be_put_again(store: ObjectStore, broker: Broker) -> None:
    await put(store, "x", b"1")
    assert await store.delete("x")
    assert (await store.head("x"), await store.list(), await messages(broker, "C.>")) == (None, [], 0)
    info = await put(store, "x", b"2", expect=0)
    assert await whole(store, info) == b"2"


async def test_of_two_that_expect_the_same_one_wins(store: ObjectStore, broker: Broker) -> None:
    tries = await asyncio.gather(
        *(put(store, "x", b"%d" % number, expect=0) for number in range(5)), return_exceptions=True
    )
    won = [each for each in tries if isinstance(each, ObjectInfo)]
    assert len(won) == 1
    assert all(isinstance(each, Conflict) for each in tries if each is not won[0])
    with pytest.raises(Conflict):
        await put(store, "x", b"new", expect=won[0].revision + 1)
    assert (len(await whole(store, won[0])), await messages(broker, "C.>")) == (1, 1)
    assert (await put(store, "x", b"new", expect=won[0].revision)).size == 3


async def test_an_upload_that_fails_leaves_nothing(store: ObjectStore, broker: Broker) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 5 * CHUNK_BYTES
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError):
        await store.put("x", broken())
    assert (await store.list(), await messages(broker)) == ([], 0)


async def test_a_name_may_be_known_at_the_end(store: ObjectStore) -> None:
    async with store.upload() as upload:
        await upload.write(b"hello")
        assert await store.list() == []
        assert (upload.size, upload.sha256) == (5, hashlib.sha256(b"hello").hexdigest())
        info = await store.commit(upload, "late", {})
    assert await whole(store, info) == b"hello"


async def test_reading_what_is_replaced_meanwhile_fails(store: ObjectStore) -> None:
    info = await put(store, "x", b"1" * 40 * CHUNK_BYTES)
    reading = store.read(info)
    await anext(reading)
    await put(store, "x", b"2")
    with pytest.raises(Unavailable) as caught:
        async for _ in reading:
            pass
    assert caught.value.error_code == "object_changed"


async def test_an_altered_chunk_is_noticed(store: ObjectStore, broker: Broker) -> None:
    info = await put(store, "x", b"1" * 100)
    await broker.append(f"$O.file-objects.C.{info.nuid}.0", b"2" * 100)
    with pytest.raises(Unavailable) as caught:
        await whole(store, info)
    assert caught.value.error_code == "corrupt"


async def test_reading_can_be_stopped_early(store: ObjectStore) -> None:
    info = await put(store, "x", b"1" * 40 * CHUNK_BYTES)
    async with aclosing(store.read(info)) as reading:
        assert len(await anext(reading)) == CHUNK_BYTES
    assert [task for task in asyncio.all_tasks() if "_chunk" in repr(task)] == []


async def test_a_full_store_refuses_and_keeps_what_it_has(broker: Broker) -> None:
    await provision(broker, Layout(objects=(StoreLayout(name="small", max_bytes=4 * CHUNK_BYTES),)))
    store = broker.objects("small")
    await put(store, "kept", b"k" * CHUNK_BYTES)
    with pytest.raises(Unavailable) as caught:
        await put(store, "big", b"x" * 10 * CHUNK_BYTES)
    assert caught.value.error_code == "refused"
    (info,) = await store.list()
    assert (info.name, await whole(store, info)) == ("kept", b"k" * CHUNK_BYTES)


async def test_the_sweep_removes_what_a_killed_upload_has_left(store: ObjectStore, broker: Broker) -> None:
    kept = await put(store, "kept", b"k" * 3 * CHUNK_BYTES)
    for number in range(12):
        await broker.append(f"$O.file-objects.C.lost.{number}", b"x")
    assert await store.sweep(timedelta(hours=1)) == 0
    assert await store.sweep(timedelta(0)) == 1
    assert (await messages(broker, "C.>"), await store.sweep(timedelta(0))) == (3, 0)
    assert await whole(store, kept) == b"k" * 3 * CHUNK_BYTES


async def test_reading_time_grows_with_the_size_and_memory_does_not(store: ObjectStore) -> None:
    """nats-py reads an object in quadratic time, and wholly into memory."""
    block = b"x" * CHUNK_BYTES

    async def content(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield block

    took: dict[int, float] = {}
    for count in (64, 512):
        info = await store.put(f"n{count}", content(count))
        begin = time.perf_counter()
        assert sum([len(piece) async for piece in store.read(info)]) == count * CHUNK_BYTES
        took[count] = time.perf_counter() - begin
        if count == 64:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak
    assert took[512] < 8 * took[64] * 3
    assert grown < 16 * 1024  # kB; the larger object has 64 MB


class TestRights:
    """What an agent may do with objects."""

    @pytest.fixture
    def nats_server(self, tmp_path: Path) -> Iterator[NatsServer]:
        yield from limited(tmp_path)

    @pytest.fixture
    async def agent(self, nats_server: NatsServer) -> AsyncIterator[Broker]:
        made = await Broker.connect(as_agent(nats_server), name="as an agent")
        yield made
        await made.close()

    async def test_it_reads_what_it_can_name(self, store: ObjectStore, agent: Broker) -> None:
        await put(store, "x", b"1" * 3 * CHUNK_BYTES)
        theirs = agent.objects("file-objects")
        info = await theirs.head("x")
        assert info is not None
        assert await whole(theirs, info) == b"1" * 3 * CHUNK_BYTES

    async def test_it_neither_lists_nor_writes_nor_deletes(self, store: ObjectStore, agent: Broker) -> None:
        info = await put(store, "x", b"1")
        theirs = agent.objects("file-objects")
        for attempt in (theirs.list(), put(theirs, "x", b"2"), put(theirs, "y", b"2", expect=0), theirs.delete("x")):
            with pytest.raises(Unavailable):
                async with asyncio.timeout(5):
                    await attempt
        assert [(each.name, each.revision) for each in await store.list()] == [("x", info.revision)]
