"""Every way to tamper with a chain is found, and said to be what it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.audit.kit import SIGNER, START, VERIFIER, chain, entry

from osapi.audit import record
from osapi.audit.chain import Checker, Fault, Tally
from osapi.audit.record import Place
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer

LENGTH = 10
STRANGER = Signer(PrivateKey.generate())
SOON = START + timedelta(minutes=1)

Messages = dict[int, bytes]


def place(messages: Mapping[int, bytes], sequence: int) -> Place:
    link = record.peek(messages[sequence])
    assert link is not None
    return Place(sequence, record.digest(messages[sequence]), START + timedelta(seconds=sequence), link.keeps_s)


def verify(
    messages: Mapping[int, bytes],
    *,
    head: Place | None = None,
    anchors: tuple[Place, ...] = (),
    keeps: timedelta | None = timedelta(days=30),
    now: datetime = SOON,
) -> Tally:
    checker = Checker(VERIFIER, anchors=anchors, keeps=keeps, now=now)
    for sequence in sorted(messages):
        checker.take(sequence, messages[sequence])
    return checker.end(head)


def faults(tally: Tally) -> list[tuple[Fault, int]]:
    return [(found.fault, found.sequence) for found in tally.breaks]


def edited(message: bytes) -> bytes:
    """With another user, the signature left as it was."""
    return message.replace(b'"anna"', b'"eve"')


def forged(messages: Messages, sequence: int) -> bytes:
    """Like the message, signed by somebody else."""
    link = record.peek(messages[sequence])
    assert link is not None
    return record.seal(STRANGER, link.previous, sequence, link.at, [record.encode(entry(user="eve"))])


def test_a_chain_that_nobody_touched_is_whole() -> None:
    messages = chain(LENGTH)
    tally = verify(messages, head=place(messages, LENGTH), anchors=(place(messages, 4),))
    assert tally.is_whole
    assert (tally.messages, tally.records) == (LENGTH, LENGTH)
    assert tally.first == place(messages, 1)
    assert tally.last == place(messages, LENGTH)


def test_an_empty_chain_is_whole() -> None:
    assert verify({}).is_whole


def edit(messages: Messages) -> None:
    messages[4] = edited(messages[4])


def edit_the_last(messages: Messages) -> None:
    messages[LENGTH] = edited(messages[LENGTH])


def forge(messages: Messages) -> None:
    messages[4] = forged(messages, 4)


def delete(messages: Messages) -> None:
    del messages[4]


def delete_several(messages: Messages) -> None:
    for sequence in (3, 4, 5, 8):
        del messages[sequence]


def cut_the_end(messages: Messages) -> None:
    for sequence in (8, 9, 10):
        del messages[sequence]


def cut_the_beginning(messages: Messages) -> None:
    for sequence in (1, 2, 3):
        del messages[sequence]


def swap(messages: Messages) -> None:
    messages[4], messages[5] = messages[5], messages[4]


def replay(messages: Messages) -> None:
    messages[LENGTH + 1] = messages[4]


def insert(messages: Messages) -> None:
    messages[LENGTH + 1] = forged(messages, 4)


def garbage(messages: Messages) -> None:
    messages[LENGTH + 1] = b"\xff\x00 nothing of ours"


CASES: list[tuple[Callable[[Messages], None], list[tuple[Fault, int]]]] = [
    (edit, [(Fault.ALTERED, 4)]),
    (edit_the_last, [(Fault.ALTERED, 10), (Fault.CUT, 10)]),
    (forge, [(Fault.ALTERED, 4)]),
    (delete, [(Fault.MISSING, 4)]),
    (delete_several, [(Fault.MISSING, 3), (Fault.MISSING, 8)]),
    (cut_the_end, [(Fault.CUT, 8)]),
    (cut_the_beginning, [(Fault.CUT, 3)]),
    (swap, [(Fault.MOVED, 4), (Fault.MOVED, 5), (Fault.MISSING, 4)]),
    (replay, [(Fault.MOVED, 11)]),
    (insert, [(Fault.ALTERED, 11)]),
    (garbage, [(Fault.ALTERED, 11)]),
]


@pytest.mark.parametrize(("tamper", "expected"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_tampering_is_found(tamper: Callable[[Messages], None], expected: list[tuple[Fault, int]]) -> None:
    messages = chain(LENGTH)
    head = place(messages, LENGTH)
    tamper(messages)
    assert faults(verify(messages, head=head)) == expected


def test_a_stranger_s_message_that_the_chain_passes_over_is_foreign() -> None:
    messages = chain(3)
    messages[4] = forged(messages, 3)
    messages |= chain(2, first=5, previous=place(messages, 3))
    assert faults(verify(messages)) == [(Fault.FOREIGN, 4)]


def test_what_is_older_than_the_stream_keeps_may_be_gone() -> None:
    messages = chain(LENGTH)
    head = place(messages, LENGTH)
    now = START + timedelta(seconds=5, days=30)
    left = {sequence: message for sequence, message in messages.items() if sequence > 4}
    assert verify(left, head=head, now=now).is_whole
    assert verify({}, head=head, now=now + timedelta(days=1)).is_whole
    for_ever = {sequence: message for sequence, message in chain(LENGTH, keeps=timedelta(0)).items() if sequence > 4}
    assert not verify(for_ever, now=now, keeps=None).is_whole


def test_what_was_kept_for_a_shorter_time_when_it_was_written_may_be_gone() -> None:
    """Somebody has changed `nats.audit.max_age` since."""
    messages = chain(LENGTH, keeps=timedelta(hours=1))
    left = {sequence: message for sequence, message in messages.items() if sequence > 4}
    assert verify(left, now=START + timedelta(hours=2)).is_whole
    assert faults(verify(left, now=START + timedelta(minutes=30))) == [(Fault.CUT, 4)]


def test_an_anchor_finds_a_chain_that_was_written_anew_with_the_right_key() -> None:
    seen = place(chain(LENGTH), 6)
    another = chain(LENGTH)
    assert verify(another).is_whole
    assert faults(verify(another, anchors=(seen,))) == [(Fault.ALTERED, 6)]


def test_an_anchor_finds_an_end_that_is_gone_though_the_controller_has_forgotten_it() -> None:
    messages = chain(LENGTH)
    seen = place(messages, LENGTH)
    cut_the_end(messages)
    assert faults(verify(messages, anchors=(seen,))) == [(Fault.CUT, 8)]


def test_a_head_that_differs_is_found() -> None:
    messages = chain(LENGTH)
    head = msgspec.structs.replace(place(messages, LENGTH), digest="0" * 64)
    assert faults(verify(messages, head=head)) == [(Fault.ALTERED, LENGTH)]


def test_a_break_does_not_hide_the_next_one() -> None:
    messages = chain(LENGTH)
    messages[3] = edited(messages[3])
    del messages[7]
    assert faults(verify(messages)) == [(Fault.ALTERED, 3), (Fault.MISSING, 7)]


def test_a_link_that_remembers_another_predecessor_is_found() -> None:
    """As when somebody with the key replaces one message and cannot replace those after it."""
    messages = chain(LENGTH)
    link = record.peek(messages[4])
    assert link is not None
    messages[4] = record.seal(SIGNER, link.previous, 4, link.at, [record.encode(entry(user="eve"))])
    assert faults(verify(messages)) == [(Fault.ALTERED, 4)]


@settings(deadline=None)
@given(st.data())
def test_no_single_changed_byte_goes_unseen(data: st.DataObject) -> None:
    messages = chain(4)
    head = place(messages, 4)
    sequence = data.draw(st.integers(1, 4))
    message = bytearray(messages[sequence])
    at = data.draw(st.integers(0, len(message) - 1))
    message[at] = (message[at] + data.draw(st.integers(1, 255))) % 256
    messages[sequence] = bytes(message)
    assert not verify(messages, head=head).is_whole
