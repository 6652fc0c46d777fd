"""Row 10 of the fault matrix: the broker's disk is full."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.faults.disk import TinyServer
from tests.integration.controller.kit import ControllerProcess, register, until

from osapi.transport.broker import Broker

MACHINE = "a" * 32
CHANGE = f"/api/node/{MACHINE}/sysctl?wait=0"


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[TinyServer]:
    (tmp_path / "nats").mkdir()
    server = TinyServer(tmp_path / "nats")
    yield server
    server.end()


@pytest.fixture
def controller(tiny: TinyServer, tmp_path: Path) -> Iterator[ControllerProcess]:
    settings = {
        "api": {"limits": {"token_per_second": 0}, "job_expiry": "10m"},
        "nats": {"registry": {"ttl": "10m"}, "output": {"max_bytes": 0}},  # nothing is reserved that is not there
    }
    process = ControllerProcess(tmp_path / "controller", tiny.settings, settings)
    process.start()
    asyncio.run(_one_host(tiny))
    yield process
    process.end()


async def _one_host(tiny: TinyServer) -> None:
    broker = await Broker.connect(tiny.address, name="test")
    await register(broker, MACHINE)
    await broker.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def submit(controller: ControllerProcess, token: str) -> tuple[int, str, str]:
    """One change; returns status, code and job id of the answer."""
    body = {"key": "net.ipv4.ip_forward", "value": "1"}
    answer = controller.call("POST", CHANGE, token, body, Idempotency_Key=str(uuid.uuid4()))
    return answer.status, answer.json.get("code", ""), answer.json.get("job_id", "")


def seconds_to_red(controller: ControllerProcess) -> float:
    """How long it takes from now on until whoever asks is told that there is something wrong."""
    began = time.monotonic()
    until(lambda: controller.get("/health/ready").status == 503)
    return time.monotonic() - began


def test_a_full_disk_refuses_changes_and_nothing_accepted_is_lost(
    tiny: TinyServer, controller: ControllerProcess, pool: ThreadPoolExecutor
) -> None:
    token = controller.token("admin")
    accepted = {submit(controller, token)[2] for _ in range(100)}
    tiny.disk.fill()
    watching = pool.submit(seconds_to_red, controller)
    answers: Counter[tuple[int, str]] = Counter()
    while (answer := submit(controller, token))[0] == 202:
        accepted.add(answer[2])
    answers[answer[:2]] += 1
    alarm_s = watching.result(timeout=30)
    answers[submit(controller, token)[:2]] += 1
    assert {status for status, _ in answers} <= {503, 507}
    until(lambda: "the audit cannot be written" in controller.get("/health/ready").json["error"])
    assert controller.get("/api/job", token).status == 200
    tiny.disk.free()
    tiny.restart()  # nats-server writes no more to a stream after an error of the disk
    until(lambda: controller.get("/health/ready").status == 200)
    again = submit(controller, token)
    assert again[0] == 202
    accepted.add(again[2])
    present = {job for job in accepted if controller.get(f"/api/job/{job}", token).status == 200}
    entered = {item["job_id"] for item in controller.get("/api/audit/export?kind=change", token).json["items"]}
    print(
        f"row 10: broker disk full: {len(accepted)} accepted, {len(present)} present, {len(accepted - entered)} without "
        f"an audit entry, alarm after {alarm_s:.1f} s, refused with {dict(answers)}"
    )
    assert alarm_s < 5
    assert present == accepted
    assert accepted <= entered
