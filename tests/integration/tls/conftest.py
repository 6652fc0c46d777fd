"""A whole installation under TLS, with an authority of its own, and another authority that nobody should trust."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from bench.stack import Stack, free_port, running
from tests.unit.tls.making import authority

from osapi.pki.authority import Authority


@dataclass
class Secured:
    """The stack, and the files that were made for it."""

    stack: Stack
    folder: Path
    redirect_port: int
    metrics_port: int
    stranger: Authority

    @property
    def cert(self) -> Path:
        return self.folder / "stack" / "tls" / "all.crt"

    @property
    def ca(self) -> str:
        return self.stack.api.ca_file

    @property
    def strange_ca(self) -> str:
        return str(self.folder / "stranger" / "ca.crt")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    redirect, metrics = free_port(), free_port()
    changes = {
        "controller": {"api": {"tls": {"redirect_port": redirect}}, "metrics": {"enabled": True, "port": metrics}}
    }
    async with running(folder / "stack", agents=1, changes=changes, tls=True) as stack:
        yield Secured(stack, folder, redirect, metrics, authority(folder / "stranger", "stranger"))
