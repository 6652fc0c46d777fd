"""A stream for the audit on a real broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.audit.kit import Audit

from osapi.transport.broker import Broker


@pytest.fixture
async def audit(broker: Broker, tmp_path: Path) -> AsyncIterator[Audit]:
    made = Audit(broker, tmp_path)
    await made.provision()
    yield made
    for service in made.started:
        await service.stop()
