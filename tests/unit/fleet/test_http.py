"""The agent routes: what is shown, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest
from tests.unit.fleet.test_facts import book_of, told
from tests.unit.fleet.test_registry import Clock, entry, record, registry_of

from osapi.contract import spoken
from osapi.contract.endpoint import Call, Caller, Routes
from osapi.contract.errors import Conflict, Forbidden, Invalid, NotFound
from osapi.contract.facts import HostFacts, HostInterface, HostRoute
from osapi.contract.ids import MachineId
from osapi.fleet import api, suspicions
from osapi.fleet.conditions import Condition, ConditionType
from osapi.fleet.drains import Drains
from osapi.fleet.http import routes
from osapi.fleet.models import Load, Memory, OsInfo
from osapi.fleet.registry import Registry
from osapi.fleet.timeline import Timelines
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer, Verifier
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio
KEY = PrivateKey(bytes(32))
FACTS = HostFacts(
    machine_id=MachineId("m1"),
    hostname="web-01",
    fqdn="web-01.example.org",
    containerized=False,
    interfaces=(HostInterface(name="eth0"),),
    routes=(HostRoute(destination="0.0.0.0", gateway="192.0.2.1", interface="eth0", mask="/0", metric=0),),
    facts={"role": "db", "app": {"port": 1}},
)


@dataclass
class Reader:
    """A caller whose roles reach one group, or every host."""

    group: str = ""
    subject: str = "anna"
    roles: tuple[str, ...] = ()

    def reaches(self, labels: Mapping[str, str]) -> bool:
        return not self.group or labels.get("group") == self.group


def made_of(registry: Registry) -> Routes:
    """The routes of a fleet that keeps neither orders nor timelines."""
    verifier = Verifier.of(KEY.public_key)
    drains = Drains(cast("Broker", None), None, Signer(KEY), verifier, lambda: datetime.now(UTC))
    return [
        *routes(registry, drains, Timelines(None), registry._keybook.forget),
        *suspicions.routes(registry, registry._quarantine),
    ]


async def ask(registry: Registry, operation_id: str, request: Any, caller: Reader) -> Any:
    handle = {endpoint.operation_id: handle for endpoint, handle in made_of(registry)}[operation_id]
    return (await handle(Call(caller=cast("Caller", caller), request=request, headers={}))).body


@pytest.fixture
async def registry() -> Registry:
    book = book_of()
    made = registry_of(Clock(), facts=book)
    await made.start()
    book.note(told(FACTS))
    facts = {
        "os_info": OsInfo("Debian GNU/Linux", "12"),
        "load": Load(0.5, 0.25, 0.125),
        "memory": Memory(total=8, free=2, used=4),
        "uptime_s": 90061,
        "conditions": (
            Condition(ConditionType.HIGH_LOAD, True, datetime.now(UTC), "load 9"),
            Condition(ConditionType.DISK_PRESSURE, False, datetime.now(UTC)),
        ),
    }
    made.note(entry(record("m1", "web-01", labels={"group": "web"}, **facts)))
    made.note(entry(record("m2", "db-01", labels={"group": "db"}, stopped=True)))
    return made


async def test_agents_are_listed_by_name_ready_or_not(registry: Registry) -> None:
    answer = await ask(registry, "getAgents", api.AgentListRequest(), Reader())
    assert answer.total == 2
    assert [(each.hostname, each.status.value) for each in answer.agents] == [
        ("db-01", "NotReady"),
        ("web-01", "Ready"),
    ]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"status": "Ready"}, ["web-01"]),
        ({"status": "NotReady"}, ["db-01"]),
        ({"target": "web-* and @fact.custom.role:db"}, ["web-01"]),
        ({"target": "_any"}, ["web-01"]),
        ({"target": "web-01", "state": "Cordoned"}, []),
        ({"reachable": False}, ["db-01"]),
        ({"state": "Ready"}, ["db-01", "web-01"]),
        ({"state": "Cordoned"}, []),
        ({"label": "group:web"}, ["web-01"]),
        ({"label": "group:mail"}, []),
        ({"condition": "HighLoad"}, ["web-01"]),
        ({"condition": "DiskPressure"}, []),
    ],
)
async def test_a_list_can_be_filtered(registry: Registry, wanted: dict[str, Any], found: list[str]) -> None:
    answer = await ask(registry, "getAgents", msgspec.convert(wanted, api.AgentListRequest), Reader())
    assert [each.hostname for each in answer.agents] == found


async def test_a_host_that_is_heard_of_is_not_removed_without_force(registry: Registry) -> None:
    with pytest.raises(Conflict, match="is reachable and would be cut off"):
        await ask(registry, "deleteAgent", api.DeleteRequest(hostname="web-01"), Reader())


async def test_without_a_bucket_for_it_nothing_is_drained(registry: Registry) -> None:
    with pytest.raises(Invalid, match=r"nats\.state\.bucket is empty"):
        await ask(registry, "drainAgent", api.DrainRequest(hostname="web-01"), Reader())


async def test_a_caller_sees_only_the_hosts_he_reaches(registry: Registry) -> None:
    answer = await ask(registry, "getAgents", api.AgentListRequest(), Reader("web"))
    assert [each.hostname for each in answer.agents] == ["web-01"]
    with pytest.raises(Forbidden):
        await ask(registry, "getAgentDetails", api.AgentRequest(hostname="db-01"), Reader("web"))


@pytest.mark.parametrize("name", ["web-01", "m1"])
async def test_an_agent_is_shown_with_the_field_names_of_the_contract(registry: Registry, name: str) -> None:
    answer = await ask(registry, "getAgentDetails", api.AgentRequest(hostname=name), Reader())
    shown = msgspec.to_builtins(answer)
    assert shown["uptime"] == "1 day, 1 hour, 1 minute"
    assert shown["load_average"] == {"1min": 0.5, "5min": 0.25, "15min": 0.125}
    assert shown["memory"] == {"total": 8, "free": 2, "used": 4}
    assert shown["os_info"] == {"distribution": "Debian GNU/Linux", "version": "12"}


async def test_an_agent_is_shown_with_the_facts_of_its_host(registry: Registry) -> None:
    answer = await ask(registry, "getAgentDetails", api.AgentRequest(hostname="m1"), Reader())
    shown = msgspec.json.decode(msgspec.json.encode(answer))
    route = {"destination": "0.0.0.0", "gateway": "192.0.2.1", "interface": "eth0", "mask": "/0", "metric": 0}
    assert (shown["fqdn"], shown["containerized"], shown["routes"]) == ("web-01.example.org", False, [route])
    assert (shown["interfaces"], shown["facts"]) == ([{"name": "eth0"}], {"role": "db", "app": {"port": 1}})
    silent = msgspec.to_builtins(await ask(registry, "getAgentDetails", api.AgentRequest(hostname="m2"), Reader()))
    assert not {"fqdn", "containerized", "routes", "interfaces", "facts"} & silent.keys()


@pytest.mark.parametrize("target", ["web-*", "group:web", "_any", "_all", "@fact.custom.role:db", "web-01"])
async def test_agents_are_listed_by_target(registry: Registry, target: str) -> None:
    answer = await ask(registry, "getAgents", api.AgentListRequest(target=target), Reader())
    assert [each.hostname for each in answer.agents] == ["web-01"]


async def test_an_unknown_agent_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotFound, match="no host 'mail'"):
        await ask(registry, "getAgentDetails", api.AgentRequest(hostname="mail"), Reader())


def test_uptime_is_told_in_days_hours_and_minutes() -> None:
    assert spoken.duration(timedelta(days=4, hours=1, minutes=25, seconds=59)) == "4 days, 1 hour, 25 minutes"
    assert spoken.duration(timedelta(seconds=59)) == "0 days, 0 hours, 0 minutes"


async def test_what_was_not_believed_is_shown_to_who_reaches_the_host(registry: Registry) -> None:
    for number in range(3):
        registry.note(entry(record("m1"), key=f"agents.x{number}"))
    registry.note(entry(record("stranger"), key="agents.y"))
    limited = api.QuarantineRequest(limit=2)
    report = await ask(registry, "getAgentsQuarantine", limited, Reader())
    assert (report.total, [item.key for item in report.items]) == (4, ["agents.y", "agents.x2"])
    assert (report.items[1].machine_id, report.items[1].saying.value) == ("m1", "heartbeat")
    report = await ask(registry, "getAgentsQuarantine", api.QuarantineRequest(), Reader("web"))
    assert (report.total, {item.machine_id for item in report.items}) == (3, {"m1"})
    report = await ask(registry, "getAgentsQuarantine", api.QuarantineRequest(), Reader("db"))
    assert (report.total, report.items) == (0, [])
