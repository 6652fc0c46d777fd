"""How everything fares, as operators see it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.integration.api.kit import Installation, eventually

pytestmark = pytest.mark.anyio


async def whole(fleet: Installation) -> dict[str, Any] | None:
    """The status, once every program has reported."""
    answer = await fleet.admin.get("/api/health/status")
    told: dict[str, Any] = answer.json()
    return told if {one["type"] for one in told["registry"]} == {"controller", "nats", "agent"} else None


async def test_every_part_is_told(fleet: Installation) -> None:
    told: Any = await eventually(lambda: whole(fleet))
    assert told["status"] == "ok", told["components"]
    assert told["nats"]["version"].startswith("2.")
    assert {one["name"] for one in told["streams"]} == {"JOBS", "JOBS-DLQ", "OUTPUT", "AUDIT"}
    assert {"job-queue", "agent-registry"} <= {one["name"] for one in told["kv_buckets"]}
    assert [one["name"] for one in told["object_stores"]] == ["file-objects", "job-output"]
    assert [one["name"] for one in told["consumers"]["consumers"]] == ["any"]
    assert told["agents"]["total"] == told["agents"]["ready"] == len(fleet.stack.agents)
    assert told["jobs"]["total"] >= told["jobs"]["completed"]
    assert 0 < told["store"]["used_bytes"] < told["store"]["limit_bytes"]


async def test_programs_tell_what_they_use(fleet: Installation) -> None:
    told: Any = await eventually(lambda: whole(fleet))
    for program in told["registry"]:
        assert program["mem_bytes"] > 5_000_000, program
        assert program["status"] == "Ready"
        assert program["version"]
        assert program["last_seen_s"] < 30


async def test_it_takes_the_permission_and_names_what_is_wrong(fleet: Installation) -> None:
    async with fleet.caller(fleet.token(permissions=("node:read",))) as caller:
        assert (await caller.get("/api/health/status")).status_code == 403
    async with fleet.caller(fleet.token("read")) as caller:
        assert (await caller.get("/api/health/status")).status_code == 200


async def test_it_is_drawn_for_people(fleet: Installation) -> None:
    await eventually(lambda: whole(fleet))
    drawn = await fleet.cli("health", "status")
    assert drawn.status == 0, drawn.err
    for text in (
        "Status: ok",
        "iB of ",
        "Stream: JOBS: ",
        "Bucket: job-queue: ",
        "Agents: 5 of 5 ready",
        "TYPE",
        "nats",
        "controller",
    ):
        assert text in drawn.out
    assert "controller" in (await fleet.cli("agent", "status")).out
    assert (await fleet.cli("health", "status", "--json")).json["status"] == "ok"
