"""An export of the audit costs a controller no memory to speak of, however much there is."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from tests.conftest import NatsServer
from tests.integration.audit.kit import Audit, ask
from tests.integration.controller.conftest import MakeController
from tests.integration.controller.kit import ControllerProcess, until

from osapi.pki.keys import load_or_create_keypair
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio
ENTRIES = 30_000
LONG = "x" * 2000
MOST_GROWTH_KB = 32 * 1024


async def filled(controller: ControllerProcess, server: NatsServer, folder: Path) -> None:
    """Entries that this controller might have written, some 2 KiB each."""
    broker = await Broker.connect(server.address, name="test")
    key = load_or_create_keypair(controller.folder / "data" / "pki", "controller")
    audit = Audit(broker, folder, key=key)
    service = await audit.start(keeps=timedelta(days=30))
    for number in range(ENTRIES):
        ask(service, path=f"/api/thing/{number}", query=LONG).close(200)
        if number % 500 == 499:
            await service.fresh()
    await service.stop()
    await broker.close()


async def test_an_export_is_never_whole_in_memory(
    nats_server: NatsServer, make_controller: MakeController, tmp_path: Path
) -> None:
    controller = make_controller()
    await filled(controller, nats_server, tmp_path)
    token = controller.token("admin")
    until(lambda: controller.get("/api/audit?limit=1", token).json["total_items"] >= ENTRIES)
    controller.forget_peak()
    before, began = controller.peak_kb, time.monotonic()
    lines = size = 0
    connection = controller.connect()
    connection.request(
        "GET", "/api/audit/export", headers={"Authorization": f"Bearer {token}", "Accept": "application/x-ndjson"}
    )
    answer = connection.getresponse()
    while piece := answer.read(1 << 20):
        lines, size = lines + piece.count(b"\n"), size + len(piece)
    connection.close()
    grown = controller.peak_kb - before
    print(
        f"row 47: audit export: {lines} entries, {size >> 20} MiB in {time.monotonic() - began:.1f} s, "
        f"controller grew by {grown / 1024:.1f} MiB"
    )
    assert lines >= ENTRIES
    assert size > 60 << 20
    assert grown < MOST_GROWTH_KB
