"""The audit of a whole installation: what callers find, in every way there is to ask."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.integration.api.conftest import installation
from tests.integration.api.kit import Installation, by_host, eventually, paused

from osapi.sdk import errors
from osapi.sdk.client import Client

pytestmark = pytest.mark.anyio

SHELL = "/api/node/{}/command/shell"


def anchored(path: str, place: Any = None) -> Any:
    """What an anchor says, after it was made to say something else."""
    if place is not None:
        Path(path).write_text(json.dumps(place))
    return json.loads(Path(path).read_text())


def written(output: Path) -> list[dict[str, Any]]:
    """The entries of an export, which is alone in its folder and nobody else's to read."""
    assert output.stat().st_mode & 0o777 == 0o600
    assert list(output.parent.iterdir()) == [output]
    return [json.loads(line) for line in output.read_text().splitlines()]


async def listed(fleet: Installation, **query: Any) -> list[dict[str, Any]]:
    answer = await fleet.admin.get("/api/audit?" + "&".join(f"{name}={value}" for name, value in query.items()))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_change_on_many_hosts_tells_who_what_where_and_how_it_ended(fleet: Installation) -> None:
    answer = await fleet.admin.post(SHELL.format("group:web"), {"command": "exit 3", "timeout": 7})
    [entry] = await listed(fleet, job_id=answer.json()["job_id"])
    assert entry["user"] == "admin"
    assert entry["roles"] == ["admin"]
    assert entry["source_ip"] == "127.0.0.1"
    assert (entry["operation"], entry["operation_id"]) == ("command.shell.execute", "PostNodeCommandShell")
    assert (entry["target"], sorted(entry["hosts"]), entry["host_count"]) == ("group:web", ["web-00", "web-01"], 2)
    assert (entry["request"]["command"], entry["request"]["timeout"]) == ("exit 3", 7)
    assert (entry["response_code"], entry["host_states"]) == (202, {"completed": 2})
    assert entry["duration_ms"] >= 0
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert len(by_host(answer)) == 2


async def test_the_end_of_a_job_that_nobody_waited_for_is_told_when_it_comes(fleet: Installation) -> None:
    job = await fleet.admin.submit("group:web", "sleep 0.3")
    [entry] = await listed(fleet, job_id=job)
    assert (entry["response_code"], "host_states" in entry) == (202, False)
    await fleet.admin.job_in(job, "completed")

    async def told() -> dict[str, Any] | None:
        [entry] = await listed(fleet, job_id=job)
        return entry if "host_states" in entry else None

    assert (await eventually(told))["host_states"] == {"completed": 2}
    exported = (await fleet.admin.get(f"/api/audit/export?job_id={job}")).json()["items"]
    assert [item["host_states"] for item in exported] == [{"completed": 2}]


async def test_hosts_that_did_not_do_it_are_named(fleet: Installation) -> None:
    with paused(fleet.agent("web-01")):
        answer = await fleet.admin.post(f"{SHELL.format('group:web')}?wait=1", {"command": "true"})
        [entry] = await listed(fleet, job_id=answer.json()["job_id"])
    assert entry["host_states"] == {"completed": 1, "silent": 1}
    assert entry["failed_hosts"] == ["web-01"]


async def test_a_retry_is_entered_with_the_operation_that_it_repeats(fleet: Installation) -> None:
    job = (await fleet.admin.post(SHELL.format("web-00"), {"command": "true"})).json()["job_id"]
    again = (await fleet.admin.post(f"/api/job/{job}/retry", {})).json()["job_id"]
    [entry] = await listed(fleet, job_id=again)
    assert entry["operation_id"] == "RetryJobByID"
    assert (entry["operation"], entry["target"], entry["hosts"]) == ("command.shell.execute", "web-00", ["web-00"])
    assert (entry["kind"], entry["response_code"]) == ("change", 201)


async def test_a_change_to_the_controller_itself_is_entered_too(fleet: Installation) -> None:
    missing = str(uuid.uuid4())
    assert (await fleet.admin("DELETE", f"/api/job/{missing}")).status_code == 404
    [entry] = await listed(fleet, path=f"/api/job/{missing}")
    assert (entry["kind"], entry["request"], entry["code"]) == ("change", {"id": missing}, "not_found")


async def test_an_upload_is_entered_by_the_name_of_the_file(fleet: Installation) -> None:
    name = f"audited-{uuid.uuid4()}"
    async with fleet.sdk() as sdk:
        await sdk.files.upload(name, b"content")
        await sdk.files.delete(name)
    deletion, upload = await listed(fleet, path="/api/file", kind="change", limit=2)
    assert (upload["operation_id"], upload["request"]["name"], upload["response_code"]) == ("PostFile", name, 201)
    assert (deletion["operation_id"], deletion["request"]) == ("DeleteFileByName", {"name": name})


async def test_a_drain_is_entered(fleet: Installation) -> None:
    async with fleet.sdk() as sdk:
        await sdk.agents.drain("db-00")
        await sdk.agents.undrain("db-00")
    entries = await listed(fleet, path="/api/agent/db-00")
    assert [one["operation_id"] for one in entries[:2]] == ["undrainAgent", "drainAgent"]
    assert all(one["kind"] == "change" for one in entries[:2])


