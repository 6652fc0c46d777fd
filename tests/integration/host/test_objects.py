"""One suite for both that offer `host.objects`: the broker's store, and the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.conftest import NatsServer

from osapi.contract.errors import NotFound, Unavailable, Unsupported
from osapi.contract.files import CONTENT_TYPE, ContentType
from osapi.host.identity import Claims
from osapi.host.local import open_host
from osapi.host.objects import BrokerObjects, NoObjects, Objects, StoredObject
from osapi.host.plan import Fetch, Plan, sha256
from osapi.testing.objects import FakeObject, FakeObjects
from osapi.transport.broker import Broker
from osapi.transport.layout import Layout
from osapi.transport.objects import ObjectStore
from osapi.transport.provision import provision

pytestmark = pytest.mark.anyio

LARGE = bytes(range(256)) * 4096
Put = Callable[[str, bytes, ContentType], Awaitable[None]]


async def broker_store(server: NatsServer) -> tuple[Broker, ObjectStore]:
    broker = await Broker.connect(server.address, name="test")
    await provision(broker, Layout())
    return broker, broker.objects("file-objects")


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


@pytest.fixture(params=["real", "fake"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Objects, Put]]:
    """The port, and a way to upload."""
    if request.param == "fake":
        fake = FakeObjects({})

        async def put_fake(name: str, content: bytes, kind: ContentType) -> None:
            fake.put(name, FakeObject(content=content, content_type=kind))

        yield fake, put_fake
        return
    broker, store = await broker_store(request.getfixturevalue("nats_server"))

    async def put(name: str, content: bytes, kind: ContentType) -> None:
        await store.put(name, pieces(content), {CONTENT_TYPE: kind.value})

    yield BrokerObjects(store), put
    await broker.close()


async def whole(objects: Objects, found: StoredObject) -> bytes:
    async with aclosing(objects.read(found)) as read:
        return b"".join([piece async for piece in read])


@pytest.mark.parametrize("kind", list(ContentType))
async def test_an_object_is_found_and_read(both: tuple[Objects, Put], kind: ContentType) -> None:
    objects, put = both
    await put("a/b.conf", LARGE, kind)
    found = await objects.find("a/b.conf")
    assert (found.name, found.size, found.sha256, found.content_type) == ("a/b.conf", len(LARGE), sha256(LARGE), kind)
    assert await whole(objects, found) == LARGE


async def test_what_was_not_uploaded_is_not_found(both: tuple[Objects, Put]) -> None:
    with pytest.raises(NotFound, match="there is no object 'nope'") as caught:
        await both[0].find("nope")
    assert caught.value.error_code == "object_not_found"


async def test_what_was_replaced_since_is_not_read(both: tuple[Objects, Put]) -> None:
    objects, put = both
    await put("x", LARGE, ContentType.RAW)
    found = await objects.find("x")
    await put("x", b"new", ContentType.RAW)
    with pytest.raises(Unavailable) as caught:
        await whole(objects, found)
    assert caught.value.error_code == "object_changed"


async def test_an_object_of_another_program_is_raw(nats_server: NatsServer) -> None:
    broker, store = await broker_store(nats_server)
    await store.put("x", pieces(b"x"), {})
    assert (await BrokerObjects(store).find("x")).content_type is ContentType.RAW
    await broker.close()


async def test_an_object_goes_from_the_store_to_the_disk(nats_server: NatsServer, tmp_path: Path) -> None:
    broker, store = await broker_store(nats_server)
    await store.put("x", pieces(LARGE), {})
    (tmp_path / "root").mkdir()
    opened = await open_host(tmp_path, claims=Claims(machine_id="test", labels={}), root=str(tmp_path / "root"))
    host = opened.with_objects(BrokerObjects(store))
    await host.apply(Plan((Fetch(path="/x", object=await host.objects.find("x"), mode=0o600),)))
    assert (tmp_path / "root/x").read_bytes() == LARGE
    assert (tmp_path / "root/x").stat().st_mode & 0o7777 == 0o600
    host.close()
    await broker.close()


async def test_without_a_store_there_are_no_objects() -> None:
    with pytest.raises(Unsupported, match=r"nats\.objects\.bucket"):
        await NoObjects().find("x")
