"""The agent routes: what is shown, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest
from tests.unit.fleet.test_facts import told
from tests.unit.fleet.test_registry import Clock, entry, record, registry_of

from osapi.contract import spoken
from osapi.contract.endpoint import Call, Caller
from osapi.contract.errors import Forbidden, Invalid, NotFound
from osapi.contract.facts import HostFacts, Interface, Route
from osapi.contract.ids import MachineId
from osapi.contract.operation import Nothing
from osapi.fleet import api
from osapi.fleet.facts import FactBook
from osapi.fleet.http import routes
from osapi.fleet.models import Load, Memory, OsInfo
from osapi.fleet.registry import Registry
from osapi.fleet.resolution import Reach

pytestmark = pytest.mark.anyio

ROUTE = Route(destination="0.0.0.0", gateway="192.0.2.1", interface="eth0", mask="/0", metric=0)


@dataclass
class Reader:
    """A caller whose roles reach one group, or every host."""

    group: str = ""
    everywhere: tuple[str, ...] = ()

    def reaches(self, labels: Mapping[str, str]) -> bool:
        return not self.group or labels.get("group") == self.group

    def may(self, permission: str) -> bool:
        return permission != "power:execute"

    def reach(self, permission: str) -> Reach:
        return (lambda _: True) if permission in self.everywhere else self.reaches


async def ask(registry: Registry, operation_id: str, request: Any, caller: Reader) -> Any:
    handle = {endpoint.operation_id: handle for endpoint, handle in routes(registry)}[operation_id]
    return (await handle(Call(caller=cast("Caller", caller), request=request, headers={}))).body


@pytest.fixture
async def registry() -> Registry:
    book = FactBook(None)
    made = registry_of(Clock(), facts=book)
    await made.start()
    book.note(
        told(
            HostFacts(
                machine_id=MachineId("m1"),
                hostname="web-01",
                fqdn="web-01.example.org",
                containerized=False,
                interfaces=(Interface(name="eth0"),),
                routes=(ROUTE,),
                facts={"role": "db", "app": {"port": 1}},
            )
        )
    )
    facts = {
        "os_info": OsInfo("Debian GNU/Linux", "12"),
        "load": Load(0.5, 0.25, 0.125),
        "memory": Memory(total=8, free=2, used=4),
        "uptime_s": 90061,
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


async def test_a_target_is_told_without_doing_anything(registry: Registry) -> None:
    registry.note(entry(record("m3", "web-03", labels={"group": "web"})))

    async def told(target: str, caller: Reader, permission: str | None = None) -> Any:
        request = api.TargetRequest(target=target, permission=permission)
        answer = await ask(registry, "getTarget", request, caller)
        return answer.total, [host.hostname for host in answer.hosts], [host.hostname for host in answer.undecided]

    assert await told("_all", Reader()) == (2, ["web-01", "web-03"], [])
    assert await told("_any", Reader()) == (1, ["web-01", "web-03"], [])
    assert await told("not @fact.custom.role:x", Reader()) == (1, ["web-01"], ["web-03"])
    with pytest.raises(Forbidden):
        await told("_all", Reader("db"))
    assert await told("_all", Reader("db", ("node:read",)), "node:read") == (2, ["web-01", "web-03"], [])
    with pytest.raises(Forbidden, match="power:execute"):
        await told("_all", Reader(), "power:execute")
    with pytest.raises(Invalid):
        await told("a b", Reader())


async def test_fact_keys_are_told_with_the_custom_facts_of_hosts_within_reach(registry: Registry) -> None:
    async def custom(caller: Reader) -> dict[str, str]:
        answer = await ask(registry, "GetFactKeys", Nothing(), caller)
        assert {"hostname", "interface.primary"} <= {key.key for key in answer.keys if key.builtin}
        return {key.key: key.description for key in answer.keys if not key.builtin}

    assert await custom(Reader()) == {
        "custom.role": "Custom fact of 1 host.",
        "custom.app.port": "Custom fact of 1 host.",
    }
    assert await custom(Reader("db")) == {}


async def test_an_unknown_agent_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotFound, match="no host 'mail'"):
        await ask(registry, "getAgentDetails", api.AgentRequest(hostname="mail"), Reader())


def test_uptime_is_told_in_days_hours_and_minutes() -> None:
    assert spoken.duration(timedelta(days=4, hours=1, minutes=25, seconds=59)) == "4 days, 1 hour, 25 minutes"
    assert spoken.duration(timedelta(seconds=59)) == "0 days, 0 hours, 0 minutes"
