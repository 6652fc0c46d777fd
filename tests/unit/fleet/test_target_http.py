"""The routes about targets and facts: whom a target means to whom, and which facts there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest
from tests.unit.fleet.test_facts import book_of, told
from tests.unit.fleet.test_http import FACTS
from tests.unit.fleet.test_registry import Clock, entry, record, registry_of

from osapi.contract.endpoint import Call, Caller
from osapi.contract.errors import Forbidden, Invalid
from osapi.contract.operation import Nothing
from osapi.fleet.registry import Registry
from osapi.fleet.resolution import Reach
from osapi.fleet.target_api import TargetRequest
from osapi.fleet.target_http import routes

pytestmark = pytest.mark.anyio


@dataclass
class Reader:
    """A caller whose roles reach one group or every host; some permissions are held everywhere, power is not."""

    group: str = ""
    everywhere: tuple[str, ...] = ()

    def reaches(self, labels: Mapping[str, str]) -> bool:
        return not self.group or labels.get("group") == self.group

    def may(self, permission: str) -> bool:
        return permission != "power:execute"

    def reach(self, permission: str) -> Reach:
        return (lambda _: True) if permission in self.everywhere else self.reaches


@pytest.fixture
async def registry() -> Registry:
    """Two ready hosts of the group web, one of which has told facts, and one of db that has ended."""
    book = book_of()
    made = registry_of(Clock(), facts=book)
    await made.start()
    book.note(told(FACTS))
    for machine, hostname, group in (("m1", "web-01", "web"), ("m2", "db-01", "db"), ("m3", "web-03", "web")):
        made.note(entry(record(machine, hostname, labels={"group": group}, stopped=group == "db")))
    return made


async def ask(registry: Registry, operation_id: str, request: Any, caller: Reader) -> Any:
    handle = {endpoint.operation_id: handle for endpoint, handle in routes(registry)}[operation_id]
    return (await handle(Call(caller=cast("Caller", caller), request=request, headers={}))).body


@pytest.mark.parametrize(
    ("target", "total", "hosts", "undecided"),
    [
        ("_all", 2, ["web-01", "web-03"], []),
        ("_any", 1, ["web-01", "web-03"], []),
        ("m3", 1, ["web-03"], []),
        ("@fact.custom.role:db", 1, ["web-01"], ["web-03"]),
        ("not @fact.custom.role:x", 1, ["web-01"], ["web-03"]),
    ],
)
async def test_a_target_is_told_without_doing_anything(
    registry: Registry, target: str, total: int, hosts: list[str], undecided: list[str]
) -> None:
    answer = await ask(registry, "getTarget", TargetRequest(target=target), Reader())
    assert (answer.target, answer.total) == (target, total)
    assert [host.hostname for host in answer.hosts] == hosts
    assert [host.hostname for host in answer.undecided] == undecided


async def test_what_is_counted_is_what_a_permission_reaches(registry: Registry) -> None:
    with pytest.raises(Forbidden):
        await ask(registry, "getTarget", TargetRequest(target="_all"), Reader("db"))
    everywhere = Reader("db", ("node:read",))
    assert (
        await ask(registry, "getTarget", TargetRequest(target="_all", permission="node:read"), everywhere)
    ).total == 2
    with pytest.raises(Forbidden, match="power:execute"):
        await ask(registry, "getTarget", TargetRequest(target="_all", permission="power:execute"), Reader())


@pytest.mark.parametrize("target", ["a b", "web-9*", "nobody", ""])
async def test_a_target_that_means_nobody_is_refused(registry: Registry, target: str) -> None:
    with pytest.raises(Invalid):
        await ask(registry, "getTarget", TargetRequest(target=target), Reader())


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
