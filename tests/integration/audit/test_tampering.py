"""Row 47 of the fault matrix, first half: whoever may do anything at the broker cannot change the audit unseen."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from tests.conftest import Eventually
from tests.integration.audit.kit import Audit, ask, change, entries

from osapi.audit import record
from osapi.audit.kind import Kind
from osapi.audit.losses import CODE, TOLD_S
from osapi.audit.service import AuditService
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer

pytestmark = pytest.mark.anyio

LENGTH = 20
Messages = dict[int, bytes]


async def written(audit: Audit, length: int = LENGTH) -> tuple[AuditService, Messages]:
    """A controller that goes on, and what it has written."""
    service = await audit.start()
    for number in range(length):
        await change(service, user=f"user-{number}")
    await service.fresh()
    messages = await audit.messages()
    await service.stop()
    assert (await audit.verify(service)).is_whole
    return service, messages


def edit(messages: Messages, at: int) -> set[int]:
    messages[at] = messages[at].replace(b"anna", b"eve").replace(b"user-", b"liar-")
    return set()


def forge(messages: Messages, at: int) -> set[int]:
    """Sealed anew by somebody who lacks the controller's key."""
    link = record.peek(messages[at])
    assert link is not None
    records = [record.encode(one) for one in link.records]
    messages[at] = record.seal(Signer(PrivateKey.generate()), link.previous, at, link.at, records)
    return set()


def reorder(messages: Messages, at: int) -> set[int]:
    other = at + 1 if at + 1 in messages else at - 1
    messages[at], messages[other] = messages[other], messages[at]
    return set()


def delete(messages: Messages, at: int) -> set[int]:
    return {at}


def truncate(messages: Messages, at: int) -> set[int]:
    for sequence in [sequence for sequence in messages if sequence >= at]:
        del messages[sequence]
    return set()


def behead(messages: Messages, at: int) -> set[int]:
    for sequence in [sequence for sequence in messages if sequence <= at]:
        del messages[sequence]
    return set()


def replay(messages: Messages, at: int) -> set[int]:
    messages[max(messages) + 1] = messages[at]
    return set()


@pytest.mark.parametrize("tamper", [edit, forge, reorder, delete, truncate, behead, replay])
async def test_tampering_is_found(audit: Audit, tamper: Callable[[Messages, int], set[int]]) -> None:
    service, messages = await written(audit)
    inside = sorted(messages)[1:-1]
    places = random.Random(1).sample(inside, 5)
    undetected: list[int] = []
    for at in places:
        changed = dict(messages)
        without = tamper(changed, at)
        await audit.tamper(changed, without=without)
        if (await audit.verify(service)).is_whole:
            undetected.append(at)
    print(f"row 47: audit tampering: {tamper.__name__} {len(places)} times, {len(undetected)} undetected")
    assert undetected == []


async def test_a_controller_notices_at_its_start_that_the_end_is_gone(audit: Audit) -> None:
    _, messages = await written(audit)
    truncate(messages, max(messages) - 1)
    await audit.tamper(messages)
    again = await audit.start()
    assert "gone from the end" in str(again.loss())
    remarks = [one.remark for one in await entries(again, equal={"kind": Kind.REMARK.value})]
    assert remarks == [again.loss()]
    await change(again)
    assert not (await audit.verify(again)).is_whole


async def test_a_controller_notices_at_its_start_that_the_chain_is_another_one(audit: Audit) -> None:
    """Written anew from the beginning, with the right key."""
    await written(audit)
    await audit.ask_broker("DELETE")
    await audit.provision()
    other = await audit.start(name="another")
    for number in range(LENGTH * 2):
        await change(other, user=f"liar-{number}")
    await other.stop()
    assert (await audit.verify(other)).is_whole
    again = await audit.start()
    assert "another one" in str(again.loss())


async def test_a_controller_notices_while_it_runs_that_the_end_is_gone(audit: Audit) -> None:
    service = await audit.start()
    for _ in range(5):
        await change(service)
    await service.fresh()
    messages = await audit.messages()
    truncate(messages, max(messages))
    await audit.tamper(messages)
    await change(service)
    assert "gone from the end" in str(service.loss())


async def test_a_controller_checks_the_chain_when_the_stream_was_replaced(audit: Audit, eventually: Eventually) -> None:
    """The same messages, of which one was edited, under the feet of a controller that runs."""
    service = await audit.start()
    for _ in range(5):
        await change(service)
    await service.fresh()
    messages = await audit.messages()
    edit(messages, 2)
    await audit.tamper(messages)
    await eventually(lambda: service.loss() is not None, 15)
    assert service.loss() == "message 2 was altered after it was written"
    remarks = [one.remark for one in await entries(service, equal={"kind": Kind.REMARK.value})]
    assert remarks == [service.loss()]
    await service.check()
    assert len(await entries(service, equal={"kind": Kind.REMARK.value})) == 1


async def test_what_somebody_else_writes_is_not_believed(audit: Audit) -> None:
    service = await audit.start()
    await change(service)
    stranger = Audit(audit.broker, audit.folder / "stranger")
    intruder = await stranger.start()
    ask(intruder, user="anna", path="/api/made-up").close(200)
    await intruder.stop()
    await change(service)
    assert [one.path for one in await entries(service)] == ["/api/thing/1", "/api/thing/1"]
    tally = await audit.verify(service)
    assert {found.fault.value for found in tally.breaks} == {"foreign"}


async def test_what_one_controller_finds_every_other_tells_too(audit: Audit, eventually: Eventually) -> None:
    """Those that run, and those that are started later; for a day, unless it is found again."""
    _, messages = await written(audit, 80)  # the end is looked at by each at its start
    edit(messages, 2)
    await audit.tamper(messages)
    finder, other = await audit.start(), await audit.start(name="other")
    assert other.loss() is None
    await finder.check()
    found = finder.loss()
    assert found == "message 2 was altered after it was written"
    await eventually(lambda: other.loss() == found)
    later = await audit.start(name="later")
    await eventually(lambda: later.is_read)
    assert later.loss() == found
    tomorrow = await audit.start(name="tomorrow", clock=lambda: time.time() + TOLD_S)
    await eventually(lambda: tomorrow.is_read)
    assert tomorrow.loss() is None
    await later.check()
    assert len(await entries(later, equal={"kind": Kind.REMARK.value})) == 1


async def test_nobody_but_a_controller_can_say_that_something_was_found(audit: Audit) -> None:
    service = await audit.start()
    stranger = Audit(audit.broker, audit.folder / "stranger")
    intruder = await stranger.start()
    intruder.tail.broken("all is lost")
    await intruder.fresh()
    await change(service, user=CODE, path=f"/api/{CODE}")
    await service.fresh()
    assert CODE.encode() in b"".join((await audit.messages()).values())
    assert (intruder.loss(), service.loss()) == ("all is lost", None)
