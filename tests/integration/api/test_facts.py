"""Facts as callers meet them: told of agents, referred to in requests, asked for in targets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from tests.integration.api.conftest import installation
from tests.integration.api.kit import Installation, by_host, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

ROLES = {
    "web-team": {"permissions": ["agent:read", "command:execute", "job:read", "job:write"], "labels": {"group": "web"}},
    "runner": {"permissions": ["command:execute"]},
}
FLEET = {"web-00": ("web.dev", "blue"), "web-01": ("web.prod", "green"), "db-00": ("db", "blue")}
OS = "/api/node/{}/os"


@pytest.fixture(scope="module")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Three agents, each with a folder of custom facts that says its colour."""
    folder = tmp_path_factory.mktemp("facts")
    async with installation(folder, controller={"api": {"security": {"roles": ROLES}}}) as made:
        for hostname, (group, colour) in FLEET.items():
            own = folder / hostname
            own.mkdir(mode=0o755)
            (own / "colour.json").write_text(json.dumps({"colour": colour, "app": {"port": 8080}}))
            (own / "broken.json").write_text("{")
            await made.stack.start_agent(hostname, labels={"group": group}, facts={"folder": str(own)})
        await made.stack.until_registered(len(FLEET))
        await eventually(lambda: _all_told(made))
        yield made


async def _all_told(fleet: Installation) -> bool:
    agents = (await fleet.admin.get("/api/agent")).json()["agents"]
    return all(agent.get("facts") for agent in agents)


async def agent(fleet: Installation, hostname: str) -> dict[str, Any]:
    found: dict[str, Any] = (await fleet.admin.get(f"/api/agent/{hostname}")).json()
    return found


async def hosts(fleet: Installation, target: str) -> set[str]:
    answer = await fleet.admin.get(OS.format(target))
    assert answer.status_code == 200, answer.text
    return set(by_host(answer))


async def test_an_agent_shows_the_facts_of_its_host(fleet: Installation) -> None:
    found = await agent(fleet, "web-00")
    assert found["facts"] == {"colour": "blue", "app": {"port": 8080}}
    assert found["os_release"]["family"][-1] == "linux"
    assert found["primary_interface"] in [one["name"] for one in found["interfaces"]]
    assert {"destination", "gateway", "interface"} <= found["routes"][0].keys()
    assert found["memory_total"] == found["memory"]["total"]
    (problem,) = found["fact_problems"]
    assert problem["source"].endswith("/web-00/broken.json")
    assert "no JSON" in problem["error"]


async def test_a_reference_is_replaced_on_each_host(fleet: Installation) -> None:
    body = {"command": "echo", "args": ["@fact.hostname/x", "@@fact.hostname", "@fact.custom.colour.conf", "a@b"]}
    answer = await fleet.admin.post("/api/node/_all/command/exec", body)
    said = {name: entry["stdout"] for name, entry in by_host(answer).items()}
    assert said == {name: f"{name}/x @fact.hostname {colour}.conf a@b\n" for name, (_, colour) in FLEET.items()}


async def test_a_record_keeps_the_reference_and_a_retry_replaces_it_again(fleet: Installation) -> None:
    body = {"hostname": "@fact.custom.colour"}
    answer = await fleet.admin("PUT", "/api/node/web-00/hostname?dry_run=true", body)
    assert answer.status_code == 202, answer.text
    (entry,) = answer.json()["results"]
    assert (entry["status"], entry["hostname"]) == ("ok", "blue"), "the name that the host would have"
    job = await fleet.admin.job(answer.json()["job_id"])
    assert job["operation"]["data"] == body
    retry = await fleet.admin.post(f"/api/job/{job['id']}/retry", {"target_hostname": "web-01"})
    again = await fleet.admin.job_in(retry.json()["job_id"], "completed")
    assert again["result"]["hostname"] == "green"


