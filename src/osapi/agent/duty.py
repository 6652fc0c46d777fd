"""Whether this agent takes new work. A controller's order stays in force until the next one, over restarts.

The order is kept as it was signed, so that nothing but a controller's word counts, also after a restart
while no controller is there to ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from osapi.config import private
from osapi.contract.errors import Forbidden, OsapiError
from osapi.contract.ids import MachineId
from osapi.fleet.models import DrainOrder
from osapi.jobs import envelope
from osapi.pki.signing import Verifier
from osapi.telemetry.log import get_logger

_decode = msgspec.json.Decoder(DrainOrder).decode
_log = get_logger(__name__)


class Duty:
    """The standing order of one agent, kept in the file `kept`. `on_change` is called when it takes effect."""

    def __init__(self, kept: Path, machine: MachineId, verifier: Verifier, on_change: Callable[[], None]) -> None:
        self._kept = kept
        self._machine = machine
        self._verifier = verifier
        self._on_change = on_change
        self._off, self._on = asyncio.Event(), asyncio.Event()
        self._order = self._read(kept.read_bytes(), verifier.lasting) if kept.exists() else None
        self._show()

    @property
    def is_drained(self) -> bool:
        """Whether nothing new may be begun."""
        return self._off.is_set()

    async def wait_on(self) -> None:
        """Return when new work is taken."""
        await self._on.wait()

    async def wait_off(self) -> None:
        """Return when no new work is taken."""
        await self._off.wait()

    async def take(self, sealed: bytes) -> None:
        """Obey a signed order at once, then keep it. One that is older than the standing one changes nothing."""
        order = self._read(sealed, self._verifier)
        if order is None or (self._order is not None and order.issued <= self._order.issued):
            return
        self._order = order
        self._show()
        _log.info("agent.drained" if order.drained else "agent.undrained", actor=order.actor.subject)
        self._on_change()
        try:
            await asyncio.to_thread(private.replace, self._kept, sealed)
        except OsapiError as problem:
            _log.error("drain.not_kept", error=f"{problem.message}; after a restart the agent asks a controller")

    def _show(self) -> None:
        drained = self._order is not None and self._order.drained
        for event, holds in ((self._off, drained), (self._on, not drained)):
            if holds:
                event.set()
            else:
                event.clear()

    def _read(self, sealed: bytes, verifier: Verifier) -> DrainOrder | None:
        try:
            order = _decode(envelope.unseal(verifier, envelope.DRAIN, sealed))
        except (Forbidden, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            _log.warning("security.drain_refused", error=str(problem))
            return None
        if order.machine_id != self._machine:
            _log.warning("security.drain_refused", error=f"the order is for {order.machine_id}")
            return None
        return order
