"""A reboot that is waited for: by the boot id, within its time, and honest about one that does not happen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.domains.cases import load_all

from osapi.contract.errors import Conflict, DeadlineExceeded
from osapi.contract.operation import Later
from osapi.domains.power import absence
from osapi.domains.power.absence import Absence
from osapi.domains.power.linux import provider
from osapi.domains.power.models import PowerChange, RebootRequest
from osapi.domains.power.schedule import Appointment
from osapi.host.door import Task
from osapi.testing.files import FakeFile
from osapi.testing.host import MIDNIGHT, FakeHost

pytestmark = pytest.mark.anyio

REQUEST = RebootRequest(wait_for_return=True, return_timeout=60)
AT = MIDNIGHT + timedelta(seconds=5)
AWAY = Absence("old", AT, PowerChange(changed=True, action="reboot", delay=5, at=AT))
PLANNED = Appointment(action="reboot", at=AT)


def judge(boot_id: str, pending: Appointment | None, after_s: float) -> PowerChange:
    return absence.judge(AWAY, REQUEST, boot_id, pending, AT + timedelta(seconds=after_s))


def test_a_new_boot_is_the_end() -> None:
    done = judge("new", None, 12.34)
    assert (done.changed, done.action, done.at, done.away_s, done.boot_id) == (True, "reboot", AT, 12.3, "new")


def test_a_host_that_was_away_too_long_has_timed_out_and_is_told_to_be_back() -> None:
    with pytest.raises(DeadlineExceeded, match="back after 61 s; 60 s were allowed") as caught:
        judge("new", None, 61)
    assert caught.value.details is not None
    assert caught.value.details["boot_id"] == "new"


@pytest.mark.parametrize(("pending", "after_s"), [(PLANNED, -4.0), (PLANNED, 3.0), (None, -1.0), (None, 30.0)])
def test_the_same_boot_means_not_yet(pending: Appointment | None, after_s: float) -> None:
    with pytest.raises(Later) as caught:
        judge("old", pending, after_s)
    assert caught.value.until == AT + timedelta(seconds=60)
    assert msgspec.convert(caught.value.note, Absence) == AWAY


@pytest.mark.parametrize("pending", [None, replace(PLANNED, action="shutdown")])
def test_a_reboot_that_was_cancelled_is_not_waited_for(pending: Appointment | None) -> None:
    with pytest.raises(Conflict, match="will not come back"):
        judge("old", pending, -4.0)


def scheduled() -> FakeHost:
    (case,) = [case for case in load_all() if case.name == "power/reboot/now"]
    host = case.new_host()
    host.put("/proc/sys/kernel/random/boot_id", FakeFile(content=b"old\n"))
    return host


async def test_the_reboot_is_scheduled_before_anybody_waits() -> None:
    host = scheduled()
    with pytest.raises(Later) as caught:
        await provider(host).reboot(REQUEST)
    assert [call.argv[-1] for call in host.calls] == ["true", "1767225605000000"]
    note: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(caught.value.note))
    with pytest.raises(Later):
        await provider(host).returned(REQUEST, note)
    host.put("/proc/sys/kernel/random/boot_id", FakeFile(content=b"new\n"))
    done = await provider(host).returned(REQUEST, note)
    assert (done.changed, done.boot_id, done.delay) == (True, "new", 5)
    host.close()


async def test_in_check_mode_nobody_waits() -> None:
    host = scheduled()
    done = await provider(host.for_task(Task(check_mode=True))).reboot(REQUEST)
    assert (done.changed, done.away_s, host.calls) == (True, None, [])
    host.close()


def test_how_long_the_job_may_take_is_told_by_the_request() -> None:
    assert RebootRequest(delay=30, return_timeout=60).lasts() is None
    assert RebootRequest(delay=30, return_timeout=60, wait_for_return=True).lasts() == timedelta(seconds=90)


def test_times_keep_their_zone_over_the_restart() -> None:
    note = absence.begins(AWAY, REQUEST).note
    assert isinstance(msgspec.convert(note, Absence).at, datetime)
    assert msgspec.convert(note, Absence).at.tzinfo is not None
