"""What is noted about agents that come and go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from osapi.contract.ids import MachineId
from osapi.fleet.models import AgentRecord, AgentState, TimelineEvent
from osapi.fleet.observer import happened
from osapi.fleet.registry import Agent

START = datetime(2026, 1, 2, tzinfo=UTC)
TTL = timedelta(seconds=30)


def agent(*, reachable: bool = True, beat_s: float = 10.0, **more: Any) -> Agent:
    record = AgentRecord(
        machine_id=MachineId("m1"),
        hostname="web-01",
        version="1",
        registered_at=START,
        started_at=START,
        heartbeat_at=START + timedelta(seconds=beat_s),
        **more,
    )
    return Agent(record, ready=reachable, reachable=reachable, state=record.state, silent_s=0.0)


def noted(*names: str) -> list[TimelineEvent]:
    return [
        TimelineEvent(timestamp=START + timedelta(seconds=number), event=name, hostname="web-01")
        for number, name in enumerate(names)
    ]


@pytest.mark.parametrize(
    ("seen", "known", "names"),
    [
        (agent(), noted(), ["started"]),
        (agent(), noted("started"), []),
        (agent(reachable=False), noted("started"), ["unreachable"]),
        (agent(beat_s=60), noted("started", "unreachable"), ["returned"]),
        (agent(stopped=True, reachable=False), noted("started"), ["stopped"]),
        (agent(state=AgentState.DRAINING), noted("started", "drain"), []),
        (agent(state=AgentState.CORDONED), noted("started", "drain"), ["cordoned"]),
        (agent(state=AgentState.CORDONED), noted("started", "drain", "cordoned"), []),
        (agent(state=AgentState.CORDONED), noted("started", "drain", "unreachable"), ["returned", "cordoned"]),
        (agent(state=AgentState.CORDONED), noted("started", "drain", "cordoned", "undrain"), []),
    ],
)
def test_what_has_become_of_an_agent_is_noted_once(seen: Agent, known: list[TimelineEvent], names: list[str]) -> None:
    assert [event.event for event in happened(seen, known, TTL)] == names


def test_whoever_watches_notes_the_same_thing_with_the_same_time() -> None:
    first, second = (list(happened(agent(reachable=False), noted("started"), TTL)) for _ in range(2))
    assert first == second
    assert first[0].timestamp == START + timedelta(seconds=40)


def test_a_restart_after_a_silence_is_a_start_not_a_return() -> None:
    seen = agent()
    known = [TimelineEvent(timestamp=START - timedelta(hours=1), event="unreachable", hostname="web-01")]
    assert [event.event for event in happened(seen, known, TTL)] == ["started"]


def test_a_heartbeat_that_was_long_on_its_way_is_noted_after_the_silence_that_it_ends() -> None:
    silent = list(happened(agent(reachable=False), noted("started"), TTL))
    known = [*noted("started"), *silent]
    [back] = happened(agent(), known, TTL)
    assert (back.event, back.timestamp) == ("returned", silent[0].timestamp)
    assert list(happened(agent(beat_s=90), [*known, back], TTL)) == []
