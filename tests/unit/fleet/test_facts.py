"""Facts of the fleet in memory: what is taken in, and what is not."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.fleet.stored import Stored
from tests.unit.fleet.test_registry import KEYS, NOW, Clock

from osapi.contract.facts import HostFacts
from osapi.contract.ids import MachineId
from osapi.fleet import facts
from osapi.fleet.facts import FactBook
from osapi.fleet.keys import KeyBook
from osapi.jobs import envelope
from osapi.jobs.quarantine import Doubt, Quarantine, Saying
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer
from osapi.transport.bucket import Entry

pytestmark = pytest.mark.anyio

M1 = MachineId("m1")


def told(content: HostFacts | bytes, key: str = "facts.m1", *, deleted: bool = False) -> Entry:
    """Facts as they rest in the bucket."""
    if isinstance(content, HostFacts):
        key, content = facts.key(content.machine_id), msgspec.json.encode(content)
    return Entry(key, content, 1, deleted, int(NOW.timestamp() * 1e9))


def of(machine: str, hostname: str = "web-01") -> HostFacts:
    return HostFacts(machine_id=MachineId(machine), hostname=hostname)


def book_of(stored: Stored | None = None) -> FactBook:
    """A book that knows no host by a key yet."""
    return FactBook(stored.bucket if stored else None, KeyBook(None), Quarantine(Clock()))


def why(book: FactBook) -> list[Doubt]:
    """Why facts are in quarantine, the oldest first."""
    assert {suspect.saying for suspect in book._quarantine.newest} <= {Saying.FACTS}
    return [suspect.doubt for suspect in reversed(book._quarantine.newest)]


async def test_what_is_stored_is_known_after_the_start() -> None:
    book = book_of(Stored(told(of("m1")), told(of("m-2.x", "db-01"))))
    await book.start()
    found = book.get(MachineId("m-2.x"))
    assert (book.get(M1), found and found.hostname) == (of("m1"), "db-01")
    await book.stop()


def test_the_last_word_counts() -> None:
    book = book_of()
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
    book = book_of()
    book.note(told(of("m1")))
    book.note(told(content))
    assert (book.get(M1), why(book)) == (of("m1"), [Doubt.UNREADABLE])


def test_no_host_tells_facts_of_another() -> None:
    book = book_of()
    book.note(told(msgspec.json.encode(of("m2")), "facts.m1"))
    assert (book.get(M1), book.get(MachineId("m2")), why(book)) == (None, None, [Doubt.ELSEWHERE])


def signed(content: HostFacts, by: PrivateKey, purpose: str = envelope.FACTS) -> Entry:
    return told(envelope.seal(Signer(by), purpose, msgspec.json.encode(content)), facts.key(content.machine_id))


def test_facts_count_when_they_are_signed_by_the_key_of_their_host() -> None:
    book = book_of()
    book._keys.first_seen(M1, KEYS[0].public_key)
    book.note(signed(of("m1"), KEYS[0]))
    book.note(signed(of("m1", "evil"), KEYS[1]))
    book.note(signed(of("m1", "evil"), KEYS[0], envelope.HEARTBEAT))
    book.note(told(of("m1", "evil")))
    book.note(told(signed(of("m1", "evil"), KEYS[0]).value, "facts.m2"))
    assert (book.get(M1), why(book)) == (of("m1"), [Doubt.SIGNATURE, Doubt.SIGNATURE, Doubt.UNSIGNED, Doubt.ELSEWHERE])


def test_until_a_key_is_known_facts_are_believed_signed_or_not() -> None:
    book = book_of()
    for content in (told(of("m1")), signed(of("m1", "web-02"), KEYS[0])):
        book.note(content)
    assert (book.get(M1), why(book)) == (of("m1", "web-02"), [])


def test_facts_of_a_newer_agent_are_read_as_far_as_they_are_known() -> None:
    book = book_of()
    book.note(told(b'{"machine_id":"m1","hostname":"web-01","brand_new":{"x":1}}'))
    assert book.get(M1) == of("m1")


async def test_facts_of_a_host_that_is_removed_go_with_it() -> None:
    stored = Stored(told(of("m.2")), told(of("m1")))
    await book_of(stored).forget(MachineId("m.2"))
    assert list(stored.entries) == ["facts.m1"]
    await book_of().forget(M1)


async def test_without_a_bucket_nobody_tells_facts() -> None:
    book = book_of()
    await book.start()
    await book.stop()
