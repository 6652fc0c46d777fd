"""The conditions of this host and of the agent's own process, kept over restarts.

Only transitions are written to disk: since when a condition holds is worth more than a restart.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from osapi.config import private
from osapi.config.agent import Agent
from osapi.contract.errors import OsapiError
from osapi.fleet import conditions
from osapi.fleet.conditions import Condition, Reading
from osapi.fleet.models import Disk, Load, Memory
from osapi.telemetry.log import get_logger
from osapi.telemetry.process import ProcessFigures

_decode = msgspec.json.Decoder(tuple[Condition, ...]).decode
_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class Pressure:
    """Holds figures against the thresholds of the settings. `kept` is the file of the last conditions."""

    def __init__(self, kept: Path, settings: Agent, now: Callable[[], datetime]) -> None:
        self._kept = kept
        self._settings = settings
        self._now = now
        self._conditions = _read(kept)

    async def settle(
        self, memory: Memory | None, load: Load | None, disk: Disk | None, process: ProcessFigures
    ) -> tuple[Condition, ...]:
        """The conditions by these figures; what is None is not known and has no condition."""
        before = self._conditions
        after = conditions.settle(before, self._readings(memory, load, disk, process), self._now())
        self._conditions = after
        if {(each.type, each.since) for each in before} != {(each.type, each.since) for each in after}:
            await self._note(before, after)
        return after

    def _readings(
        self, memory: Memory | None, load: Load | None, disk: Disk | None, process: ProcessFigures
    ) -> list[Reading]:
        limits, own = self._settings.conditions, self._settings.process_conditions
        readings = conditions.of_process(process, own.memory_pressure_bytes, own.high_cpu_percent)
        if memory is not None:
            readings.append(conditions.of_memory(memory.used, memory.total, limits.memory_pressure_threshold))
        if load is not None:
            readings.append(conditions.of_load(load.one, os.cpu_count() or 1, limits.high_load_multiplier))
        if disk is not None:
            readings.append(conditions.of_disk(disk.path, disk.used, disk.total, limits.disk_pressure_threshold))
        return sorted(readings, key=lambda reading: reading.type.value)

    async def _note(self, before: tuple[Condition, ...], after: tuple[Condition, ...]) -> None:
        held = {each.type for each in before if each.status}
        for each in after:
            if each.status and each.type not in held:
                _log.warning("condition.began", condition=each.type.value, reason=each.reason)
            elif not each.status and each.type in held:
                _log.info("condition.ended", condition=each.type.value)
        try:
            await asyncio.to_thread(private.replace, self._kept, _encode(after))
        except OsapiError as problem:
            _log.warning("conditions.not_kept", error=problem.message)


def _read(kept: Path) -> tuple[Condition, ...]:
    """What an earlier run has left; nothing when there is no file, or none that can be read."""
    try:
        return _decode(kept.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return ()
