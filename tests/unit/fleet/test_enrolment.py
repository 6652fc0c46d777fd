"""What becomes of requests to be enrolled, and what of the messages around them is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from osapi.contract.errors import Forbidden, Invalid
from osapi.contract.ids import MachineId
from osapi.fleet.enrolment import records, wire
from osapi.fleet.enrolment.book import Book
from osapi.fleet.enrolment.decision import Known, Verdict, decide
from osapi.fleet.enrolment.pace import Pace
from osapi.fleet.enrolment.records import Barred, KeyEntry, Pending, Standing, TokenEntry, print_of
from osapi.fleet.enrolment.wire import Request, Status
from osapi.jobs import envelope
from osapi.pki import join_token, nkeys, rotations
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.join_token import JoinToken
from osapi.pki.signing import Signer, Verifier
from osapi.transport.bucket import Entry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
M1, M2 = MachineId("m1"), MachineId("m2")
CONTROLLER, OWN, OTHER = (PrivateKey(bytes([number]) * 32) for number in (1, 2, 3))
ASKED = Request(machine_id=M1, hostname="web", signing_key=OWN.public_key.raw, nonce=bytes(16))


def token(uses: int = 1, *, approves: bool = True, expires: timedelta | None = timedelta(hours=1)) -> TokenEntry:
    return TokenEntry(
        key="tokens.t", id="t", nkey="U", uses=uses, expires=None if expires is None else NOW + expires,
        approves=approves, created=NOW, created_by="anna",
    )  # fmt: skip


def key_entry(key: PrivateKey, machine: MachineId = M1, standing: Standing = Standing.ACCEPTED) -> KeyEntry:
    return KeyEntry(
        key=records.key_of(machine), machine_id=machine, signing_key=key.public_key.raw, standing=standing, since=NOW
    )


def waiting(key: PrivateKey) -> Pending:
    return Pending(
        key="enrollment.m1", machine_id=M1, hostname="web", public_key=key.public_key.raw,
        fingerprint=print_of(key.public_key.raw), requested_at=NOW, token_id="t", reason="why",
    )  # fmt: skip


BARRED = Barred(key="revoked.x", fingerprint="x", machine_id=M1, since=NOW, by="anna", reason="revoked")
ACCEPTED, PENDING, REJECTED = Status.ACCEPTED, Status.PENDING, Status.REJECTED


@pytest.mark.parametrize(
    ("known", "auto_accept", "status", "is_new", "word"),
    [
        ({"token": token()}, False, ACCEPTED, True, ""),
        ({"token": token(expires=None)}, False, ACCEPTED, True, ""),
        ({"token": token(approves=False)}, False, PENDING, True, "operator"),
        ({"token": token(approves=False)}, True, ACCEPTED, True, ""),
        ({"token": None}, True, REJECTED, False, "not known"),
        ({"token": token(0)}, True, REJECTED, False, "used up"),
        ({"token": token(expires=timedelta(0))}, True, REJECTED, False, "expired"),
        ({"token": token(), "barred": BARRED}, True, REJECTED, False, "revoked"),
        ({"token": token(0), "key": key_entry(OWN)}, False, ACCEPTED, False, ""),
        ({"token": token(), "key": key_entry(OTHER)}, True, PENDING, True, "known by another key"),
        ({"token": token(), "key": key_entry(OTHER, standing=Standing.GONE)}, False, ACCEPTED, True, ""),
        ({"token": token(), "owner": key_entry(OWN, M2)}, True, REJECTED, False, "key of machine m2"),
        ({"token": token(0), "pending": waiting(OWN)}, False, PENDING, False, "why"),
        ({"token": token(), "pending": waiting(OTHER)}, True, PENDING, False, "another key"),
        ({"token": token(approves=False), "is_full": True}, False, PENDING, False, "too many"),
    ],
)
def test_what_becomes_of_a_request(
    known: dict[str, object], auto_accept: bool, status: Status, is_new: bool, word: str
) -> None:
    nothing: dict[str, object] = {"barred": None, "key": None, "pending": None, "is_full": False}
    found: Verdict = decide(ASKED, Known(**{**nothing, **known}), NOW, auto_accept=auto_accept)  # type: ignore[arg-type]
    assert (found.status, found.is_new) == (status, is_new)
    assert word in found.reason


def question(key: PrivateKey = OWN, request: Request = ASKED) -> bytes:
    return envelope.seal(Signer(key), envelope.JOIN, msgspec.json.encode(request))


def test_a_request_counts_when_its_own_key_has_signed_it() -> None:
    assert wire.asked(question()) == ASKED
    for forged in (question(OTHER), question().partition(b"\n")[2], b"", b"x\ny", question()[:-1]):
        with pytest.raises(Forbidden):
            wire.asked(forged)


@pytest.mark.parametrize("machine", ["", "_all", "a.b", "a b", "x" * 129, "a\n"])
def test_a_machine_id_that_would_be_something_else_in_a_subject_is_refused(machine: str) -> None:
    asked = msgspec.structs.replace(ASKED, machine_id=MachineId(machine))
    with pytest.raises(Forbidden):
        wire.asked(question(request=asked))


def test_an_answer_counts_from_the_controller_of_the_token_to_this_request_alone() -> None:
    good = Signer(CONTROLLER)
    answer = wire.answered(good, b"[]", question(), ACCEPTED, "")
    assert wire.heard(answer, question(), good.key_id).status is ACCEPTED
    rogue = wire.answered(Signer(OTHER), b"[]", question(), ACCEPTED, "")
    claimed = envelope.seal(Signer(OTHER), envelope.ADMISSION, envelope.parse(answer)[1])
    for forged in (rogue, claimed, answer.partition(b"\n")[2], b"{}"):
        with pytest.raises(Forbidden):
            wire.heard(forged, question(), good.key_id)
    with pytest.raises(Forbidden, match="another request"):
        wire.heard(answer, question(OTHER), good.key_id)


def test_a_token_counts_for_the_key_that_took_the_place_of_the_one_it_names() -> None:
    former, now = Signer(CONTROLLER), datetime.now(UTC)
    chain = rotations.encode(rotations.extended((), CONTROLLER, OWN, now, now))
    answer = wire.answered(Signer(OWN), chain, question(), ACCEPTED, "")
    assert wire.heard(answer, question(), former.key_id).controller == OWN.public_key.raw
    rogue = rotations.extended((), OTHER, OWN, now, now)
    late = wire.answered(former, chain, question(), ACCEPTED, "")
    for forged in (rotations.encode(rogue), b"[]", b"[1]"):
        with pytest.raises(Forbidden):
            wire.heard(wire.answered(Signer(OWN), forged, question(), ACCEPTED, ""), question(), former.key_id)
    with pytest.raises(Forbidden, match="names"):
        wire.heard(late, question(), Signer(OWN).key_id)


def test_entries_count_where_a_controller_has_put_them() -> None:
    book = Book(None, Verifier.of(CONTROLLER.public_key))

    def note(key: str, value: bytes, *, deleted: bool = False) -> None:
        book.note(Entry(key=key, value=value, revision=1, deleted=deleted, created_ns=0))

    good = records.sealed(Signer(CONTROLLER), key_entry(OWN))
    note("keys.m2", good)
    note("keys.m1", records.sealed(Signer(OTHER), key_entry(OTHER)))
    assert book.keys == []
    note("keys.m1", good)
    note("keys.m1", b"", deleted=True)
    note("keys.m1", b"rubbish")
    found = book.key(M1)
    assert found is not None
    assert found.signing_key == OWN.public_key.raw
    note("keys.m1", records.sealed(Signer(CONTROLLER), key_entry(OWN, standing=Standing.GONE)))
    assert (book.key(M1), book.keys) == (None, [])


def test_a_token_is_one_line_and_says_again_what_it_said() -> None:
    made = JoinToken(
        id="12345678", controller=Signer(CONTROLLER).key_id, servers=("nats://h:1",), seed=nkeys.seed_of(OWN)
    )
    text = join_token.encode(made)
    assert text.startswith("osapi-join-1.")
    assert join_token.decode(f" {text}\n") == made
    assert made.seed not in text


@pytest.mark.parametrize(
    "text", ["", "x", "osapi-join-1.", "osapi-join-1.e30", "osapi-join-2.e30", "osapi-join-1." + "A" * 9000]
)
def test_what_is_no_token_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(Invalid, match="join token"):
        join_token.decode(text)


def test_a_flood_is_looked_at_in_measure() -> None:
    at = [0.0]
    pace = Pace(lambda: at[0])
    assert sum(pace.allows() for _ in range(1000)) == 200
    at[0] = 1.0
    assert sum(pace.allows() for _ in range(1000)) == 100
