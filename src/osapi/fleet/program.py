"""How a controller or a broker describes itself to the registry."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

import osapi
from osapi.config.fields import ProcessConditions
from osapi.fleet import conditions, models
from osapi.fleet.conditions import Condition
from osapi.fleet.models import ComponentKind, ComponentRecord, Disk
from osapi.telemetry.process import ProcessFigures

FULL_PERCENT = 90
"""Use of the disk that holds the broker's store above which DiskPressure holds."""


class Program:
    """One running program. `instance` tells two of a kind on one host apart, for example its port.

    `parts` tells how its parts are, `measure` what it uses, `disk` the disk it stores on, `most_bytes` how much it may.
    `stopped`, and `metrics`, which tells where its figures are shown, are set by the program as it goes.
    """

    def __init__(
        self,
        kind: ComponentKind,
        instance: str,
        limits: ProcessConditions,
        measure: Callable[[], ProcessFigures],
        parts: Callable[[], Mapping[str, str]],
        now: Callable[[], datetime],
        disk: Callable[[], Disk | None] = lambda: None,
        most_bytes: int = 0,
    ) -> None:
        self._kind = kind
        self._hostname = socket.gethostname()
        self._name = f"{self._hostname}-{instance}"
        self._limits = limits
        self._measure = measure
        self._parts = parts
        self._disk = disk
        self._most_bytes = most_bytes
        self._now = now
        self._started = now()
        self._conditions: tuple[Condition, ...] = ()
        self.stopped = False
        self.metrics: Callable[[], str] = str

    async def entry(self) -> tuple[str, msgspec.Struct]:
        """Key and record for the registry."""
        process, disk = self._measure(), self._disk()
        readings = conditions.of_process(process, self._limits.memory_pressure_bytes, self._limits.high_cpu_percent)
        if disk is not None:
            readings.append(conditions.of_disk(disk.path, disk.used, disk.total, FULL_PERCENT))
        self._conditions = conditions.settle(self._conditions, readings, self._now())
        record = ComponentRecord(
            kind=self._kind,
            name=self._name,
            hostname=self._hostname,
            version=osapi.__version__,
            started_at=self._started,
            heartbeat_at=self._now(),
            stopped=self.stopped,
            process=process,
            disk=disk,
            most_bytes=self._most_bytes,
            conditions=self._conditions,
            parts=dict(self._parts()),
            metrics=self.metrics(),
        )
        return models.component_key(record), record
