"""Who may do what, and on which hosts."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.api.kit import Api, Installation, by_host

from osapi.auth import keyring, tokens

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

REFUSED = {"error": "a valid bearer token is required", "code": "unauthenticated"}
WEB = {"web-00", "web-01"}


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def bad_authorizations(fleet: Installation) -> dict[str, str | None]:
    """Everything that a caller may send in the place of a good token."""
    good = fleet.stack.token
    head, claims, signature = good.split(".")
    foreign = keyring.of_setting("another key that is long enough for HS256")
    return {
        "none": None,
        "empty": "",
        "no token": "Bearer",
        "another scheme": "Basic YWRtaW46YWRtaW4=",
        "no scheme": good,
        "garbage": "Bearer none",
        "three parts of garbage": "Bearer a.b.c",
        "not signed": f"Bearer {encoded({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        "signature cut off": f"Bearer {head}.{claims}.",
        "signature of another": f"Bearer {head}.{claims}.{signature[::-1]}",
        "other claims": f"Bearer {head}.{encoded({'sub': 'admin', 'roles': ['admin'], 'exp': 9999999999})}.{signature}",
        "expired": f"Bearer {fleet.token('admin', age=timedelta(hours=2))}",
        "wrong key": "Bearer " + tokens.issue(foreign, "anna", ["admin"], [], timedelta(hours=1), datetime.now(UTC)),
        "twice": f"Bearer {good} {good}",
        "too long": f"Bearer {good}{'x' * 9000}",
    }


async def test_every_bad_token_hears_the_same_words(fleet: Installation) -> None:
    heard: dict[str, tuple[int, Any, str | None]] = {}
    async with fleet.caller("") as nobody:
        for name, value in bad_authorizations(fleet).items():
            headers = {} if value is None else {"authorization": value}
            answer = await nobody.get("/api/job", **headers)
            heard[name] = (answer.status_code, answer.json(), answer.headers.get("www-authenticate"))
    assert heard == dict.fromkeys(heard, (401, REFUSED, "Bearer"))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/node/_all/hostname", None),
        ("GET", "/api/no/such/path", None),
        ("PATCH", "/api/job", None),
        ("GET", "/api/job/none", None),
        ("GET", "/api/job?limit=x", None),
        ("GET", "/api/events", None),
        ("POST", "/api/node/_all/command/shell", b"{"),
        ("POST", "/api/node/nowhere/command/shell?wait=x", b'{"command":1}'),
        ("POST", "/api/node/_all/command/shell", b"x" * (2 << 20)),
    ],
)
async def test_without_a_token_nothing_is_told_and_nothing_read(
    fleet: Installation, method: str, path: str, body: bytes | None
) -> None:
    async with fleet.caller("") as nobody:
        answer = await nobody(method, path, body)
    assert (answer.status_code, answer.json()) == (401, REFUSED)


async def test_health_and_the_document_are_open_to_everybody(fleet: Installation) -> None:
    async with fleet.caller("") as nobody:
        for path in ("/health", "/health/ready", "/api/health", "/api/health/ready", "/api/openapi.json"):
            assert (await nobody.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("role", "method", "path", "permission"),
    [
        ("read", "PUT", "/api/node/_all/hostname", "node:write"),
        ("read", "POST", "/api/node/web-00/command/shell", "command:execute"),
        ("write", "POST", "/api/node/web-00/command/exec", "command:execute"),
        ("operator", "GET", "/api/node/web-00/os", "node:read"),
        ("no-such-role", "GET", "/api/node/web-00/os", "node:read"),
    ],
)
async def test_what_a_role_lacks_is_forbidden_before_the_request_is_looked_at(
    fleet: Installation, role: str, method: str, path: str, permission: str
) -> None:
    async with fleet.caller(fleet.token(role)) as caller:
        answer = await caller(method, path, b"{")
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert permission in answer.json()["error"]
    assert [name for name in ("sysctl:read", "job:read") if name in answer.text] == []


async def test_a_role_of_the_settings_can_do_what_they_say(fleet: Installation) -> None:
    async with fleet.caller(fleet.token("operator")) as operator:
        answer = await operator.shell("db-00", "echo mine")
        assert by_host(answer)["db-00"]["stdout"] == "mine\n"
        job = await operator.job(answer.json()["job_id"])
        assert (await operator.post(f"/api/job/{job['id']}/retry")).status_code == 201


async def test_permissions_of_a_token_replace_those_of_its_roles(fleet: Installation) -> None:
    async with fleet.caller(fleet.token("admin", permissions=("node:read",))) as caller:
        assert (await caller.get("/api/node/web-00/os")).status_code == 200
        assert (await caller.shell("web-00", "true")).status_code == 403


# -- a role for some hosts ---------------------------------------------------------------------


@pytest.fixture
async def team(fleet: Installation) -> AsyncIterator[Api]:
    """A caller whose role reaches `group:web` only."""
    async with fleet.caller(fleet.token("web-team", subject="team")) as caller:
        yield caller


@pytest.mark.parametrize("target", ["_all", "site:here", "group:web"])
async def test_a_broadcast_of_a_limited_role_goes_to_its_hosts(fleet: Installation, team: Api, target: str) -> None:
    answer = await team.shell(target, "true")
    assert (answer.status_code, set(by_host(answer))) == (202, WEB)
    assert set((await team.job(answer.json()["job_id"]))["responses"]) == WEB


async def test_any_host_of_a_limited_role_is_one_of_its_hosts(team: Api) -> None:
    found = [set(by_host(await team.shell("_any", "true"))) for _ in range(12)]
    assert all(len(hosts) == 1 and hosts < WEB for hosts in found)


async def test_hosts_outside_the_limits_are_refused_however_they_are_named(fleet: Installation, team: Api) -> None:
    for target in ("db-00", fleet.agent("db-00").machine, "group:db", "group:cache"):
        answer = await team.get(f"/api/node/{target}/os")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), target


async def test_jobs_outside_the_limits_can_neither_be_seen_nor_touched(fleet: Installation, team: Api) -> None:
    outside = [(await fleet.admin.shell(target, "echo secret")).json()["job_id"] for target in ("db-00", "_all")]
    within = (await fleet.admin.shell("group:web", "echo open")).json()["job_id"]
    page = (await team.get("/api/job?limit=100")).json()
    listed = [item["id"] for item in page["items"]]
    assert (within in listed, set(outside) & set(listed)) == (True, set())
    assert page["total_items"] == sum(page["status_counts"].values())
    everything = (await fleet.admin.get("/api/job?limit=1")).json()
    assert page["total_items"] < everything["total_items"]
    for job_id in outside:
        answers = [
            await team.get(f"/api/job/{job_id}"),
            await team.get(f"/api/job/{job_id}/events"),
            await team.post(f"/api/job/{job_id}/retry"),
            await team.post(f"/api/job/{job_id}/retry", {"target_hostname": "web-00"}),
            await team.post(f"/api/job/{job_id}/cancel"),
            await team("DELETE", f"/api/job/{job_id}"),
        ]
        assert [answer.status_code for answer in answers] == [403] * len(answers)
        assert all("secret" not in answer.text for answer in answers)
    assert (await team.job(within))["status"] == "completed"


async def test_running_again_stays_within_the_limits(fleet: Installation, team: Api) -> None:
    job_id = (await team.shell("web-00", "true")).json()["job_id"]
    elsewhere = await team.post(f"/api/job/{job_id}/retry", {"target_hostname": "db-00"})
    assert elsewhere.status_code == 403
    everywhere = await team.post(f"/api/job/{job_id}/retry", {"target_hostname": "_all"})
    job = await team.job_in(everywhere.json()["job_id"], "completed")
    assert set(job["responses"]) == WEB


async def test_reading_everywhere_lends_nothing_to_a_limited_role(fleet: Installation) -> None:
    async with fleet.caller(fleet.token("read", "web-team", subject="both")) as both:
        assert (await both.get("/api/node/db-00/os")).status_code == 200
        assert (await both.shell("db-00", "true")).status_code == 403
        assert set(by_host(await both.shell("_all", "true"))) == WEB
        job_id = (await both.shell("web-00", "true")).json()["job_id"]
        for target in ("db-00", fleet.agent("db-00").machine):
            again = await both.post(f"/api/job/{job_id}/retry", {"target_hostname": target})
            assert again.status_code == 403
