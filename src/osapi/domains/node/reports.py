"""Turns figures into the answers of the node operations. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from osapi.contract import spoken
from osapi.domains.node.models import (
    Disk,
    DiskReport,
    LoadAverage,
    LoadReport,
    Memory,
    MemoryReport,
    Problem,
    UptimeReport,
)
from osapi.host.figures import DiskSpace, MemoryFigures, Mount, MountedDisk


def percent(part: int, whole: int) -> float:
    """Share of `part` in `whole`, 0 to 100 with one decimal; 0 of nothing."""
    return round(100 * part / whole, 1) if whole > 0 else 0.0


def uptime_report(up: timedelta, now: datetime) -> UptimeReport:
    """Time since boot, in whole seconds."""
    seconds = timedelta(seconds=int(up.total_seconds()))
    return UptimeReport(
        uptime=spoken.duration(seconds),
        uptime_seconds=int(seconds.total_seconds()),
        boot_time=(now - up).replace(microsecond=0),
    )


def load_report(averages: tuple[float, float, float]) -> LoadReport:
    """Load averages over 1, 5 and 15 minutes."""
    one, five, fifteen = averages
    return LoadReport(load_average=LoadAverage(one=one, five=five, fifteen=fifteen))


def memory_report(found: MemoryFigures) -> MemoryReport:
    """Memory and swap. `used` is what programs hold: total less available."""
    used = found.total - found.available
    return MemoryReport(
        memory=Memory(
            total=found.total,
            free=found.free,
            used=used,
            available=found.available,
            used_percent=percent(used, found.total),
            buffers=found.buffers,
            cached=found.cached,
            swap_total=found.swap_total,
            swap_free=found.swap_free,
            pressure_percent=found.pressure_percent,
        )
    )


def disk_report(disks: Iterable[MountedDisk]) -> DiskReport:
    """Readable file systems as disks, the others as problems."""
    report = DiskReport(disks=[])
    for found in disks:
        if found.space is None:
            report.problems.append(Problem(part=f"disks {found.mount.path}", error=found.error or "unknown"))
        else:
            report.disks.append(_disk(found.mount, found.space))
    return report


def _disk(mount: Mount, space: DiskSpace) -> Disk:
    used = space.total - space.free
    return Disk(
        name=mount.path,
        total=space.total,
        used=used,
        free=space.available,
        used_percent=percent(used, used + space.available),
        device=mount.device,
        type=mount.type,
        inodes_total=space.inodes_total,
        inodes_free=space.inodes_free,
        read_only=space.read_only,
    )