async def test_what_a_reference_stands_for_is_checked_on_the_host(fleet: Installation) -> None:
    answer = await fleet.admin("PUT", "/api/node/web-00/hostname?dry_run=true", {"hostname": "@fact.kernel_@fact.os"})
    assert answer.status_code == 400, "no fact is called kernel_"
    answer = await fleet.admin("PUT", "/api/node/web-00/hostname?dry_run=true", {"hostname": "-@fact.os"})
    assert answer.status_code == 202, answer.text
    entry = by_host(answer)["web-00"]
    assert (entry["status"], entry["code"]) == ("failed", "invalid")
    assert "$.hostname" in entry["error"]


async def test_a_reference_to_nothing_is_refused_by_the_one_who_knows(fleet: Installation) -> None:
    answer = await fleet.admin.post("/api/node/_all/command/exec", {"command": "echo", "args": ["@fact.nonsense"]})
    assert answer.status_code == 400
    assert (answer.json()["details"]["field"], "'nonsense'" in answer.json()["error"]) == ("args[0]", True)
    answer = await fleet.admin.post(
        "/api/node/_all/command/exec", {"command": "echo", "args": ["x", "@fact.custom.shade"]}
    )
    for entry in by_host(answer).values():
        assert (entry["status"], entry["code"]) == ("failed", "fact_unresolved")
        assert entry["error"].startswith("args[1]: @fact.custom.shade cannot be replaced")


async def test_a_reference_in_a_path_is_replaced_too(fleet: Installation) -> None:
    answer = await fleet.admin.get("/api/node/web-00/package/@fact.custom.colour")
    assert answer.status_code == 404, answer.text
    assert "blue" in answer.json()["error"]


@pytest.mark.parametrize(
    ("target", "meant"),
    [
        ("web-*", {"web-00", "web-01"}),
        ("web-00,db-00", {"web-00", "db-00"}),
        ("group:web and not @fact.custom.colour:blue", {"web-01"}),
        ("@fact.custom.colour:blue", {"web-00", "db-00"}),
        ("not group:web or web-01", {"web-01", "db-00"}),
        ("group:* and (@fact.custom.app.port:80*) and not db-00", {"web-00", "web-01"}),
        ("@fact.os.family:linux", set(FLEET)),
        ("_all and not group:*.prod", {"web-00", "db-00"}),
        ("@fact.mount:%2F and web-*", {"web-00", "web-01"}),
    ],
)
async def test_a_query_means_the_hosts_that_fit(fleet: Installation, target: str, meant: set[str]) -> None:
    assert await hosts(fleet, target) == meant
    target = unquote(target)
    told = (await fleet.admin.get("/api/target", params={"target": target})).json()
    assert ({host["hostname"] for host in told["hosts"]}, told["total"], told["undecided"]) == (meant, len(meant), [])
    listed = (await fleet.admin.get("/api/agent", params={"target": target})).json()
    assert {found["hostname"] for found in listed["agents"]} == meant


async def test_a_change_by_query_is_one_job_that_waits_for_each_of_its_hosts(
    fleet: Installation, tmp_path: Path
) -> None:
    effects = tmp_path / "effects"
    answer = await fleet.admin.shell("@fact.custom.colour:blue", f"echo $OSAPI_JOB_ID >> {effects}")
    assert set(by_host(answer)) == {"web-00", "db-00"}
    job = await fleet.admin.job(answer.json()["job_id"])
    assert (job["status"], job["hosts"]) == ("completed", 2)
    assert effects.read_text().split() == [job["id"]] * 2


@pytest.mark.parametrize(
    "target",
    [
        "web-00,web-99",
        "not web-99",
        "@fact.colour:blue",
        "group:web and",
        "@fact.custom.colour:red",
        "_any and group:web",
    ],
)
async def test_a_query_that_means_nobody_or_nothing_is_refused(fleet: Installation, target: str) -> None:
    for path in (OS.format(target), f"/api/target?target={target}"):
        answer = await fleet.admin.get(path)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.text


