"""How long the audit is kept, by the settings: what is too old goes, and what is left is still whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.integration.api.conftest import installation
from tests.integration.api.kit import Installation, eventually

pytestmark = pytest.mark.anyio

KEPT = {"nats": {"audit": {"max_age": "4s"}}}


async def verified(made: Installation, anchor: Path) -> Any:
    """What `audit verify` says, with the controller's public key; the anchor is moved on."""
    key = str(made.stack.paths.controller_public_key)
    told = await made.cli("audit", "verify", "--anchor", str(anchor), "--key", key, "--json")
    assert told.status == 0, told.out + told.err
    return told.json


async def ids(made: Installation, *more: str) -> set[str]:
    output = await made.cli("audit", "export", "--output", "-", *more)
    return {json.loads(line)["id"] for line in output.out.splitlines()}


async def until_gone(made: Installation, entry: str) -> None:
    async def gone() -> bool:
        return (await made.admin.get(f"/api/audit/{entry}")).status_code == 404

    await eventually(gone)


async def test_entries_go_at_their_age_and_what_is_left_verifies_from_there_on(tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    async with installation(tmp_path, **KEPT) as made:
        await made.admin.get("/api/agent")
        before = await verified(made, anchor)
        assert before["first"]["sequence"] == 1
        [oldest, *_] = (await made.admin.get("/api/audit/export")).json()["items"]
        await until_gone(made, oldest["id"])
        after = await verified(made, anchor)
        assert after["first"]["sequence"] > before["first"]["sequence"]
        assert oldest["id"] not in await ids(made)
        spoken = await made.cli("audit", "verify")
        [told] = [line.strip() for line in spoken.out.splitlines() if "From: message" in line]
        sequence = int(told.removeprefix("From: message ").split()[0])
        assert sequence >= after["first"]["sequence"]
        assert f"Before: messages 1 to {sequence - 1} are gone, by their age" in spoken.out
        await made.restart_controller()
        assert (await made.admin.get("/api/health/status")).status_code == 200
        assert await verified(made, anchor)


async def test_entries_that_were_to_be_kept_for_long_go_when_the_settings_say_so(tmp_path: Path) -> None:
    """And the other way round: those that were kept for a short time are not missed when more is kept."""
    anchor = tmp_path / "anchor.json"
    async with installation(tmp_path) as made:
        await made.admin.get("/api/agent")
        await verified(made, anchor)
        [oldest, *_] = (await made.admin.get("/api/audit/export")).json()["items"]
        made.stack.reconfigure(KEPT)
        await made.restart_controller()
        await until_gone(made, oldest["id"])
        assert (await verified(made, anchor))["first"]["sequence"] > 1
        made.stack.reconfigure({})
        await made.restart_controller()
        kept = await verified(made, anchor)
        assert kept["first"]["sequence"] > 1
        assert (await made.admin.get("/api/health/status")).status_code == 200
