"""Whether a run of the suite that asks for TLS has it, so that its result says what it seems to say."""

from __future__ import annotations

import asyncio
import json
import ssl

import pytest
from bench import certificates

from .kit import Installation

pytestmark = pytest.mark.anyio


async def test_api_and_broker_speak_tls_when_the_run_asks_for_it(fleet: Installation) -> None:
    asked = certificates.wanted()
    port = int(fleet.stack.login.url.rpartition(":")[2])
    assert fleet.stack.api.url.startswith("https://") is asked
    assert await _speaks_tls(fleet, fleet.stack.api_port) is asked
    assert await _broker_wants_tls(port) is asked


async def _speaks_tls(fleet: Installation, port: int) -> bool:
    context = ssl.create_default_context(cafile=fleet.stack.api.ca_file or None)
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    except ssl.SSLError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _broker_wants_tls(port: int) -> bool:
    """What its greeting says; see INFO in the protocol of NATS clients."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    greeting = json.loads((await reader.readline()).removeprefix(b"INFO "))
    writer.close()
    await writer.wait_closed()
    return bool(greeting.get("tls_required"))
