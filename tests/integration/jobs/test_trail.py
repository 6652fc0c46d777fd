"""A job is on file only when its trail is: what is on file can be delivered at any moment."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec
import pytest
from tests.integration.jobs.puppets import CHANGE, READ, Puppet, submission

from osapi.contract.errors import StoreFull
from osapi.contract.operation import Nothing, Operation
from osapi.contract.trail import Errand, HostCounts
from osapi.jobs.service import JobService

pytestmark = pytest.mark.anyio


@dataclass
class Watchful:
    """A trail that looks at what is on file when it is asked, and refuses when it is told to."""

    service: JobService
    refuses: bool = False
    seen: list[tuple[Errand, bool]] = field(default_factory=list[tuple[Errand, bool]])

    async def about_to_submit(self, errand: Errand) -> None:
        self.seen.append((errand, await self.service.store.read(errand.job_id) is not None))
        if self.refuses:
            raise StoreFull("no room for the audit")

    async def about_to_change(self, request: msgspec.Struct) -> None: ...

    def answered(self, counts: HostCounts) -> None: ...


@pytest.mark.parametrize("operation", [READ, CHANGE])
async def test_the_trail_is_asked_before_anything_is_stored(
    service: JobService, puppets: list[Puppet], operation: Operation[Nothing, Nothing]
) -> None:
    trail = Watchful(service)
    ticket = await service.dispatcher.submit(replace(submission("m0", "m1", operation=operation), trail=trail))
    [(errand, on_file)] = trail.seen
    assert not on_file
    assert (errand.job_id, errand.operation, errand.target) == (ticket.job_id, operation.name, "_all")
    assert errand.hosts == {"m0": "name-m0", "m1": "name-m1"}
    assert (await puppets[0].next_job()).id == ticket.job_id


async def test_without_a_trail_there_is_no_job(service: JobService, puppets: list[Puppet]) -> None:
    refused = replace(submission("m0", operation=CHANGE), trail=(trail := Watchful(service, refuses=True)))
    with pytest.raises(StoreFull) as problem:
        await service.dispatcher.submit(refused)
    assert problem.value.job_id == trail.seen[0][0].job_id
    assert (await puppets[0].hello()).resent == 0
    assert puppets[0].heard.empty()
    assert len(service.index) == 0
