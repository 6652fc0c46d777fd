"""By which key an agent is known: the first it was seen with, and no other, until somebody decides."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
from tests.unit.fleet.stored import Stored

from osapi.contract.errors import Unavailable
from osapi.contract.ids import MachineId
from osapi.fleet.enrolment import records
from osapi.fleet.enrolment.records import KeyEntry, Standing
from osapi.fleet.keys import KeyBook
from osapi.pki.ed25519 import PrivateKey, PublicKey
from osapi.pki.keys import fingerprint
from osapi.transport.bucket import Entry

pytestmark = pytest.mark.anyio
M1 = MachineId("m.1")
FIRST, SECOND = PrivateKey(b"\1" * 32).public_key, PrivateKey(b"\2" * 32).public_key


def entry(key: str, value: bytes, *, deleted: bool = False) -> Entry:
    return Entry(key=key, value=value, revision=1, deleted=deleted, created_ns=0)


def content(key: PublicKey, standing: Standing = Standing.ANNOUNCED) -> bytes:
    made = KeyEntry(
        key="keys.m_1", machine_id=M1, signing_key=key.raw, standing=standing, since=datetime(2026, 1, 1, tzinfo=UTC)
    )
    return msgspec.json.encode(made)


def known(book: KeyBook) -> str:
    found = book.known(M1)
    return "" if found is None else found.fingerprint


@pytest.fixture
def stored() -> Stored:
    return Stored()


@pytest.fixture
async def book(stored: Stored) -> KeyBook:
    made = KeyBook(stored.bucket)
    await made.start()
    await made.start()
    assert stored.watched == ["keys.*"]
    return made


async def settled() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_the_first_key_stays_and_is_stored(book: KeyBook, stored: Stored) -> None:
    assert known(book) == ""
    book.first_seen(M1, FIRST)
    book.first_seen(M1, SECOND)
    assert known(book) == fingerprint(FIRST)
    await settled()
    found = msgspec.json.decode(stored.entries["keys.m_1"].value, type=KeyEntry)
    assert (found.machine_id, found.signing_key, found.standing) == (M1, FIRST.raw, Standing.ANNOUNCED)


async def test_another_controller_knows_what_is_stored(stored: Stored) -> None:
    stored.entries["keys.m_1"] = entry("keys.m_1", content(FIRST))
    book = KeyBook(stored.bucket)
    await book.start()
    book.first_seen(M1, SECOND)
    assert known(book) == fingerprint(FIRST)
    await book.stop()


async def test_who_was_quicker_is_right(book: KeyBook, stored: Stored) -> None:
    stored.entries["keys.m_1"] = entry("keys.m_1", content(FIRST))
    book.first_seen(M1, SECOND)
    await settled()
    book.note(stored.entries["keys.m_1"])
    assert known(book) == fingerprint(FIRST)


async def test_an_accepted_key_takes_the_place_of_an_announced_one(book: KeyBook) -> None:
    book.first_seen(M1, FIRST)
    await settled()
    book.note(entry("keys.m_1", content(SECOND, Standing.ACCEPTED)))
    assert known(book) == fingerprint(SECOND)


async def test_what_could_not_be_stored_is_stored_with_the_next_heartbeat(book: KeyBook, stored: Stored) -> None:
    stored.refuses = [Unavailable("away")]
    book.first_seen(M1, FIRST)
    await settled()
    assert (stored.entries, known(book)) == ({}, fingerprint(FIRST))
    book.first_seen(M1, FIRST)
    await settled()
    assert list(stored.entries) == ["keys.m_1"]


async def test_a_forgotten_agent_may_come_with_another_key(book: KeyBook, stored: Stored) -> None:
    book.first_seen(M1, FIRST)
    await settled()
    await book.forget(M1)
    await book.forget(M1)
    assert (known(book), stored.entries) == ("", {})
    book.first_seen(M1, SECOND)
    assert known(book) == fingerprint(SECOND)


async def test_without_a_bucket_keys_are_known_as_long_as_it_lives() -> None:
    book = KeyBook(None)
    await book.start()
    book.first_seen(M1, FIRST)
    assert known(book) == fingerprint(FIRST)
    await book.forget(M1)
    assert known(book) == ""
    await book.stop()


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", b'{"machine_id":"m"}'])
async def test_an_entry_that_cannot_be_read_changes_nothing(book: KeyBook, value: bytes) -> None:
    book.first_seen(M1, FIRST)
    book.note(entry("keys.m_1", value))
    assert known(book) == fingerprint(FIRST)


def test_names_of_entries_are_those_of_records() -> None:
    assert records.key_of(M1) == "keys.m_1"
