"""Where Prometheus is sent, and for whom."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from tests.unit.fleet.test_http import Reader
from tests.unit.fleet.test_registry import Clock, entry, record, registry_of

from osapi.contract.endpoint import Call, Caller
from osapi.contract.operation import Nothing
from osapi.fleet.components import Component, Components
from osapi.fleet.discovery import address, routes
from osapi.fleet.models import ComponentKind, ComponentRecord
from osapi.telemetry.process import ProcessFigures

pytestmark = pytest.mark.anyio
HERE = socket.gethostname()


class Programs:
    """A controller and a broker that shows nothing."""

    def list(self) -> list[Component]:
        now = datetime.now(UTC)
        return [
            Component(
                ComponentRecord(
                    kind=kind,
                    name="x",
                    hostname=HERE,
                    version="1",
                    started_at=now,
                    heartbeat_at=now,
                    metrics=metrics,
                    process=ProcessFigures(cpu_percent=0.0, rss_bytes=0, threads=1),
                ),
                reachable=True,
                silent_s=0.0,
            )
            for kind, metrics in ((ComponentKind.CONTROLLER, "127.0.0.1:9090"), (ComponentKind.NATS, ""))
        ]


@pytest.mark.parametrize(
    ("metrics", "hostname", "where"),
    [
        ("", "web-01", ""),
        ("0.0.0.0:9091", "web-01", "web-01:9091"),
        ("[::]:9091", "web-01", "web-01:9091"),
        ("10.0.0.7:9091", "web-01", "10.0.0.7:9091"),
        ("[fd00::7]:9091", "web-01", "[fd00::7]:9091"),
        ("web-01.example.org:9091", "web-01", "web-01.example.org:9091"),
        ("127.0.0.1:9091", "web-01", ""),
        ("[::1]:9091", "web-01", ""),
        ("localhost:9091", "web-01", ""),
        ("127.0.0.1:9091", "here", "127.0.0.1:9091"),
        ("localhost:9091", "here", "localhost:9091"),
    ],
)
def test_the_address_is_one_at_which_prometheus_finds_this_very_program(
    metrics: str, hostname: str, where: str
) -> None:
    assert address(metrics, hostname, "here") == where


async def targets(caller: Reader) -> Any:
    registry = registry_of(Clock())
    await registry.start()
    shown = {"metrics": "0.0.0.0:9091", "labels": {"group": "web", "a-b": "c"}}
    registry.note(entry(record("m1", "web-01", **shown)))
    registry.note(entry(record("m2", "db-01", labels={"group": "db"}, metrics="10.0.0.2:9091")))
    registry.note(entry(record("m3", "quiet")))
    registry.note(entry(record("m4", "ended", stopped=True, metrics="10.0.0.4:9091")))
    ((_, handle),) = routes(registry, cast("Components", Programs()))
    return (await handle(Call(caller=cast("Caller", caller), request=Nothing(), headers={}))).body


async def test_every_program_that_shows_its_figures_is_listed() -> None:
    controller, db, web = await targets(Reader())
    assert controller.targets == ["127.0.0.1:9090"]
    assert controller.labels == {"component": "controller", "hostname": HERE, "__meta_osapi_version": "1"}
    assert db.targets == ["10.0.0.2:9091"]
    assert web.targets == ["web-01:9091"]
    assert web.labels == {
        "component": "agent", "hostname": "web-01", "__meta_osapi_version": "1", "__meta_osapi_machine_id": "m1",
        "__meta_osapi_label_group": "web", "__meta_osapi_label_a_b": "c",
    }  # fmt: skip


async def test_a_caller_sees_the_agents_that_his_roles_reach() -> None:
    assert [group.labels["hostname"] for group in await targets(Reader("web"))] == [HERE, "web-01"]
