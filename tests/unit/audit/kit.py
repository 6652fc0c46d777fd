"""A stream in memory that stores, refuses, and loses messages as it is told, and what is written into it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from osapi.audit import record
from osapi.audit.ids import EntryIds
from osapi.audit.kind import Kind
from osapi.audit.record import BEGINNING, Addition, Entry, Outcome, Place, Record
from osapi.contract.errors import Conflict, OsapiError
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer, Verifier

KEY = PrivateKey.generate()
SIGNER = Signer(KEY)
VERIFIER = Verifier.of(KEY.public_key)
START = datetime(2026, 1, 1, tzinfo=UTC)
IDS = EntryIds(START.timestamp)


class FakeChain:
    """Keeps messages by sequence. What `fails` holds is raised by the next appends, one each.

    With `quietly` the message is stored all the same, as when the broker's answer is lost.
    """

    most_bytes = 64 * 1024

    def __init__(self) -> None:
        self.messages: dict[int, bytes] = {}
        self.fails: list[OsapiError] = []
        self.quietly = False
        self.unreadable: OsapiError | None = None
        self.last = 0

    async def append(self, message: bytes, *, expect_last: int) -> int:
        if expect_last != self.last:
            raise Conflict("wrong last sequence")
        problem = self.fails.pop(0) if self.fails else None
        if problem is None or self.quietly:
            self.put(message)
        if problem is not None:
            raise problem
        return self.last

    def put(self, message: bytes) -> None:
        """Store a message, whoever sends it."""
        self.last += 1
        self.messages[self.last] = message

    async def span(self) -> tuple[int, int]:
        if self.unreadable is not None:
            raise self.unreadable
        return min(self.messages, default=self.last + 1), self.last

    async def between(self, first: int, last: int) -> Iterable[tuple[int, bytes]]:
        return [(sequence, self.messages[sequence]) for sequence in range(first, last + 1) if sequence in self.messages]

    def records(self) -> list[Record]:
        """Every record of the chain in its order."""
        return [one for message in self.messages.values() if (link := record.peek(message)) for one in link.records]


def chain(
    count: int,
    *,
    signer: Signer = SIGNER,
    first: int = 1,
    previous: Place = BEGINNING,
    keeps: timedelta = timedelta(days=30),
) -> dict[int, bytes]:
    """So many messages of a good chain, one entry each, one second apart."""
    made: dict[int, bytes] = {}
    for sequence in range(first, first + count):
        at = START + timedelta(seconds=sequence)
        records = [record.encode(entry())]
        made[sequence] = record.seal(signer, previous, sequence, at, records, keeps_s=keeps.total_seconds())
        previous = Place(sequence, record.digest(made[sequence]), at)
    return made


def entry(status: int | None = 200, **more: object) -> Entry:
    """An entry; `status` None leaves its outcome open."""
    known: dict[str, object] = {
        "id": IDS.next(),
        "timestamp": START,
        "kind": Kind.READ,
        "user": "anna",
        "method": "GET",
        "path": "/api/job",
        "operation_id": "getJobs",
        "source_ip": "192.0.2.1",
        "outcome": None if status is None else Outcome(response_code=status, duration_ms=1),
    }
    return Entry(**{**known, **more})  # type: ignore[arg-type] # as the caller says


def outcome(of: Entry, status: int = 200) -> Addition:
    """What is added when the request is answered."""
    return Addition(id=of.id, outcome=Outcome(response_code=status, duration_ms=5))