async def test_a_limited_role_reaches_of_a_query_what_is_its_own(fleet: Installation) -> None:
    async with fleet.caller(fleet.token("web-team")) as team:
        answer = await team.shell("@fact.custom.colour:blue", "true")
        assert set(by_host(answer)) == {"web-00"}
        assert (await team.shell("web-00,db-00", "true")).status_code == 403
        assert (await team.shell("@fact.custom.colour:blue and not web-00", "true")).status_code == 403
        told = (await team.get("/api/target", params={"target": "_all", "permission": "command:execute"})).json()
        assert told["total"] == 2
        assert (await team.get("/api/target", params={"target": "_all", "permission": "node:read"})).status_code == 403
    async with fleet.caller(fleet.token("web-team", "runner")) as both:
        counted = await both.get("/api/target", params={"target": "_all", "permission": "command:execute"})
        assert counted.json()["total"] == 3, "this permission is held everywhere, agent:read is not"
        assert (await both.get("/api/target", params={"target": "_all"})).json()["total"] == 2


async def test_fact_keys_are_those_of_all_hosts_and_of_some(fleet: Installation) -> None:
    keys = {entry["key"]: entry for entry in (await fleet.admin.get("/api/facts/keys")).json()["keys"]}
    for name in ("interface.primary", "hostname", "arch", "kernel", "fqdn", "containerized"):
        assert keys[name]["builtin"] is True
        assert keys[name]["description"]
    assert (keys["custom.colour"]["builtin"], keys["custom.app.port"]["description"]) == (
        False,
        "Custom fact of 3 hosts.",
    )


async def test_a_change_by_osapi_shows_in_the_next_reference(fleet: Installation) -> None:
    await fleet.admin.shell("web-00", f"echo mood=fine > {fleet.folder / 'web-00' / 'mood.txt'}")
    answer = await fleet.admin.post("/api/node/web-00/command/exec", {"command": "echo", "args": ["@fact.custom.mood"]})
    assert by_host(answer)["web-00"].get("stdout") == "fine\n", answer.text

    async def told() -> bool:
        return (await agent(fleet, "web-00"))["facts"].get("mood") == "fine"

    await eventually(told)


async def test_the_command_line_speaks_of_facts_and_queries(fleet: Installation) -> None:
    listed = await fleet.cli("agent", "list", "--target", "web-* and @fact.custom.colour:blue", "--json")
    assert [found["hostname"] for found in listed.json["agents"]] == ["web-00"]
    shown = await fleet.cli("agent", "get", "--hostname", "web-00")
    assert "  Fact colour: blue\n" in shown.out
    assert "DESTINATION" in shown.out
    assert "custom.colour" in (await fleet.cli("facts", "keys")).out
    asked = await fleet.cli("node", "command", "exec", "--command", "true", "-T", "@fact.custom.colour:blue")
    assert (asked.status, "would run on 2 hosts, db-00, web-00" in asked.err) == (1, True), asked
    ran = await fleet.cli(
        "node", "command", "exec", "--command", "echo", "--args", "@fact.hostname", "-T", "db-*", "-y", "-j"
    )
    assert [entry["stdout"] for entry in ran.json["results"]] == ["db-00\n"]


async def test_programs_speak_of_facts_and_queries(fleet: Installation) -> None:
    async with fleet.sdk() as client:
        found = await client.agents.meant_by("group:web and not web-00")
        assert ([host.hostname for host in found.hosts], found.total) == (["web-01"], 1)
        assert (await client.agents.list(target="db-*")).total == 1
        assert "custom.colour" in [entry.key for entry in (await client.agents.fact_keys()).keys]
        assert (await client.agents.get("db-00")).facts["colour"] == "blue"
        answers = await client.node("web-*").command.exec(command="echo", args=["@fact.custom.colour"])
        assert sorted(answer.data.stdout for answer in answers if answer.data) == ["blue\n", "green\n"]
