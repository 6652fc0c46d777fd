"""Turns figures into the answers of the node operations. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from osapi.domains.node.models import Disk, DiskReport, Problem
from osapi.host.figures import DiskSpace, Mount, MountedDisk


def percent(part: int, whole: int) -> float:
    """Share of `part` in `whole`, 0 to 100 with one decimal; 0 of nothing."""
    return round(100 * part / whole, 1) if whole > 0 else 0.0


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
