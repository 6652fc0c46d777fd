"""The request that a provider gets: references replaced on this host, and the rules of its model kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta, Struct
from tests.unit.agent.kit import operation

from osapi.agent import requests
from osapi.contract.errors import Invalid, Permanent
from osapi.contract.operation import Kind
from osapi.contract.secret import MASK, Secret
from osapi.domains.command import operations as command
from osapi.domains.command.models import ShellRequest
from osapi.testing.host import FakeHost, Setup

pytestmark = pytest.mark.anyio


class Request(Struct):
    name: Annotated[str, Meta(max_length=8, pattern=r"^[a-z0-9-]+$(?!\n)")] = "x"
    entries: list[str] = []
    count: int = 0
    key: Secret | None = None

    def __post_init__(self) -> None:
        if self.name == "web-13":
            raise ValueError("web-13 is unlucky")


OPERATION = replace(operation("thing.named", Kind.QUERY, Request), request=Request)


NO_SECRETS: Mapping[str, str] = {}


async def read(request: dict[str, Any], secrets: Mapping[str, str] = NO_SECRETS, **facts: Any) -> Any:
    host = FakeHost(Setup(facts=facts))
    try:
        return await requests.read(OPERATION, msgspec.Raw(msgspec.json.encode(request)), secrets, host)
    finally:
        host.close()


async def test_a_request_without_references_is_read_as_it_is() -> None:
    assert await read({"name": "a", "entries": ["b"], "count": 3}) == Request(name="a", entries=["b"], count=3)


async def test_references_stand_for_what_this_host_tells() -> None:
    found = await read({"name": "@fact.hostname", "entries": ["@fact.custom.role", "@@fact.x"]}, facts={"role": "db"})
    assert found == Request(name="web-01", entries=["db", "@fact.x"])


@pytest.mark.parametrize("hostname", ["WEB", "much-too-long", "web-13", "a b"])
async def test_what_they_stand_for_keeps_to_the_rules_of_the_model(hostname: str) -> None:
    with pytest.raises(Invalid, match="the request does not fit once its references are replaced"):
        await read({"name": "@fact.hostname"}, hostname=hostname)


async def test_one_that_stands_for_nothing_names_field_and_fact() -> None:
    with pytest.raises(Permanent, match=r"^entries\[0\]: @fact\.custom\.role cannot be replaced") as refused:
        await read({"entries": ["@fact.custom.role"]})
    assert refused.value.error_code == "fact_unresolved"


async def test_a_number_is_not_made_of_text() -> None:
    with pytest.raises(Invalid):
        await read({"count": "@fact.cpu.count"}, cpu_count=4)


@pytest.mark.parametrize("raw", [b'["@fact.os"]', b'"@fact.os"', b'{"@fact.os"', b'{"name": "@fact.os\xff"}'])
async def test_what_is_no_object_does_not_fit(raw: bytes) -> None:
    with pytest.raises(Invalid, match="does not fit"):
        await requests.read(OPERATION, msgspec.Raw(raw), {}, FakeHost())


@pytest.mark.parametrize("name", ["a", "@fact.hostname"])
async def test_a_secret_is_put_in_its_place_and_never_looked_at_for_references(name: str) -> None:
    found = await read({"name": name, "key": MASK}, {"key": "@fact.hostname @@fact.x"})
    assert found.key == Secret("@fact.hostname @@fact.x")
    assert found.name in {"a", "web-01"}


@pytest.mark.parametrize("name", ["a", "@fact.hostname"])
async def test_a_secret_that_belongs_nowhere_does_not_fit(name: str) -> None:
    with pytest.raises(Invalid, match="does not fit"):
        await read({"name": name}, {"key": "x"})


async def test_shell_text_takes_plain_values_and_the_environment_any() -> None:
    host = FakeHost(Setup(facts={"cpu_model": "X $(reboot)"}))

    async def shell(**request: Any) -> Any:
        return await requests.read(command.SHELL, msgspec.Raw(msgspec.json.encode(request)), {}, host)

    assert await shell(command='echo "$M" @fact.hostname', env=["M=@fact.cpu.model"]) == ShellRequest(
        command='echo "$M" web-01', env=["M=X $(reboot)"]
    )
    with pytest.raises(Permanent, match="characters that a shell reads"):
        await shell(command="echo @fact.cpu.model")
    host.close()
