"""The controller as a program: starting, failing to start, stopping, losing its broker."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from tests.conftest import NatsServer
from tests.integration.controller.conftest import MakeController
from tests.integration.controller.kit import Answer, ControllerProcess, free_port, register, until

from osapi.auth import revocation
from osapi.auth.revocation import Revoked
from osapi.controller.serve import DRAIN_S
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio


async def test_a_request_under_way_is_answered_before_the_end(
    make_controller: MakeController, nats_server: NatsServer
) -> None:
    controller = make_controller()
    await _host(nats_server, controller)
    answers: list[Answer] = []
    path = "/api/node/_all/os?wait=2"
    asking = threading.Thread(target=lambda: answers.append(controller.get(path, controller.token("admin"))))
    asking.start()
    until(lambda: controller.get("/api/job", controller.token("admin")).json["total_items"] > 0)
    assert controller.stop() == 0
    asking.join()
    assert (answers[0].status, answers[0].json["code"]) == (504, "no_answer")


async def test_a_request_that_takes_too_long_is_told_its_job(
    make_controller: MakeController, nats_server: NatsServer
) -> None:
    controller = make_controller()
    await _host(nats_server, controller)
    answers: list[Answer] = []
    path = "/api/node/_all/os?wait=600"
    asking = threading.Thread(target=lambda: answers.append(controller.get(path, controller.token("admin"))))
    asking.start()
    until(lambda: controller.get("/api/job", controller.token("admin")).json["total_items"] > 0)
    began = time.monotonic()
    assert controller.stop() == 0
    assert time.monotonic() - began < DRAIN_S + 10
    asking.join()
    assert (answers[0].status, answers[0].json["code"]) == (503, "unavailable")
    assert answers[0].json["job_id"]


async def test_a_stream_ends_with_the_controller_and_goes_on_with_the_next(
    make_controller: MakeController, nats_server: NatsServer
) -> None:
    controller = make_controller()
    await _host(nats_server, controller)
    token = controller.token("admin")
    connection = controller.connect()
    connection.request("GET", "/api/events", headers={"Authorization": f"Bearer {token}"})
    reply = connection.getresponse()
    assert reply.readline() == b"retry: 1000\n"
    first = controller.call("POST", "/api/node/_all/sysctl?wait=0", token, {"key": "vm.swappiness", "value": "10"})
    seen, last = b"", ""
    while first.json["job_id"].encode() not in seen:
        seen = reply.readline()
        if seen.startswith(b"id: "):
            last = seen.decode().strip().removeprefix("id: ")
    second = controller.call("POST", "/api/node/_all/sysctl?wait=0", token, {"key": "vm.swappiness", "value": "20"})
    began = time.monotonic()
    assert controller.stop() == 0
    assert time.monotonic() - began < DRAIN_S, "an open stream does not hold the stop up"
    rest = reply.read()
    assert rest == b"" or rest.endswith(b"\n\n")
    connection.close()
    controller.start()
    again = controller.connect()
    again.request("GET", f"/api/job/{second.json['job_id']}/events", headers={"Authorization": f"Bearer {token}"})
    stream = again.getresponse()
    blocks = b"".join(stream.readline() for _ in range(6))
    assert second.json["job_id"].encode() in blocks
    assert last
    again.close()


async def test_readiness_follows_the_broker(make_controller: MakeController, nats_server: NatsServer) -> None:
    controller = make_controller()
    nats_server.stop()
    began = time.monotonic()
    until(lambda: controller.get("/health/ready").status == 503)
    to_red = time.monotonic() - began
    answer = controller.get("/api/node/_all/os", controller.token("admin"))
    assert answer.status in (400, 503)
    assert controller.get("/health").status == 200
    nats_server.start()
    began = time.monotonic()
    until(lambda: controller.get("/health/ready").status == 200)
    assert to_red < 5
    print(f"readiness: red after {to_red:.2f} s, green again after {time.monotonic() - began:.2f} s")


async def test_a_token_is_revoked_while_the_controller_runs(
    make_controller: MakeController, nats_server: NatsServer
) -> None:
    import base64

    controller = make_controller()
    token = controller.token("admin")
    token_id = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["jti"]
    assert controller.get("/api/job", token).status == 200
    broker = await Broker.connect(nats_server.address, name="test")
    bucket = broker.bucket(revocation.BUCKET)
    await bucket.put(revocation.key_of(token_id), revocation.entry(Revoked(by="test")))
    began = time.monotonic()
    until(lambda: controller.get("/api/job", token).status == 401)
    assert time.monotonic() - began < 5
    assert controller.stop() == 0
    controller.start()
    assert controller.get("/api/job", token).status == 401, "the list outlives the controller"
    await bucket.delete(revocation.key_of(token_id))
    until(lambda: controller.get("/api/job", token).status == 200)
    await broker.close()


def said(controller: ControllerProcess) -> list[str]:
    """What it told, but for the certificate that it names first where it has one."""
    return [line for line in controller.log.splitlines() if '"event":"tls.certificate"' not in line]


async def test_an_address_that_is_taken_is_one_clear_line(make_controller: MakeController) -> None:
    controller = make_controller(start=False)
    with socket.create_server(("127.0.0.1", controller.port)):
        controller.start(wait=False)
        assert controller.wait() == 1
    (line,) = said(controller)
    assert line.startswith(f"osapi controller: cannot listen on 127.0.0.1:{controller.port}")
    assert "controller.api.port" in line


async def test_an_open_address_without_tls_is_refused(make_controller: MakeController) -> None:
    controller = make_controller(start=False, api={"host": "0.0.0.0"})
    controller.certificates = None
    controller.start(wait=False)
    assert controller.wait() == 1
    (line,) = said(controller)
    assert "controller.api.host" in line
    assert "--insecure" in line


async def test_a_role_that_makes_no_sense_is_one_clear_line(make_controller: MakeController) -> None:
    roles = {"x": {"permissions": ["sysctl:reed"]}}
    controller = make_controller(start=False, api={"security": {"roles": roles}})
    controller.start(wait=False)
    assert controller.wait() == 1
    (line,) = said(controller)
    assert "controller.api.security.roles.x" in line
    assert "sysctl:reed" in line


async def test_it_can_be_stopped_while_it_waits_for_the_broker(tmp_path: Path) -> None:
    controller = ControllerProcess(tmp_path / "controller", {"port": free_port()})
    controller.start(wait=False)
    try:
        until(lambda: _listens(controller.port))
        began = time.monotonic()
        assert controller.stop() == 0
        assert time.monotonic() - began < 10
    finally:
        controller.end()


async def test_it_can_be_interrupted_twice(make_controller: MakeController) -> None:
    controller = make_controller()
    assert controller.process is not None
    controller.process.send_signal(signal.SIGINT)
    assert controller.stop() == 0


async def test_a_setting_that_is_wrong_is_named(make_controller: MakeController) -> None:
    controller = make_controller(start=False, api={"port": 70000})
    controller.start(wait=False)
    assert controller.wait() == 1
    assert "controller.api.port" in controller.log


async def _host(nats_server: NatsServer, controller: ControllerProcess) -> None:
    """A host that is ready and never answers."""
    broker = await Broker.connect(nats_server.address, name="test")
    await register(broker, "a")
    await broker.close()
    until(lambda: controller.get("/api/node/a/os?wait=0", controller.token("admin")).status == 202)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
