"""Jobs and traces on a real broker: headers carry the trace, and what is signed stays the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.integration.jobs.puppets import CHANGE, READ, Puppet, submission
from tests.tracing import PARENT, TRACE, recorded

from osapi.contract import target as targets
from osapi.jobs import subjects
from osapi.jobs.service import JobService
from osapi.telemetry import tracing
from osapi.transport.broker import Broker, Message

pytestmark = pytest.mark.anyio


async def heard_live(broker: Broker) -> asyncio.Queue[Message]:
    heard: asyncio.Queue[Message] = asyncio.Queue()

    async def take(message: Message) -> None:
        await heard.put(message)

    await broker.subscribe("live.jobs.>", take)
    await broker.flush()
    return heard


def unlike(sealed: bytes) -> dict[str, Any]:
    """A signed job, without what differs between any two."""
    import msgspec

    job: dict[str, Any] = msgspec.json.decode(sealed.split(b"\n")[1])
    return {name: value for name, value in job.items() if name not in ("id", "issued", "expires")}


async def test_headers_carry_the_trace_and_the_signed_bytes_know_nothing_of_it(
    broker: Broker, service: JobService, puppets: list[Puppet]
) -> None:
    heard = await heard_live(broker)
    plain_ticket = await service.dispatcher.submit(submission("m1", operation=CHANGE))
    plain = await heard.get()
    with recorded() as kept, tracing.continued({"traceparent": PARENT}), tracing.span("request"):
        ticket = await service.dispatcher.submit(submission("m1", operation=CHANGE))
        traced = await heard.get()
    assert unlike(traced.data) == unlike(plain.data)
    assert "traceparent" not in plain.headers
    (submitted,) = [span for span in kept.get_finished_spans() if span.name == "job.submit"]
    assert traced.headers["traceparent"] == f"00-{TRACE}-{submitted.context.span_id:016x}-01"
    records = [await service.store.read(each.job_id) for each in (plain_ticket, ticket)]
    assert [tracing.trace_id(facts.roster.trace) for facts in records if facts is not None] == ["", TRACE]
    assert records[0] is not None
    assert b"trace" not in records[0].record


async def test_a_job_that_is_sent_again_brings_its_trace_along(
    broker: Broker, service: JobService, puppets: list[Puppet]
) -> None:
    with recorded(), tracing.continued({"traceparent": PARENT}), tracing.span("request"):
        ticket = await service.dispatcher.submit(submission("m1", operation=CHANGE))
    heard = await heard_live(broker)
    await puppets[1].hello()
    async with asyncio.timeout(10):
        again = await heard.get()
    assert again.subject == subjects.direct(CHANGE.kind, puppets[1].machine)
    assert tracing.trace_id(again.headers["traceparent"]) == TRACE
    await puppets[1].answer(ticket.job_id)
    await service.dispatcher.wait(ticket, 5)
    entry = service.index.get(ticket.job_id)
    assert entry is not None
    assert entry.trace is None


async def test_a_job_for_the_hosts_of_a_query_brings_its_trace_to_each(
    broker: Broker, service: JobService, puppets: list[Puppet]
) -> None:
    heard = await heard_live(broker)
    with recorded(), tracing.continued({"traceparent": PARENT}), tracing.span("request"):
        await service.dispatcher.submit(submission("m1", "m2", target=targets.parse("group:web and not host:m0")))
    direct = {subjects.direct(READ.kind, puppet.machine) for puppet in puppets[1:]}
    found: dict[str, str] = {}
    async with asyncio.timeout(10):
        while found.keys() != direct:
            message = await heard.get()
            if message.subject in direct:
                found[message.subject] = tracing.trace_id(message.headers["traceparent"])
    assert set(found.values()) == {TRACE}
