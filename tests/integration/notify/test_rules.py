"""How often real controllers tell a real HTTP receiver, and what besides hosts they tell of."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest
from tests.integration.controller.kit import ControllerProcess, register, until
from tests.integration.notify.conftest import Made
from tests.integration.notify.test_telling import Web, about_hosts, told

from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio
LOST = "[OSAPI] host-{}: unreachable"


async def test_what_lasts_is_told_again_after_the_interval(broker: Broker, telling: Made, web: Web) -> None:
    await asyncio.to_thread(telling, renotify_interval="2s")
    await register(broker, "a" * 32)
    name = f"host-{'a' * 32}"
    again = f"[OSAPI] {name}: still unreachable"
    await told(web[0], f"[OSAPI] {name}: unreachable", again, again)
    assert all(each["message"].count("last heard of at") == 1 for each in web[0].got)


async def test_above_the_rate_limit_messages_are_counted_and_their_number_told(
    broker: Broker, telling: Made, web: Web
) -> None:
    controller = await asyncio.to_thread(telling, rate_limit=1, rate_interval="8s")
    token = controller.token("admin")
    await register(broker, "a" * 32)
    await told(web[0], LOST.format("a" * 32))
    await register(broker, "b" * 32)

    def known() -> bool:
        items = controller.get("/api/notify", token).json["items"]
        return sum(each["told"] for each in items) == 2

    await asyncio.to_thread(until, known)
    assert len(about_hosts(web[0])) == 1
    await told(web[0], LOST.format("a" * 32), "[OSAPI] 1 messages were left out")
    assert "1 with 1 events were left out" in web[0].got[-1]["message"]


async def test_a_failed_job_is_told_once_and_a_restart_does_not_repeat_it(
    broker: Broker, telling: Made, web: Web
) -> None:
    controller = await asyncio.to_thread(telling, conditions=["JobFailed"], api={"job_expiry": "2s"})
    await register(broker, "a" * 32)
    token, path = controller.token("admin"), f"/api/node/{'a' * 32}/sysctl?wait=0"
    body = {"key": "net.ipv4.ip_forward", "value": "1"}
    answer = await asyncio.to_thread(controller.call, "POST", path, token, body)
    job = answer.json["job_id"]
    await told(web[0], f"[OSAPI] job {job}: JobFailed")
    assert f"node.sysctl.create on {'a' * 32}: expired" in web[0].got[0]["message"]
    await asyncio.to_thread(controller.stop)
    await asyncio.to_thread(controller.start)
    await asyncio.to_thread(until, lambda: controller.log.count("notify.speaking") == 2)
    await register(broker, "b" * 32)
    other = (await asyncio.to_thread(controller.call, "POST", path.replace("a" * 32, "b" * 32), token, body)).json[
        "job_id"
    ]
    await told(web[0], f"[OSAPI] job {job}: JobFailed", f"[OSAPI] job {other}: JobFailed")


async def test_a_broken_audit_is_told_by_the_one_that_speaks_whoever_found_it(telling: Made, web: Web) -> None:
    speaker = await asyncio.to_thread(telling, conditions=["AuditBroken"])
    other = await asyncio.to_thread(telling, conditions=["AuditBroken"], like=speaker)
    token = other.token("admin")
    await asyncio.to_thread(until, lambda: "notify.speaking" in speaker.log)
    await asyncio.to_thread(other.call, "GET", "/api/agent", token)
    await asyncio.to_thread(until, lambda: _anchor(other).exists())
    await asyncio.to_thread(other.stop)
    seen = json.loads(_anchor(other).read_text())
    _anchor(other).write_text(json.dumps({**seen, "digest": "0" * 64}))
    await asyncio.to_thread(other.start)
    await told(web[0], "[OSAPI] audit chain: AuditBroken")
    assert "another one" in web[0].got[0]["message"]
    assert "audit.broken" not in speaker.log
    for controller in (speaker, other):
        status = controller.get("/api/health/status", controller.token("admin"))
        assert "another one" in status.json["components"]["audit chain"]["error"]
        assert controller.get("/health/ready").status == 200
    await asyncio.to_thread(speaker.stop)
    await asyncio.to_thread(until, lambda: other.log.count("notify.speaking") == 1)
    await asyncio.to_thread(speaker.start)
    assert about_hosts(web[0]) == ["[OSAPI] audit chain: AuditBroken"]


async def test_a_controller_that_crashes_is_missed_by_another_and_one_that_ends_is_not(telling: Made, web: Web) -> None:
    watching = await asyncio.to_thread(telling)
    crashing, ending = [await asyncio.to_thread(telling, like=watching) for _ in range(2)]
    name = f"[OSAPI] controller {socket.gethostname()}-{crashing.port}"
    await asyncio.to_thread(ending.stop)
    crashing.end()
    await asyncio.to_thread(until, lambda: web[0].titles() == [f"{name}: unreachable"])
    status = watching.get("/api/health/status", watching.token("admin"))
    assert (status.status, status.json["status"]) == (503, "degraded")
    await asyncio.to_thread(crashing.start)
    await asyncio.to_thread(until, lambda: web[0].titles() == [f"{name}: unreachable", f"{name}: reachable again"])


async def test_texts_of_ones_own_are_used(broker: Broker, telling: Made, web: Web) -> None:
    body = "{% for group in vars.groups %}{{ group.total }} {{ group.says }}: {{ group.events | map(attribute='name') | join(', ') }}{% endfor %}"
    await asyncio.to_thread(telling, title="{{ vars.summary }} (berlin)", body=body)
    await asyncio.gather(*(register(broker, name * 32) for name in "ab"))
    await told(web[0], "2 unreachable (berlin)")
    said, _, names = web[0].got[0]["message"].partition(": ")
    assert (said, sorted(names.split(", "))) == ("2 unreachable", [f"host-{name * 32}" for name in "ab"])


def _anchor(controller: ControllerProcess) -> Path:
    return controller.folder / "data" / "audit" / "anchor.json"
