"""The audit on a real broker: what is stored, found again, and survives."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from tests.conftest import Connect, Eventually, NatsServer
from tests.integration.audit.kit import Audit, Wish, ask, change, entries

from osapi.audit.criteria import Criteria
from osapi.audit.kind import Kind
from osapi.audit.service import AuditService
from osapi.contract.errors import StoreFull, Unavailable

pytestmark = pytest.mark.anyio


async def test_a_change_is_in_the_stream_before_it_is_done(audit: Audit) -> None:
    service = await audit.start()
    trail = ask(service, changes=True)
    await trail.about_to_change(Wish(colour="red"))
    [message] = (await audit.messages()).values()
    assert b'"request":{"colour":"red"}' in message
    assert b'"outcome"' not in message
    trail.close(200)
    [told] = await entries(service)
    assert (told.kind, told.user, told.request, told.response_code) == (Kind.CHANGE, "anna", {"colour": "red"}, 200)
    assert (await audit.verify(service)).is_whole


async def test_what_was_answered_is_found_at_once(audit: Audit) -> None:
    service = await audit.start()
    for number in range(50):
        ask(service, path=f"/api/thing/{number}").close(200)
        found = await entries(service)
        assert found[0].path == f"/api/thing/{number}"


async def test_thousands_of_reads_take_few_messages_and_are_all_there(audit: Audit) -> None:
    service = await audit.start()
    for number in range(3000):
        ask(service, path=f"/api/thing/{number}").close(200)
        if number % 300 == 0:
            await asyncio.sleep(0)
    await service.fresh()
    assert len(service.index) == 3000
    assert len(await audit.messages()) < 30
    assert (await audit.verify(service)).records == 3000


async def test_a_restart_goes_on_where_the_chain_ended(audit: Audit) -> None:
    first = await audit.start()
    await change(first)
    await first.stop()
    second = await audit.start()
    await change(second)
    assert len(await entries(second)) == 2
    tally = await audit.verify(second)
    assert tally.is_whole
    assert second.loss() is None


async def test_two_controllers_write_one_chain_and_both_list_it(
    audit: Audit, connect: Connect, eventually: Eventually
) -> None:
    one = await audit.start(await connect(), name="one")
    two = await audit.start(await connect(), name="two")

    async def work(service: AuditService, user: str) -> None:
        for _ in range(20):
            await asyncio.gather(*(change(service, user=user) for _ in range(5)))

    await asyncio.gather(work(one, "anna"), work(two, "bert"))
    await asyncio.gather(one.fresh(), two.fresh())
    await eventually(lambda: len(one.index) == len(two.index) == 200, within_s=30.0)
    for service in (one, two):
        _, rows = await service.index.page(Criteria(), limit=1000)
        assert Counter(row.user for row in rows) == {"anna": 100, "bert": 100}
        assert service.loss() is None
    assert (await audit.verify(one)).is_whole


async def test_the_stream_lets_nobody_delete_or_purge(audit: Audit) -> None:
    await change(await audit.start())
    assert (await audit.ask_broker("MSG.DELETE", {"seq": 1}))["error"]["description"] == "message delete not permitted"
    assert (await audit.ask_broker("PURGE"))["error"]["description"] == "stream purge not permitted"


async def test_a_stream_of_before_is_protected_from_then_on(audit: Audit) -> None:
    await audit.ask_broker("DELETE")
    await audit.provision(only_age_removes=False)
    await change(await audit.start())
    await audit.provision()
    assert "error" in await audit.ask_broker("MSG.DELETE", {"seq": 1})


async def until_refused(service: AuditService) -> int:
    """Change and change again until the stream is full; returns how often that went well."""
    for done in range(1000):
        try:
            await change(service)
        except StoreFull:
            return done
    raise AssertionError("the stream is never full")


async def test_a_full_stream_refuses_changes_and_loses_nothing(audit: Audit, eventually: Eventually) -> None:
    await audit.provision(max_bytes=20_000)
    service = await audit.start()
    done = await until_refused(service)
    assert service.problem() is not None
    before = await audit.messages()
    ask(service).close(200)  # somebody reads all the same
    await audit.provision(max_bytes=200_000)
    await eventually(lambda: service.problem() is None)
    await change(service)
    after = await audit.messages()
    assert before.items() <= after.items()
    statuses = Counter(one.response_code for one in await entries(service))
    assert statuses == {200: done + 2, 0: 1}  # the refused one told no outcome here
    assert (await audit.verify(service)).is_whole


async def test_while_the_broker_is_away_changes_are_refused_and_reads_told_later(
    audit: Audit, nats_server: NatsServer, eventually: Eventually
) -> None:
    service = await audit.start()
    await change(service)
    nats_server.kill()
    await eventually(lambda: not audit.broker.is_connected)
    with pytest.raises(Unavailable):
        await change(service)
    ask(service, user="reader").close(200)
    nats_server.start()
    await eventually(lambda: audit.broker.is_connected)
    await eventually(lambda: service.problem() is None)
    await change(service)
    users = [one.user for one in await entries(service)]
    assert Counter(users) == {"anna": 3, "reader": 1}
    assert (await audit.verify(service)).is_whole


async def test_a_flood_without_a_token_takes_little_room(audit: Audit) -> None:
    service = await audit.start()
    for number in range(10_000):
        ask(service, user="", source_ip=f"192.0.2.{number % 3}").close(401, "unauthenticated")
    await service.stop()
    after = await audit.start()
    found = await entries(after)
    assert sum(one.count for one in found) == 10_000
    assert len(found) == 3 * 6


async def test_what_the_stream_has_forgotten_is_not_listed(audit: Audit, eventually: Eventually) -> None:
    service = await audit.start()
    for _ in range(5):
        await change(service)
    await service.fresh()
    config = (await audit.ask_broker("INFO"))["config"]
    await audit.ask_broker("UPDATE", {**config, "max_age": 100_000_000, "duplicate_window": 100_000_000})

    async def gone() -> bool:
        return not await audit.messages()

    async with asyncio.timeout(10):
        while not await gone():
            await asyncio.sleep(0.05)
    assert await entries(service) == []
    await audit.ask_broker("UPDATE", config)
    await change(service)
    assert len(await entries(service)) == 1


async def test_an_entry_that_never_got_its_outcome_is_listed_as_open(audit: Audit) -> None:
    """As after a controller that was killed."""
    service = await audit.start()
    await ask(service, changes=True).about_to_change(Wish(colour="red"))
    other = await audit.start(name="two")
    [told] = await entries(other, equal={"status": 0})
    assert told.response_code == 0


async def test_the_index_holds_the_newest_after_a_start(audit: Audit) -> None:
    service = await audit.start()
    for _ in range(30):
        await change(service)
    await service.stop()
    small = await audit.start(kept=10)
    found = await entries(small)
    assert 0 < len(found) <= 10
