"""Revoking tokens, and rotating the key that signs them, while two controllers run."""

from __future__ import annotations

import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from tests.conftest import NatsServer
from tests.figures import figures
from tests.integration.controller.conftest import MakeController
from tests.integration.controller.kit import OSAPI, ControllerProcess, osapi, until

from osapi.auth import keyring, revocation, tokens
from osapi.transport.broker import Broker

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def two(make_controller: MakeController) -> tuple[ControllerProcess, ControllerProcess]:
    """Two controllers with the same key ring."""
    first, second = make_controller(), make_controller(start=False)
    shutil.copytree(first.folder / "data" / "keys", second.folder / "data" / "keys")
    second.start()
    return first, second


def token_id(token: str, controller: ControllerProcess) -> str:
    from osapi.auth.roles import BUILT_IN

    return tokens.verify(token, controller.ring, BUILT_IN, (), datetime.now(UTC)).token_id


def test_a_revoked_token_is_refused_by_every_controller_at_once(
    two: tuple[ControllerProcess, ControllerProcess],
) -> None:
    first, second = two
    admin, text = first.token("admin"), first.token("read")
    assert [each.get("/api/job", text).status for each in two] == [200, 200]
    answer = first.call("POST", "/api/token/revoke", admin, {"token": text, "reason": "left\nthe firm"})
    began = time.monotonic()
    assert (answer.status, answer.json["id"], answer.json["subject"]) == (200, token_id(text, first), "anna")
    assert first.get("/api/job", text).status == 401
    until(lambda: second.get("/api/job", text).status == 401)
    took = time.monotonic() - began
    figures("token revoked", refused_elsewhere_after_ms=round(took * 1000))
    assert took < 1
    assert [each.get("/api/job", admin).status for each in two] == [200, 200]
    (item,) = second.get("/api/token/revoked", admin).json["items"]
    assert item == answer.json
    assert (item["revoked_by"], item["reason"]) == ("anna", "left\nthe firm")
    assert item["expires"] > item["revoked_at"]
    again = second.call("POST", "/api/token/revoke", admin, {"id": item["id"], "reason": "again"})
    assert (again.status, again.json) == (200, item)
    assert text not in first.log + second.log


def test_all_tokens_of_a_subject_go_and_later_ones_are_good(two: tuple[ControllerProcess, ControllerProcess]) -> None:
    first, second = two
    old, others = [first.token("read") for _ in range(3)], first.token("read")
    robot = tokens.issue(first.ring, "robot", ["admin"], [], timedelta(hours=1), datetime.now(UTC))
    answer = first.call("POST", "/api/token/revoke", robot, {"subject": "anna"})
    assert answer.status == 200
    for text in (*old, others):
        until(lambda text=text: second.get("/api/job", text).status == 401)
    until(lambda: first.get("/api/job", first.token("read")).status == 200)
    assert second.get("/api/job", robot).status == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "a", "subject": "b"},
        {"id": ""},
        {"token": "x"},
        {"token": "a.b.c"},
        {"id": "a", "issued_before": "2026-01-01T00:00:00Z"},
        {"id": "a", "expires": "2020-01-01T00:00:00Z"},
        {"subject": "a", "issued_before": "2999-01-01T00:00:00Z"},
        {"subject": "a", "issued_before": "2026-01-01T00:00:00"},
    ],
)
def test_what_makes_no_sense_is_refused(controller: ControllerProcess, body: dict[str, str]) -> None:
    answer = controller.call("POST", "/api/token/revoke", controller.token("admin"), body)
    assert (answer.status, answer.json["code"]) == (400, "invalid")


def test_only_who_may_on_every_host_can_revoke(controller: ControllerProcess) -> None:
    for role in ("read", "write"):
        assert controller.get("/api/token/revoked", controller.token(role)).status == 403
        assert controller.call("POST", "/api/token/revoke", controller.token(role), {"id": "x"}).status == 403
    limited = controller.token("web", permissions=["token:read", "token:write"])
    assert controller.get("/api/token/revoked", limited).status == 403
    assert controller.call("POST", "/api/token/revoke", limited, {"id": "x"}).status == 403


@pytest.mark.anyio
async def test_an_entry_goes_when_the_token_has_expired(
    make_controller: MakeController, nats_server: NatsServer
) -> None:
    controller = make_controller()
    admin = controller.token("admin")
    text = tokens.issue(controller.ring, "bert", ["read"], [], timedelta(seconds=4), datetime.now(UTC))
    found = controller.call("POST", "/api/token/revoke", admin, {"token": text}).json
    broker = await Broker.connect(nats_server.address, name="test")
    bucket = broker.bucket(revocation.BUCKET)
    assert await bucket.get(revocation.key_of(found["id"])) is not None
    until(lambda: controller.get("/api/token/revoked", admin).json["total_items"] == 0)
    end = time.monotonic() + 20
    while await bucket.get(revocation.key_of(found["id"])) is not None:
        assert time.monotonic() < end
    await broker.close()
    assert controller.get("/api/job", text).status == 401


def test_the_audit_tells_who_revoked_what_and_never_the_token(controller: ControllerProcess) -> None:
    admin, text = controller.token("admin"), controller.token("read")
    controller.call("POST", "/api/token/revoke", admin, {"token": text, "reason": "lost"})
    (item,) = until(lambda: controller.get("/api/audit?path=/api/token/revoke&status=200", admin).json["items"][:1])
    entry = controller.get(f"/api/audit/{item['id']}", admin)
    assert '"lost"' in entry.body.decode()
    assert text not in entry.body.decode()
    assert text.rpartition(".")[2] not in entry.body.decode()


def test_the_key_is_rotated_by_a_command_while_controllers_run(
    two: tuple[ControllerProcess, ControllerProcess],
) -> None:
    first, _ = two
    old = first.token("read")
    made = osapi(first, "token", "rotate", "--grace", "3s")
    began = time.monotonic()
    new = osapi(first, "token", "generate", "-r", "read", "-u", "robot")["token"]
    until(lambda: first.get("/api/job", new).status == 200)
    figures("token key rotated", new_accepted_after_s=round(time.monotonic() - began, 2))
    assert made["kid"] == keyring.load(first.folder / "data" / "keys" / "tokens.json").current
    assert first.get("/api/job", old).status == 200, "within the grace"
    until(lambda: first.get("/api/job", old).status == 401)
    assert time.monotonic() - began >= 2
    assert first.get("/api/job", new).status == 200
    osapi(first, "token", "rotate", "--grace", "0")
    until(lambda: first.get("/api/job", new).status == 401)


def test_tokens_are_revoked_and_listed_by_commands(make_controller: MakeController) -> None:
    controller = make_controller()
    made = osapi(controller, "token", "generate", "-r", "admin", "-u", "carla", "-l", "group:web")
    assert controller.get("/api/job", made["token"]).status == 200
    found = osapi(controller, "token", "revoke", "--id", made["id"], "--reason", "lost")
    assert (found["id"], found["revoked_by"]) == (made["id"], "osapi token revoke")
    assert controller.get("/api/job", made["token"]).status == 401
    environ = controller.client_environ
    os_token = environ["OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN"]
    line = [OSAPI, "client", "token", "list"]
    done = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "osapi token revoke" in done.stdout
    line = [OSAPI, "client", "token", "revoke", "--token", "-"]
    done = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=30, check=False, input=os_token)
    assert done.returncode == 0, done.stderr
    assert controller.get("/api/job", os_token).status == 401