async def test_a_broken_chain_shows_in_the_status_and_keeps_nobody_from_working(tmp_path: Path) -> None:
    async with installation(tmp_path) as small:
        await small.admin.get("/api/agent")
        assert (await small.admin.get("/api/health/status")).status_code == 200
        await small.stack.stop(small.stack.controller_pid)
        anchor = small.stack.paths.audit_anchor
        seen = anchored(str(anchor))
        anchored(str(anchor), {**seen, "digest": "0" * 64})
        await small.stack.start_controller()
        status = await small.admin.get("/api/health/status")
        assert "another one" in status.text
        assert (await small.admin.get("/api/health/ready")).status_code == 200
        [entry] = await listed(small, kind="remark")
        assert "another one" in entry["remark"]


async def test_what_is_only_looked_at_is_entered_as_a_read(fleet: Installation) -> None:
    await fleet.admin.get("/api/node/db-00/load")
    [entry] = await listed(fleet, path="/api/node/db-00/load", limit=1)
    assert (entry["kind"], entry["response_code"], entry["hosts"]) == ("read", 200, ["db-00"])


async def test_filters_and_pages(fleet: Installation) -> None:
    mark = f"/api/audit-{uuid.uuid4()}"
    async with fleet.caller(fleet.token("read", subject="bert")) as bert:
        for number in range(7):
            await (bert if number % 2 else fleet.admin).get(f"{mark}/{number}")
    answer = (await fleet.admin.get(f"/api/audit?path={mark}&limit=3")).json()
    assert answer["total_items"] == 7
    assert [item["path"] for item in answer["items"]] == [f"{mark}/{number}" for number in (6, 5, 4)]
    following = (await fleet.admin.get(f"/api/audit?path={mark}&limit=3&cursor={answer['next_cursor']}")).json()
    assert [item["path"] for item in following["items"]] == [f"{mark}/{number}" for number in (3, 2, 1)]
    last = (await fleet.admin.get(f"/api/audit?path={mark}&limit=3&cursor={following['next_cursor']}")).json()
    assert [item["path"] for item in last["items"]] == [f"{mark}/0"]
    assert "next_cursor" not in last
    skipped = (await fleet.admin.get(f"/api/audit?path={mark}&offset=5")).json()
    assert [item["path"] for item in skipped["items"]] == [f"{mark}/1", f"{mark}/0"]
    assert skipped["total_items"] == 7
    assert len(await listed(fleet, path=mark, user="bert")) == 3
    assert len(await listed(fleet, path=mark, user="bert", status=404, method="get")) == 3
    assert await listed(fleet, path=mark, status=200) == []
    assert await listed(fleet, path=mark, until=answer["items"][-1]["timestamp"].replace("+", "%2B"), limit=1) == [
        following["items"][0]
    ]
    beyond = (await fleet.admin.get("/api/audit?offset=1000000")).json()
    assert beyond["items"] == []
    assert beyond["total_items"] > 0


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "offset=-1", "cursor=x", "status=x", "kind=x", "since=yesterday", "job_id=x"]
)
async def test_what_cannot_be_asked_is_refused(fleet: Installation, query: str) -> None:
    assert (await fleet.admin.get(f"/api/audit?{query}")).status_code == 400


async def test_one_entry_is_found_by_its_id(fleet: Installation) -> None:
    [entry] = await listed(fleet, limit=1, kind="read")
    answer = await fleet.admin.get(f"/api/audit/{entry['id']}")
    assert answer.json() == {"entry": entry}
    assert (await fleet.admin.get(f"/api/audit/{uuid.uuid4()}")).status_code == 404
    assert (await fleet.admin.get("/api/audit/17")).status_code == 400


async def test_the_export_is_one_object_or_a_line_for_each_entry(fleet: Installation) -> None:
    whole = await fleet.admin.get("/api/audit/export?kind=change")
    assert whole.headers["content-type"] == "application/json"
    items = whole.json()["items"]
    assert whole.json()["total_items"] == len(items) > 0
    lines = await fleet.admin.get("/api/audit/export?kind=change", accept="application/x-ndjson")
    assert lines.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in lines.text.splitlines()] == items
    assert {item["kind"] for item in items} == {"change"}
    empty = (await fleet.admin.get("/api/audit/export?user=nobody")).json()
    assert empty == {"items": [], "total_items": 0}


async def test_who_may_look(fleet: Installation) -> None:
    paths = ["/api/audit", "/api/audit/export", "/api/audit/chain", f"/api/audit/{uuid.uuid4()}"]
    for roles in (("read",), ("write",)):
        async with fleet.caller(fleet.token(*roles)) as caller:
            assert [(await caller.get(path)).status_code for path in paths] == [403] * 4
    async with fleet.caller(fleet.token(permissions=("audit:read",), subject="auditor")) as auditor:
        assert [(await auditor.get(path)).status_code for path in paths] == [200, 200, 200, 404]


