"""Facts of the fleet in memory: what is taken in, and what is not."""

from __future__ import annotations

from typing import cast

import msgspec
import pytest
from tests.unit.fleet.test_registry import NOW

from osapi.contract.facts import HostFacts
from osapi.contract.ids import MachineId
from osapi.fleet import facts
from osapi.fleet.facts import FactBook
from osapi.transport.bucket import Bucket, Entry
from osapi.transport.watch import Watch

pytestmark = pytest.mark.anyio

M1 = MachineId("m1")


def told(content: HostFacts | bytes, key: str = "facts.m1", *, deleted: bool = False) -> Entry:
    """Facts as they rest in the bucket."""
    if isinstance(content, HostFacts):
        key, content = facts.key(content.machine_id), msgspec.json.encode(content)
    return Entry(key, content, 1, deleted, int(NOW.timestamp() * 1e9))


def of(machine: str, hostname: str = "web-01") -> HostFacts:
    return HostFacts(machine_id=MachineId(machine), hostname=hostname)


class Stored:
    """A bucket whose watch tells what is stored, then is caught up."""

    def __init__(self, *entries: Entry) -> None:
        self._entries = entries

    purged: str = ""

    async def purge(self, key: str) -> None:
        self.purged = key

    async def watch(self, keys: str, on_entry: object, *, on_ready: object, on_reset: object) -> Watch:
        assert (keys, on_reset is not None) == ("facts.*", True)
        for entry in self._entries:
            on_entry(entry)  # type: ignore[operator]
        on_ready()  # type: ignore[operator]
        return cast("Watch", None)


async def test_what_is_stored_is_known_after_the_start() -> None:
    book = FactBook(cast("Bucket", Stored(told(of("m1")), told(of("m-2.x", "db-01")))))
    await book.start()
    found = book.get(MachineId("m-2.x"))
    assert (book.get(M1), found and found.hostname) == (of("m1"), "db-01")
    await book.stop()


def test_the_last_word_counts() -> None:
    book = FactBook(None)
    assert book.get(M1) is None
    book.note(told(of("m1")))
    book.note(told(of("m1", "web-02")))
    assert book.get(M1) == of("m1", "web-02")
    book.note(told(b"", deleted=True))
    assert book.get(M1) is None
    book.note(told(b"", deleted=True))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"machine_id":"m1","hostname":1}', b"[" * 100000]
)
def test_what_cannot_be_read_changes_nothing(content: bytes) -> None:
    book = FactBook(None)
    book.note(told(of("m1")))
    book.note(told(content))
    assert book.get(M1) == of("m1")


def test_no_host_tells_facts_of_another() -> None:
    book = FactBook(None)
    book.note(told(msgspec.json.encode(of("m2")), "facts.m1"))
    assert (book.get(M1), book.get(MachineId("m2"))) == (None, None)


def test_facts_of_a_newer_agent_are_read_as_far_as_they_are_known() -> None:
    book = FactBook(None)
    book.note(told(b'{"machine_id":"m1","hostname":"web-01","brand_new":{"x":1}}'))
    assert book.get(M1) == of("m1")


async def test_facts_of_a_host_that_is_removed_go_with_it() -> None:
    stored = Stored()
    await FactBook(cast("Bucket", stored)).forget(MachineId("m.2"))
    assert stored.purged == "facts.m_2"
    await FactBook(None).forget(M1)


async def test_without_a_bucket_nobody_tells_facts() -> None:
    book = FactBook(None)
    await book.start()
    await book.stop()
