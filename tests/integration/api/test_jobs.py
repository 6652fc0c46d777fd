"""The jobs of an installation: listed, read, and run again."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.integration.api.kit import Api, Installation, by_host, eventually, lines_of, managed, paused

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

NOBODY = "00000000-0000-4000-8000-000000000000"
MANY = 23


async def listed(api: Api, query: str) -> dict[str, Any]:
    answer = await api.get(f"/api/job?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [item["id"] for item in page["items"]]


@pytest.fixture(scope="module")
async def history(fleet: Installation) -> list[str]:
    """What the actor `historian` has had done, newest first."""
    async with fleet.caller(fleet.token("admin", subject="historian")) as api:
        made = [(await api.get("/api/node/web-00/os")).json()["job_id"] for _ in range(MANY)]
    return made[::-1]


# -- lists -------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 5, 10, MANY, 100])
async def test_pages_by_cursor_hold_every_job_once(fleet: Installation, history: list[str], limit: int) -> None:
    found: list[str] = []
    cursor = ""
    while True:
        page = await listed(fleet.admin, f"actor=historian&limit={limit}{cursor}")
        assert page["total_items"] == MANY
        assert len(page["items"]) <= limit
        found += ids(page)
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == history


async def test_the_last_page_names_no_page_after_it(fleet: Installation, history: list[str]) -> None:
    assert "next_cursor" not in await listed(fleet.admin, f"actor=historian&limit={MANY}")
    first = await listed(fleet.admin, f"actor=historian&limit={MANY - 1}")
    second = await listed(fleet.admin, f"actor=historian&limit=1&cursor={first['next_cursor']}")
    assert (ids(second), "next_cursor" in second) == ([history[-1]], False)


async def test_pages_by_offset_hold_every_job_once(fleet: Installation, history: list[str]) -> None:
    pages = [await listed(fleet.admin, f"actor=historian&limit=10&offset={at}") for at in (0, 10, 20, 30)]
    assert [len(page["items"]) for page in pages] == [10, 10, 3, 0]
    assert [job for page in pages for job in ids(page)] == history


async def test_a_page_has_ten_jobs_unless_told_otherwise(fleet: Installation, history: list[str]) -> None:
    assert ids(await listed(fleet.admin, "actor=historian")) == history[:10]


async def test_a_cursor_stays_where_it_is_while_jobs_are_made(fleet: Installation) -> None:
    async with fleet.caller(fleet.token("admin", subject="busy")) as api:
        old = [(await api.get("/api/node/web-00/os")).json()["job_id"] for _ in range(4)]
        page = await listed(api, "actor=busy&limit=2")
        new = (await api.get("/api/node/web-00/os")).json()["job_id"]
        rest = await listed(api, f"actor=busy&limit=10&cursor={page['next_cursor']}")
    assert ids(page) + ids(rest) == old[::-1]
    assert new not in ids(rest)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "offset=-1", "cursor=x", "status=done", "since=yesterday", "since=2026-01-01"],
)
async def test_a_list_that_makes_no_sense_is_refused(fleet: Installation, query: str) -> None:
    answer = await fleet.admin.get(f"/api/job?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert query.partition("=")[0] in answer.json()["error"]


async def test_every_filter_finds_its_jobs_and_no_others(fleet: Installation) -> None:
    async with fleet.caller(fleet.token("admin", subject="finder")) as api:
        before = await listed(api, "")
        good = (await api.shell("web-00", "true")).json()["job_id"]
        between = datetime.now(UTC)
        bad = (await api.get("/api/node/group:web/sysctl/vm.swappiness")).json()["job_id"]
        with paused(fleet.agent("db-00")):
            late = await api.submit("db-00", "true")
            found = {
                query: ids(await listed(api, f"actor=finder&{query}"))
                for query in (
                    "status=completed",
                    "status=failed",
                    "status=submitted",
                    "status=cancelled",
                    "operation=node.sysctl.get",
                    "operation=command.shell.execute",
                    "target=web-00",
                    "target=group:web",
                    "target=group%3Aweb&status=completed",
                    f"since={between.isoformat().replace('+', '%2B')}",
                    f"until={between.strftime('%Y-%m-%dT%H:%M:%S.%fZ')}",
                    "operation=command.shell.execute&target=db-00",
                )
            }
        assert list(found.values()) == [
            [good], [bad], [late], [], [bad], [late, good], [good], [bad], [], [late, bad], [good], [late],
        ]  # fmt: skip
        assert ids(await listed(api, "actor=nobody")) == []
        await api.job_in(late, "completed")
        after = await listed(api, "")
    told = Counter(after["status_counts"])
    told.subtract(before["status_counts"])
    assert {name: count for name, count in told.items() if count} == {"completed": 2, "failed": 1}
    assert after["total_items"] == before["total_items"] + 3 == sum(after["status_counts"].values())


async def test_a_list_tells_what_was_asked_and_what_came_of_it(fleet: Installation) -> None:
    async with fleet.caller(fleet.token("admin", subject="lister")) as api:
        answer = await api.shell("_any", "echo listed", "?dry_run=true")
        [item] = (await listed(api, "actor=lister"))["items"]
    assert item["id"] == answer.json()["job_id"]
    assert (item["status"], item["target"], item["actor"], item["dry_run"]) == ("completed", "_any", "lister", True)
    assert (item["hosts"], item["answered"], item["changed"]) == (1, 1, True)
    assert item["hostname"] == answer.json()["results"][0]["hostname"]
    assert item["operation"]["type"] == "command.shell.execute"
    assert item["operation"]["data"]["command"] == "echo listed"
    assert datetime.fromisoformat(item["created"]) < datetime.fromisoformat(item["expires"])
    assert not {"timeline", "responses", "agent_states"} & set(item)


# -- one job -----------------------------------------------------------------------------------


async def test_a_job_tells_its_whole_story(fleet: Installation) -> None:
    answer = await fleet.admin.shell("web-00", "echo told; sleep 0.2")
    job = await fleet.admin.job(answer.json()["job_id"])
    assert [event["event"] for event in job["timeline"]] == ["submitted", "acknowledged", "started", "completed"]
    moments = [datetime.fromisoformat(event["timestamp"]) for event in job["timeline"]]
    assert moments == sorted(moments)
    assert [event["hostname"] for event in job["timeline"]] == ["_api", "web-00", "web-00", "web-00"]
    [state] = job["agent_states"].values()
    assert state["status"] == "completed"
    assert float(state["duration"].removesuffix("s")) >= 0.2
    assert job["result"]["stdout"] == job["responses"]["web-00"]["data"]["stdout"] == "told\n"
    assert (job["hosts"], job["answered"], "silent" in job) == (1, 1, False)


async def test_a_job_is_there_as_soon_as_it_is_accepted_and_whole_as_soon_as_it_has_ended(fleet: Installation) -> None:
    async def one() -> None:
        job_id = await fleet.admin.submit("group:web", "true")
        job = await fleet.admin.job(job_id)
        while job["status"] != "completed":
            assert job["status"] in ("submitted", "processing")
            job = await fleet.admin.job(job_id)
        assert set(job["responses"]) == {"web-00", "web-01"}
        assert [event["event"] for event in job["timeline"]].count("completed") == 2

    for _ in range(5):
        await asyncio.gather(*(one() for _ in range(6)))


async def test_a_broadcast_tells_of_each_host(fleet: Installation) -> None:
    with paused(fleet.agent("web-01")):
        answer = await fleet.admin.shell("group:web", "echo told", "?wait=2")
        half = await fleet.admin.job(answer.json()["job_id"])
    assert (half["status"], half["hosts"], half["answered"]) == ("processing", 2, 1)
    assert half["silent"] == ["web-01"]
    assert half["agent_states"]["web-00"]["status"] == "completed"
    assert half["agent_states"]["web-01"]["status"] == "submitted"
    job = await fleet.admin.job_in(half["id"], "completed")
    assert "result" not in job
    assert {name: one["data"]["stdout"] for name, one in job["responses"].items()} == dict.fromkeys(
        ["web-00", "web-01"], "told\n"
    )
    assert Counter(event["event"] for event in job["timeline"]) == {
        "submitted": 1, "acknowledged": 2, "started": 2, "completed": 2,
    }  # fmt: skip
    moments = [event["timestamp"] for event in job["timeline"]]
    assert moments == sorted(moments)


async def test_two_hosts_of_one_name_are_told_apart(fleet: Installation) -> None:
    answer = await fleet.admin.shell("group:cache", "true")
    job = await fleet.admin.job(answer.json()["job_id"])
    twins = [agent.machine for agent in fleet.stack.agents if agent.hostname == "twin"]
    assert {one["machine_id"] for one in job["responses"].values()} == set(twins)
    assert len(job["agent_states"]) == 2


async def test_a_job_of_hosts_that_fared_differently_is_a_partial_failure(fleet: Installation) -> None:
    async with managed(fleet, "web-00", "vm.swappiness", "10"):
        answer = await fleet.admin.get("/api/node/group:web/sysctl/vm.swappiness")
    assert {name: entry["status"] for name, entry in by_host(answer).items()} == {"web-00": "ok", "web-01": "failed"}
    job = await fleet.admin.job(answer.json()["job_id"])
    assert (job["status"], job["responses"]["web-01"]["code"]) == ("partial_failure", "not_managed")
    assert job["error"] == job["responses"]["web-01"]["error"]


@pytest.mark.parametrize("method_path", ["GET ", "DELETE ", "POST /retry", "POST /cancel", "GET /events"])
async def test_a_job_that_does_not_exist_is_404_and_an_id_that_is_none_400(
    fleet: Installation, method_path: str
) -> None:
    method, _, path = method_path.partition(" ")
    unknown = await fleet.admin(method, f"/api/job/{NOBODY}{path}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    senseless = await fleet.admin(method, f"/api/job/none{path}")
    assert (senseless.status_code, senseless.json()["code"]) == (400, "invalid")


async def test_an_id_in_capitals_is_the_same_id(fleet: Installation) -> None:
    job_id = (await fleet.admin.get("/api/node/web-00/os")).json()["job_id"]
    assert (await fleet.admin.job(job_id.upper()))["id"] == job_id


# -- once more ---------------------------------------------------------------------------------


async def again(api: Api, job_id: str, target: str | None = None) -> dict[str, Any]:
    """Run a job again and wait for its end."""
    answer = await api.post(f"/api/job/{job_id}/retry", {"target_hostname": target} if target else None)
    assert (answer.status_code, answer.json()["status"]) == (201, "created"), answer.text
    return await api.job_in(answer.json()["job_id"], "completed", "failed")


@pytest.mark.parametrize("target", ["web-00", "group:web", "_any"])
async def test_a_job_runs_again_where_it_ran_before(fleet: Installation, target: str, tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    first = await fleet.admin.shell(target, f"echo $OSAPI_JOB_ID >> {effects}")
    second = await again(fleet.admin, first.json()["job_id"])
    assert (second["target"], second["retry_of"]) == (target, first.json()["job_id"])
    assert second["operation"] == (await fleet.admin.job(first.json()["job_id"]))["operation"]
    hosts = len(first.json()["results"])
    assert Counter(lines_of(effects)) == {first.json()["job_id"]: hosts, second["id"]: hosts}
    old = await fleet.admin.job(first.json()["job_id"])
    assert old["timeline"][-1]["event"] == "retried"


async def test_a_job_runs_again_elsewhere_when_told(fleet: Installation) -> None:
    first = await fleet.admin.shell("web-00", "true")
    second = await again(fleet.admin, first.json()["job_id"], "db-00")
    assert (second["target"], list(second["responses"])) == ("db-00", ["db-00"])
    nowhere = await fleet.admin.post(f"/api/job/{first.json()['job_id']}/retry", {"target_hostname": "nowhere"})
    assert (nowhere.status_code, nowhere.json()["code"]) == (400, "invalid")


async def test_a_dry_run_that_is_run_again_is_one_again(fleet: Installation, tmp_path: Path) -> None:
    effect = tmp_path / "effect"
    first = await fleet.admin.shell("web-00", f"touch {effect}", "?dry_run=true")
    second = await again(fleet.admin, first.json()["job_id"])
    assert (second["dry_run"], effect.exists()) == (True, False)


async def test_a_job_with_secrets_runs_again_with_those_that_are_given_anew(fleet: Installation) -> None:
    made = (await fleet.admin.shell("web-00", "cat | rev", secret_stdin="first-one")).json()
    assert made["results"][0]["stdout"] == "eno-tsrif"
    job = await fleet.admin.job(made["job_id"])
    assert job["operation"]["data"]["secret_stdin"] == "********"
    path = f"/api/job/{made['job_id']}/retry"
    refused = await fleet.admin.post(path)
    assert (refused.status_code, refused.json()["code"], refused.json()["details"]) == (
        400,
        "secrets_needed",
        {"fields": ["secret_stdin"]},
    )
    answer = await fleet.admin.post(path, {"secrets": {"secret_stdin": "second-one"}})
    second = await fleet.admin.job_in(answer.json()["job_id"], "completed")
    assert (second["retry_of"], second["result"]["stdout"]) == (made["job_id"], "eno-dnoces")


async def test_anybody_with_a_secret_is_one_host_and_the_same_key_the_same_job(fleet: Installation) -> None:
    body = {"command": "sha256sum", "secret_stdin": "for-one-host"}
    route, key = "/api/node/_any/command/shell", "any-with-a-secret"
    answers = [await fleet.admin.post(route, body, idempotency_key=key) for _ in range(4)]
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    job = await fleet.admin.job(answers[0].json()["job_id"])
    assert (job["target"], job["hosts"], len(job["responses"])) == ("_any", 1, 1)
    other = await fleet.admin.post(route, {**body, "secret_stdin": "for-another"}, idempotency_key=key)
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


async def test_to_run_a_job_again_takes_the_permission_of_its_operation(fleet: Installation) -> None:
    made = (await fleet.admin.shell("web-00", "true")).json()["job_id"]
    async with fleet.caller(fleet.token("write", subject="writer", permissions=("job:read", "job:write"))) as api:
        refused = await api.post(f"/api/job/{made}/retry")
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "command:execute" in refused.json()["error"]
    assert len((await fleet.admin.job(made))["timeline"]) == 4


async def test_what_failed_can_be_run_again(fleet: Installation) -> None:
    first = await fleet.admin.get("/api/node/web-00/sysctl/vm.swappiness")
    second = await again(fleet.admin, first.json()["job_id"])
    assert (second["status"], second["responses"]["web-00"]["code"]) == ("failed", "not_managed")


async def test_many_jobs_at_once_are_all_accounted_for(fleet: Installation) -> None:
    async with fleet.caller(fleet.token("admin", subject="swarm")) as api:
        made = await asyncio.gather(*(api.submit("_any", "true") for _ in range(40)))

        async def settled() -> bool:
            return (await listed(api, "actor=swarm&status=completed"))["total_items"] == 40

        await eventually(settled)
        assert {item for page in range(4) for item in ids(await listed(api, f"actor=swarm&offset={page * 10}"))} == set(
            made
        )