async def test_who_reaches_some_hosts_only_sees_his_own_requests(fleet: Installation) -> None:
    limited = fleet.token("web-team", permissions=("audit:read", "node:read"), subject="wendy")
    async with fleet.caller(limited) as wendy:
        await wendy.get("/api/node/web-00/load")
        seen = (await wendy.get("/api/audit")).json()["items"]
        assert {item["user"] for item in seen} == {"wendy"}
        assert {item["user"] for item in (await wendy.get("/api/audit/export")).json()["items"]} == {"wendy"}
        assert (await wendy.get("/api/audit?user=admin")).status_code == 403
        assert (await wendy.get("/api/audit/chain")).status_code == 403
        [other] = await listed(fleet, user="admin", limit=1)
        assert (await wendy.get(f"/api/audit/{other['id']}")).status_code == 403


async def test_the_sdk_lists_gets_exports_and_verifies(fleet: Installation) -> None:
    async with fleet.sdk() as sdk:
        await sdk.agents.list()
        page = await sdk.audit.list(limit=2, user="admin")
        assert len(page.items) == 2
        assert (await sdk.audit.get(page.items[0].id)) == page.items[0]
        exported = [entry async for entry in sdk.audit.export(path="/api/agent")]
        iterated = [entry async for entry in sdk.audit.iterate(path="/api/agent", page_size=1)]
        assert {entry.id for entry in exported} == {entry.id for entry in iterated}
        key = fleet.stack.paths.controller_public_key.read_bytes()
        verdict = await sdk.audit.verify(public_key=key)
        assert verdict.is_whole
        assert verdict.head is not None
        again = await sdk.audit.verify(public_key=key, known=[verdict.head])
        assert again.is_whole


def test_the_synchronous_sdk_does_the_same(fleet: Installation) -> None:
    with Client(fleet.admin.url, fleet.stack.token, ca_file=fleet.admin.ca_file) as client:
        page = client.audit.list(limit=1)
        assert client.audit.get(page.items[0].id) == page.items[0]
        assert next(client.audit.iterate(page_size=1)).id
        assert next(client.audit.export(kind="read")).kind.value == "read"
        assert client.audit.verify().is_whole
        with pytest.raises(errors.NotFound):
            client.audit.get(str(uuid.uuid4()))
        with pytest.raises(ValueError, match="PEM"):
            client.audit.verify(public_key=b"nothing")


async def test_the_commands(fleet: Installation, tmp_path: Path) -> None:
    table = await fleet.cli("audit", "list", "--limit", "3", "--kind", "read")
    assert table.status == 0, table.err
    header = next(line for line in table.out.splitlines() if line.strip().startswith("ID"))
    assert header.split() == ["ID", "TIMESTAMP", "USER", "METHOD", "PATH", "STATUS", "DURATION", "TRACE", "ID"]
    assert "Total:" in table.out
    listed = json.loads((await fleet.cli("audit", "list", "--limit", "1", "--json")).out)
    assert listed["total_items"] > 1
    shown = await fleet.cli("audit", "get", "--audit-id", listed["items"][0]["id"])
    assert "Source IP: 127.0.0.1" in shown.out
    output = tmp_path / "audit.jsonl"
    exported = await fleet.cli("audit", "export", "--output", str(output), "--user", "admin")
    assert exported.status == 0, exported.err
    assert f"Output: {output}" in exported.out
    assert {entry["user"] for entry in written(output)} == {"admin"}
    nowhere = await fleet.cli("audit", "export", "--output", str(tmp_path / "no" / "file"))
    assert (nowhere.status, "cannot be written" in nowhere.err) == (1, True)


async def test_verification_by_the_command_line(tmp_path: Path) -> None:
    """Whole, whole again from the anchor on, and broken when the stream was tampered with."""
    async with installation(tmp_path) as small:
        await small.admin.get("/api/agent")
        anchor = str(tmp_path / "anchor.json")
        key = str(small.stack.paths.controller_public_key)
        first = await small.cli("audit", "verify", "--anchor", anchor, "--key", key)
        assert (first.status, "Chain: whole" in first.out) == (0, True), first.err
        seen = anchored(anchor)
        again = await small.cli("audit", "verify", "--anchor", anchor, "--key", key, "--json")
        assert json.loads(again.out)["whole"] is True
        assert anchored(anchor)["sequence"] > seen["sequence"]
        anchored(anchor, {**seen, "digest": "0" * 64})
        broken = await small.cli("audit", "verify", "--anchor", anchor, "--key", key)
        assert (broken.status, "broken" in broken.out) == (2, True)
        assert "written anew" in broken.out
        assert anchored(anchor)["digest"] == "0" * 64
        for words in (("--key", anchor), ("--key", "/nowhere"), ("--anchor", key)):
            refused = await small.cli("audit", "verify", *words)
            assert refused.status == 1, refused.out


async def test_without_a_stream_there_is_no_audit(tmp_path: Path) -> None:
    async with installation(tmp_path, nats={"audit": {"stream": ""}}) as small:
        assert (await small.admin.get("/api/audit")).status_code == 404
        assert (await small.admin.get("/api/agent")).status_code == 200
