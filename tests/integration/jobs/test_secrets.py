"""Secrets of jobs on the real broker: who reads them, what is stored, and what makes two requests the same."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import msgspec
import pytest
from msgspec import Meta
from tests.integration.jobs.puppets import CHANGE, Puppet, submission

from osapi.contract.errors import Conflict
from osapi.contract.operation import Kind, Nothing, Operation
from osapi.contract.secret import Secret
from osapi.contract.target import AllTarget
from osapi.jobs import sealing
from osapi.jobs.dispatcher import Submission
from osapi.jobs.service import JobService
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio
CANARY = "canary-Correct-Horse-7"


class Request(msgspec.Struct):
    """A request with a secret."""

    name: str
    key: Annotated[Secret, Meta(extra_json_schema=Secret.schema())]


SET = Operation(
    name="test.key.update", operation_id="PutKey", kind=Kind.MODIFY, request=Request, result=Nothing,
    permission="node:write", route=("PUT", "/key"), command=("node", "key", "update"), summary="Set a key.",
)  # fmt: skip


def with_secret(*machines: str, secret: str = CANARY, name: str = "x", key: str | None = None) -> Submission:
    request = Request(name, Secret(secret))
    return replace(submission(*machines, key=key), operation=SET, request=request, target=AllTarget())


async def test_every_expected_host_reads_the_secret_and_the_broker_never_holds_it(
    service: JobService, puppets: list[Puppet], broker: Broker
) -> None:
    heard: list[bytes] = []

    async def note(message: object) -> None:
        heard.append(message.data)  # type: ignore[attr-defined]

    await broker.subscribe(">", note)
    await broker.flush()
    ticket = await service.dispatcher.submit(with_secret("m0", "m1", key="k"))
    for puppet in puppets[:2]:
        job = await puppet.next_job()
        assert sealing.open_for(job, puppet.machine, puppet.sealing) == {"key": CANARY}
        assert bytes(job.request) == b'{"name":"x","key":"********"}'
    facts = await service.store.read(ticket.job_id)
    assert facts is not None
    assert len(heard) >= 3
    assert not [data for data in [*heard, facts.record] if CANARY.encode() in data]


async def test_the_same_key_with_the_same_secret_is_the_same_job(service: JobService, puppets: list[Puppet]) -> None:
    first = await service.dispatcher.submit(with_secret("m0", key="k"))
    assert (await service.dispatcher.submit(with_secret("m0", key="k"))).job_id == first.job_id
    job = await puppets[0].next_job()
    assert sealing.open_for(job, puppets[0].machine, puppets[0].sealing) == {"key": CANARY}


async def test_the_same_key_with_another_secret_is_another_request(service: JobService, puppets: list[Puppet]) -> None:
    await service.dispatcher.submit(with_secret("m0", key="k"))
    for other in (with_secret("m0", key="k", secret="other"), with_secret("m0", key="k", name="y")):
        with pytest.raises(Conflict, match="used for another request"):
            await service.dispatcher.submit(other)
    with pytest.raises(Conflict, match="used for another request"):
        await service.dispatcher.submit(submission("m0", key="k", operation=CHANGE))
    assert puppets[0].heard.qsize() <= 1


async def test_nobody_sees_that_two_jobs_carry_the_same_secret(service: JobService, puppets: list[Puppet]) -> None:
    stored = []
    for key in ("k1", "k2"):
        ticket = await service.dispatcher.submit(with_secret("m0", key=key))
        facts = await service.store.read(ticket.job_id)
        assert facts is not None
        assert facts.job.secrets is not None
        stored.append(facts.job.secrets)
    assert stored[0].digest != stored[1].digest
    assert stored[0].box[24:] != stored[1].box[24:]
