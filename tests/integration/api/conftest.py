"""A whole installation as processes: broker, controller, and a small fleet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bench.stack import running
from tests.integration.api.kit import Api, Installation

ROLES = {
    "web-team": {
        "permissions": ["node:read", "sysctl:read", "command:execute", "job:read", "job:write"],
        "labels": {"group": "web"},
    },
    "operator": {"permissions": ["command:execute", "job:read", "job:write"]},
}
FLEET = {"web-00": "web.dev", "web-01": "web.prod", "db-00": "db", "twin": "cache"}


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def installation(folder: Path, **changes: Any) -> AsyncIterator[Installation]:
    """Broker and controller, no agent yet. `changes` are settings that differ from the default."""
    async with running(folder / "stack", agents=0, changes=changes) as stack:
        admin = Api(stack.api, stack.token)
        try:
            yield Installation(stack, folder, admin)
        finally:
            await admin.close()


@pytest.fixture(scope="session")
async def fleet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Installation]:
    """Five agents, two of one name. For tests that leave everything as it was."""
    folder = tmp_path_factory.mktemp("fleet")
    async with installation(folder, controller={"api": {"security": {"roles": ROLES}}}) as made:
        for hostname, group in [*FLEET.items(), ("twin", "cache")]:
            await made.stack.start_agent(hostname, labels={"group": group, "site": "here"})
        await made.stack.until_registered(len(made.stack.agents))
        yield made
