"""What operators are told when something is wrong with the programs themselves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests.figures import figures
from tests.halting import halted
from tests.integration.api.conftest import installation
from tests.integration.api.kit import Installation, eventually

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

SMALL = {"process_conditions": {"memory_pressure_bytes": 1, "high_cpu_percent": 100_000}}


async def readiness(made: Installation, wanted: int) -> float:
    """The seconds until the readiness has this status."""
    began = time.monotonic()

    async def so() -> bool:
        return (await made.admin.get("/health/ready")).status_code == wanted

    await eventually(so)
    return time.monotonic() - began


async def test_a_broker_that_hangs_turns_readiness_red_within_five_seconds_and_back_by_itself(tmp_path: Path) -> None:
    """Its connections stand, and nothing comes of them."""
    async with installation(tmp_path) as made:
        with halted(made.stack.broker_pid):
            red_s = await readiness(made, 503)
            told = (await made.admin.get("/health/ready")).json()
            listed = await made.admin.get("/api/agent")
        green_s = await readiness(made, 200)
        figures("row fleet, broker hangs", seconds_to_red=round(red_s, 1), seconds_to_green=round(green_s, 1))
        assert told["status"] == "not_ready"
        assert listed.status_code == 200
        assert red_s < 5


async def test_parts_that_cannot_be_asked_are_named_and_the_others_told(tmp_path: Path) -> None:
    async with installation(tmp_path) as made:
        await made.stack.start_agents(1)
        await made.stack.stop_broker()
        await readiness(made, 503)
        answer = await made.admin.get("/api/health/status")
        told = answer.json()
        assert (answer.status_code, told["status"]) == (503, "degraded")
        wrong = {name for name, part in told["components"].items() if part["status"] != "ok"}
        assert {"broker", "streams", "store", "consumers"} <= wrong
        assert all(told["components"][name]["error"] for name in wrong)
        assert (told["agents"]["total"], told["version"] != "") == (1, True)
        await made.stack.start_broker()
        await readiness(made, 200)

        async def well() -> bool:
            return (await made.admin.get("/api/health/status")).status_code == 200

        await eventually(well)


async def test_controller_and_broker_tell_their_own_conditions(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"controller": SMALL, "nats": {"server": SMALL}, "agent": SMALL}
    async with installation(tmp_path, **settings) as made:
        await made.stack.start_agents(1)

        async def told() -> dict[str, list[str]] | None:
            programs = (await made.admin.get("/api/health/status")).json()["registry"]
            found = {one["type"]: one.get("conditions", []) for one in programs}
            return found if len(found) == 3 and all(found.values()) else None

        for kind, holds in (await eventually(told)).items():  # type: ignore[union-attr] # it is true
            assert "ProcessMemoryPressure" in holds, kind
            assert "ProcessHighCPU" not in holds, kind
