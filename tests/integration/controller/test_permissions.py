"""Rows 29 to 31 of the fault matrix: who may do what, over real HTTP."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NatsServer
from tests.integration.controller.kit import ControllerProcess, register, send
from tests.unit.auth.kit import claims, forge
from tests.unit.auth.test_tokens import ATTACKS

from osapi.auth.permissions import PERMISSIONS
from osapi.auth.roles import BUILT_IN
from osapi.controller import asgi
from osapi.domains import discovery
from osapi.transport.broker import Broker

CONTRACT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "contract" / "permissions.json").read_text(encoding="utf-8")
)
DECLARED: dict[str, str | None] = {name: facts["permission"] for name, facts in CONTRACT["operations"].items()}
JOB = "9f1c7bd0-1111-4222-8333-123456789abc"
CUSTOM = {"operator": {"command:execute", "job:read"}}
REFUSED = {"error": "a valid bearer token is required", "code": "unauthenticated"}
Served = tuple[str, str, str, str | None]


def served() -> list[Served]:
    """Method, path, operationId and permission of everything there is."""
    document = json.loads(asgi.document(discovery.operations()))
    found: list[Served] = []
    for path, item in document["paths"].items():
        for method, facts in item.items():
            scopes = [scope for entry in facts["security"] for values in entry.values() for scope in values]
            found.append((method.upper(), path, facts["operationId"], scopes[0] if scopes else None))
    return found


SERVED = served()


def concrete(path: str) -> str:
    """The path with a value in the place of each name."""
    for name, value in (("{hostname}", "_all"), ("{id}", JOB), ("{key}", "vm.swappiness")):
        path = path.replace(name, value)
    return path


def status_of(connection: http.client.HTTPConnection, method: str, path: str, token: str) -> int:
    """The status alone; a stream is left as soon as it has begun."""
    connection.request(method, concrete(path), headers={"Authorization": f"Bearer {token}"} if token else {})
    reply = connection.getresponse()
    if reply.getheader("content-type", "").startswith("text/event-stream"):
        connection.close()
    else:
        reply.read()
    return reply.status


def test_every_operation_of_the_contract_that_is_served_has_its_permission() -> None:
    named = {name: permission for _, _, name, permission in SERVED}
    shared = set(named) & set(DECLARED)
    assert len(shared) > 15
    assert {name: named[name] for name in shared} == {name: DECLARED[name] for name in shared}


def test_everything_that_is_described_is_served(controller: ControllerProcess) -> None:
    token = controller.token("admin")
    for method, path, name, _ in SERVED:
        if name not in ("GetEvents", "GetJobEvents"):
            answer = controller.call(method, concrete(path), token)
            assert answer.status != 405
            assert b"no such path" not in answer.body


def test_the_whole_matrix_of_permissions_holds(controller: ControllerProcess) -> None:
    """Row 29: every operation for nobody, an expired token, every role, and every permission alone."""
    callers: dict[str, tuple[str, frozenset[str] | None]] = {
        "nobody": ("", None),
        "expired": (controller.token("admin", expired=True), None),
        "unknown role": (controller.token("emperor"), frozenset()),
    }
    callers |= {name: (controller.token(name), role.permissions) for name, role in BUILT_IN.items()}
    callers |= {name: (controller.token(name), frozenset(held)) for name, held in CUSTOM.items()}
    callers |= {name: (controller.token("admin", permissions=[name]), frozenset({name})) for name in PERMISSIONS}
    cells, mismatches = 0, []
    connection = controller.connect()
    for method, path, name, permission in SERVED:
        for caller, (token, held) in callers.items():
            status = status_of(connection, method, path, token)
            if permission is None:
                right = status == 200
            elif held is None:
                right = status == 401
            elif permission in held:
                right = status not in (401, 403) and status < 500
            else:
                right = status == 403
            cells += 1
            if not right:
                mismatches.append((name, caller, status))
    connection.close()
    assert mismatches == []
    assert cells == len(SERVED) * len(callers)
    print(f"row 29: permission matrix: {cells} cells, {len(mismatches)} mismatches")


def test_no_forged_token_is_accepted(controller: ControllerProcess) -> None:
    """Row 31: whatever is wrong, the answer is the same to the byte."""
    key, kid = controller.ring.signing_key, controller.ring.current
    attacks = [token for token in ATTACKS.values() if token.isascii() and token.isprintable()]
    attacks += [
        forge({"alg": "none", "kid": kid}, signature=""),
        forge({"alg": "HS384", "kid": kid}, key=key, digest="sha384"),
        forge({"alg": "HS512", "kid": kid}, key=key, digest="sha512"),
        forge({"alg": "RS256", "kid": kid}, key=key),
        forge({"alg": "HS256", "kid": kid}, claims(exp=None), key=key),
        forge({"alg": "HS256", "kid": kid}, claims(exp=1), key=key),
        forge({"alg": "HS256", "kid": kid}, claims(exp=99_999_999_999, iss="x"), key=key),
        forge({"alg": "HS256", "kid": kid}, claims(exp=99_999_999_999, aud=["x"]), key=key),
        forge({"alg": "HS256", "kid": kid}, claims(exp=99_999_999_999, nbf=99_999_999_000), key=key),
        forge({"alg": "HS256", "kid": kid}, claims(exp=99_999_999_999, iat=99_999_999_000), key=key),
        forge({"alg": "HS256", "kid": "other"}, claims(exp=99_999_999_999), key=key),
        controller.token("admin", expired=True),
    ]
    good = forge({"alg": "HS256", "kid": kid}, claims(exp=99_999_999_999), key=key)
    connection = controller.connect()
    assert send(connection, "GET", "/api/job", good).status == 200, "the key is right, so only the attack is wrong"
    accepted = 0
    for token in attacks:
        answer = send(connection, "GET", "/api/job", token)
        accepted += answer.status != 401
        assert (answer.status, answer.json) == (401, REFUSED)
        assert answer.headers["www-authenticate"] == "Bearer"
    connection.close()
    print(f"row 31: token attacks: {len(attacks)} tokens, {accepted} accepted")


@pytest.fixture
async def fleet(shared_nats: NatsServer, controller: ControllerProcess) -> Broker:
    """Two hosts that are ready and never answer."""
    broker = await Broker.connect(shared_nats.address, name="test")
    await register(broker, "a", group="web")
    await register(broker, "b", group="db")
    await broker.close()
    wait_for_hosts(controller, 2)
    return broker


def wait_for_hosts(controller: ControllerProcess, count: int) -> None:
    from tests.integration.controller.kit import until

    def seen() -> bool:
        answer = controller.get("/api/node/_all/os?wait=0.001", controller.token("admin"))
        return answer.status == 504 and len(answer.json["details"]["silent"]) == count

    until(seen)


@pytest.mark.anyio
@pytest.mark.usefixtures("fleet")
async def test_permissions_are_not_gained_by_detours(controller: ControllerProcess) -> None:
    """Row 30: another's job, a retry, a wider target."""
    admin, write, read = (controller.token(role) for role in ("admin", "write", "read"))
    web, reader = controller.token("web"), controller.token(permissions=["job:read", "job:write"])
    ordered = controller.call("POST", "/api/node/_all/command/shell?wait=0", admin, {"command": "true"})
    assert ordered.status == 202
    job = f"/api/job/{ordered.json['job_id']}"
    tried = [
        ("retry of a command by the role write", controller.call("POST", f"{job}/retry", write)),
        ("the same on one host", controller.call("POST", f"{job}/retry", write, {"target_hostname": "host-a"})),
        ("retry by the role read", controller.call("POST", f"{job}/retry", read)),
        ("retry with job permissions alone", controller.call("POST", f"{job}/retry", reader)),
        ("delete by the role read", controller.call("DELETE", job, read)),
        ("cancel by the role read", controller.call("POST", f"{job}/cancel", read)),
        (
            "a host beyond the label",
            controller.call("POST", "/api/node/host-b/command/shell", web, {"command": "true"}),
        ),
        (
            "a label beyond the label",
            controller.call("POST", "/api/node/group:db/command/shell", web, {"command": "x"}),
        ),
        ("a job on hosts beyond the label", controller.get(job, web)),
        ("retry beyond the label", controller.call("POST", f"{job}/retry", web)),
        ("two roles, one limited", controller.get(job, controller.token("web", "read"))),
    ]
    escalations = [name for name, answer in tried if answer.status != 403]
    assert escalations == []
    within = controller.call("POST", "/api/node/_all/command/shell?wait=0.01", web, {"command": "true"})
    assert within.json["details"]["silent"] == ["host-a"], "a limited broadcast goes to one's own hosts"
    print(f"row 30: indirect privilege: {len(tried)} ways, {len(escalations)} escalations")
