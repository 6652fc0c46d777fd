"""When facts are told, and when they are not."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest
from tests.unit.agent.kit import OWN, FakeBucket, opened

from osapi.agent import fact_reporter
from osapi.agent.fact_reporter import FactReporter
from osapi.agent.pulse import Pulse
from osapi.contract.errors import OsapiError, Permanent, Unavailable
from osapi.contract.facts import HostFacts
from osapi.contract.ids import MachineId
from osapi.host.local import LocalHost
from osapi.jobs import envelope
from osapi.transport.bucket import Bucket

pytestmark = pytest.mark.anyio


class Host:
    """As much of a host as is asked for facts."""

    def __init__(self) -> None:
        self.hostname = "web-01"
        self.looks = 0
        self.fails: OsapiError | None = None
        self.stale_facts = asyncio.Event()

    async def refresh_facts(self) -> HostFacts:
        self.looks += 1
        self.stale_facts.clear()
        if self.fails:
            raise self.fails
        return HostFacts(machine_id=MachineId("m.1"), hostname=self.hostname)


class Bench:
    """A reporter with everything around it."""

    def __init__(self, interval_s: float = 3600.0, ttl_s: float = 0.0) -> None:
        self.bucket, self.host, self.returned, self.now_s = FakeBucket(), Host(), Pulse(), 0.0
        self.reporter = FactReporter(
            cast("Bucket", self.bucket),
            cast("LocalHost", self.host),
            OWN.signer,
            timedelta(seconds=interval_s),
            timedelta(seconds=ttl_s),
            self.returned,
            lambda: self.now_s,
        )

    @property
    def told(self) -> Any:
        return msgspec.json.decode(opened(self.bucket.entries["facts.m_1"], envelope.FACTS))["hostname"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fact_reporter, "PAUSE_S", 0.01)
    monkeypatch.setattr(fact_reporter, "_RETRY_S", 0.01)


async def test_only_news_is_told() -> None:
    bench = Bench()
    assert [await bench.reporter.report() for _ in range(3)] == [True] * 3
    assert (bench.host.looks, bench.bucket.writes, bench.told) == (3, 1, "web-01")
    bench.host.hostname = "web-02"
    await bench.reporter.report()
    assert (bench.bucket.writes, bench.told) == (2, "web-02")


async def test_facts_are_told_again_before_the_bucket_forgets_them() -> None:
    bench = Bench(ttl_s=300)
    for now_s, writes in ((0.0, 1), (149.0, 1), (150.0, 2), (299.0, 2), (301.0, 3)):
        bench.now_s = now_s
        await bench.reporter.report()
        assert bench.bucket.writes == writes


@pytest.mark.parametrize("problem", [Unavailable("away"), Permanent("unreadable")])
async def test_what_was_not_taken_is_told_the_next_time(problem: OsapiError) -> None:
    bench = Bench()
    if isinstance(problem, Unavailable):
        bench.bucket.refuses = [problem]
    else:
        bench.host.fails = problem
    assert not await bench.reporter.report()
    bench.host.fails = None
    assert await bench.reporter.report()
    assert bench.bucket.writes == 1


async def test_a_change_is_told_soon_and_nothing_else_is_looked_at() -> None:
    bench = Bench()
    running = asyncio.create_task(bench.reporter.run())
    await bench.bucket.until(lambda: bench.bucket.writes == 1)
    bench.host.hostname = "web-02"
    bench.host.stale_facts.set()
    await bench.bucket.until(lambda: bench.bucket.writes == 2)
    assert (bench.told, bench.host.looks) == ("web-02", 2)
    running.cancel()


async def test_the_host_is_looked_at_again_when_the_interval_is_over() -> None:
    bench = Bench(interval_s=0.02)
    running = asyncio.create_task(bench.reporter.run())
    await bench.bucket.until(lambda: bench.bucket.writes == 1)
    bench.host.hostname = "web-02"
    await bench.bucket.until(lambda: bench.told == "web-02")
    running.cancel()


async def test_after_a_return_everything_is_told_again() -> None:
    bench = Bench()
    running = asyncio.create_task(bench.reporter.run())
    await bench.bucket.until(lambda: bench.bucket.writes == 1)
    while bench.bucket.writes == 1:
        bench.returned.beat()
        await asyncio.sleep(0.01)
    assert bench.told == "web-01"
    running.cancel()


async def test_a_broker_that_does_not_take_them_is_tried_again_soon() -> None:
    bench = Bench()
    bench.bucket.refuses = [Unavailable("no bucket yet")] * 3
    running = asyncio.create_task(bench.reporter.run())
    await bench.bucket.until(lambda: bench.bucket.writes == 1)
    assert bench.host.looks == 4
    running.cancel()
