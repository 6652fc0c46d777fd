"""Whether a host or a program is under pressure. Pure: readings in, conditions out.

A condition begins when its value exceeds the threshold and ends only when the value has fallen clearly
below it, so that a value that hovers at the threshold does not begin and end it again and again.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from osapi.contract import moments
from osapi.telemetry.process import ProcessFigures

ENDS_AT = 0.95
"""A condition ends at this share of its threshold."""


class ConditionType(enum.Enum):
    """What can be wrong."""

    MEMORY_PRESSURE = "MemoryPressure"
    HIGH_LOAD = "HighLoad"
    DISK_PRESSURE = "DiskPressure"
    PROCESS_MEMORY_PRESSURE = "ProcessMemoryPressure"
    PROCESS_HIGH_CPU = "ProcessHighCPU"


class Condition(msgspec.Struct, frozen=True, array_like=True):
    """One condition in a heartbeat; a list on the wire, to be short. `reason` is empty while it does not hold."""

    type: ConditionType
    status: bool
    since: datetime
    """When it last began or ended."""
    reason: str = ""

    def __post_init__(self) -> None:
        moments.check(self.since)


@dataclass(frozen=True)
class Reading:
    """One value against its threshold; `told` says both to people, for example `memory 93.1 % of 90 %`."""

    type: ConditionType
    value: float
    threshold: float
    told: str


def settle(before: Iterable[Condition], readings: Iterable[Reading], now: datetime) -> tuple[Condition, ...]:
    """The conditions after these readings. One without a reading is left out: nothing is known of it."""
    known = {condition.type: condition for condition in before}
    return tuple(_settled(known.get(reading.type), reading, now) for reading in readings)


def _settled(before: Condition | None, reading: Reading, now: datetime) -> Condition:
    held = before is not None and before.status
    holds = reading.value > reading.threshold * (ENDS_AT if held else 1.0)
    since = before.since if before is not None and holds == held else now
    return Condition(reading.type, holds, since, reading.told if holds else "")


def of_process(figures: ProcessFigures, memory_bytes: int, cpu_percent: float) -> list[Reading]:
    """Readings of a program of ours; a threshold of 0 means that nobody wants to know."""
    readings: list[Reading] = []
    if memory_bytes:
        told = f"resident memory {figures.rss_bytes} bytes, threshold {memory_bytes}"
        readings.append(Reading(ConditionType.PROCESS_MEMORY_PRESSURE, figures.rss_bytes, memory_bytes, told))
    if cpu_percent:
        told = f"processor {figures.cpu_percent:.1f} %, threshold {cpu_percent:g} %"
        readings.append(Reading(ConditionType.PROCESS_HIGH_CPU, figures.cpu_percent, cpu_percent, told))
    return readings


def of_memory(used: int, total: int, percent: float) -> Reading:
    """Reading of main memory, in bytes."""
    value = 100 * used / total if total else 0.0
    return Reading(ConditionType.MEMORY_PRESSURE, value, percent, f"memory {value:.1f} % used, threshold {percent:g} %")


def of_load(one_minute: float, processors: int, multiplier: float) -> Reading:
    """Reading of the one-minute load average."""
    limit = processors * multiplier
    told = f"load {one_minute:.2f}, threshold {limit:g} ({processors} processors x {multiplier:g})"
    return Reading(ConditionType.HIGH_LOAD, one_minute, limit, told)


def of_disk(path: str, used: int, total: int, percent: float) -> Reading:
    """Reading of the fullest disk, in bytes."""
    value = 100 * used / total if total else 0.0
    told = f"disk {path} {value:.1f} % used, threshold {percent:g} %"
    return Reading(ConditionType.DISK_PRESSURE, value, percent, told)
