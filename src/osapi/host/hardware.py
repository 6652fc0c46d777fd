"""Processor and disks, from /proc/cpuinfo and /sys."""

from __future__ import annotations

import re

from osapi.contract.facts import HostDisk
from osapi.host.door import Host
from osapi.host.kernel import text

_BLOCK = "/sys/block"
_SECTOR = 512
"""The unit of `size`, whatever the device's own sectors are; see the kernel's stable/sysfs-block."""
_NO_DISK = re.compile(r"(?:loop|ram|zram|sr|fd|dm-|md|nbd)\d")
_MODEL = re.compile(r"^(?:model name|Model|cpu model|cpu|machine)\s*: (.+)$", re.MULTILINE)
"""How x86, ARM boards, MIPS, POWER and S/390 name themselves in /proc/cpuinfo."""


async def cpu_model(host: Host) -> str:
    """What the processor calls itself; empty when it does not say."""
    found = _MODEL.search(text(await host.read("/proc/cpuinfo", follow=True)))
    return found[1].strip() if found else ""


async def cpu_count(host: Host) -> int | None:
    """Number of processors that are in use, from /sys/devices/system/cpu/online; None when it does not say."""
    return counted(text(await host.read("/sys/devices/system/cpu/online", follow=True)))


def counted(ranges: str) -> int | None:
    """How many numbers a list such as `0-3,8` names; None when it is none."""
    if not re.fullmatch(r"\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*", ranges):
        return None
    ends = [[int(end) for end in part.split("-")] for part in ranges.split(",")]
    return sum(pair[-1] - pair[0] + 1 for pair in ends)


async def disks(host: Host) -> tuple[HostDisk, ...]:
    """Disks that hold something, without those made of others (LVM, RAID, loops) and those that can be taken out."""
    names = [name for name in await host.list_dir(_BLOCK) if not _NO_DISK.match(name)]
    found = [await _disk(host, name) for name in names]
    return tuple(disk for disk in found if disk.size > 0)


async def _disk(host: Host, name: str) -> HostDisk:
    async def value(path: str) -> str:
        return text(await host.read(f"{_BLOCK}/{name}/{path}", follow=True))

    size, rotational = await value("size"), await value("queue/rotational")
    return HostDisk(
        name=name.replace("!", "/"),
        size=int(size) * _SECTOR if size.isdigit() else 0,
        model=await value("device/model"),
        rotational=rotational == "1" if rotational else None,
    )
