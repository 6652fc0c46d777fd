"""What the programs of macOS say about memory, load, boot and disks. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from osapi.contract.errors import Permanent
from osapi.domains.node.models import Disk
from osapi.domains.node.reports import percent
from osapi.host.figures import MemoryFigures

_FILE_SYSTEMS = ("apfs", "hfs")
_KIB = 1024
_SWAP_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_MOUNT = re.compile(r"^(?P<device>/dev/\S+) on (?P<path>/.*) \((?P<type>\w+)(?P<options>[^)]*)\)$")
_DF = re.compile(r"^/dev/\S+ +(\d+) +(\d+) +(\d+) +\d+% +(\d+) +(\d+) +\d+% +(/.*)$")


def boot_time(text: str) -> datetime:
    """Read kern.boottime: `{ sec = 1718000000, usec = 123456 } Mon Jun 10 08:13:20 2024`."""
    return datetime.fromtimestamp(int(_found(r"\bsec = (\d+)", text, "kern.boottime")[1]), UTC)


def load(text: str) -> tuple[float, float, float]:
    """Read vm.loadavg: `{ 1.53 1.73 1.86 }`."""
    found = _found(r"^{ *([\d.]+) +([\d.]+) +([\d.]+) *}", text, "vm.loadavg")
    return float(found[1]), float(found[2]), float(found[3])


def memory(size: str, vm_stat: str, swap: str) -> MemoryFigures:
    """Read hw.memsize (bytes), vm_stat (pages) and vm.swapusage.

    Available is what is free, read ahead of need (speculative) or not used lately (inactive); cached is what is
    backed by files. vm_stat leaves speculative pages out of the free ones.
    """
    page = int(_found(r"page size of (\d+) bytes", vm_stat, "vm_stat")[1])
    pages = {name: int(count) * page for name, count in re.findall(r'^"?([^":]+)"?: +(\d+)\.$', vm_stat, re.MULTILINE)}
    free = pages.get("Pages free", 0) + pages.get("Pages speculative", 0)
    total = int(_found(r"^(\d+)", size, "hw.memsize")[1])
    return MemoryFigures(
        total=total,
        free=free,
        available=min(total, free + pages.get("Pages inactive", 0)),
        buffers=0,
        cached=pages.get("File-backed pages", 0),
        swap_total=_swap("total", swap),
        swap_free=_swap("free", swap),
        pressure_percent=None,
    )


def disks(mount: str, df: str) -> list[Disk]:
    """Local volumes of APFS and HFS, by mount point, from `mount` (kind, options) and `df -k` (sizes, inodes).

    Volumes in one APFS container share its free space: `total` is that of the container, `used` the volume's own.
    """
    mounted = {found["path"]: found for line in mount.splitlines() if (found := _MOUNT.match(line))}
    return sorted(_disks(mounted, df), key=lambda disk: disk.name)


def _disks(mounted: dict[str, re.Match[str]], df: str) -> Iterator[Disk]:
    for line in df.splitlines():
        found = _DF.match(line)
        mount = mounted.get(found[6]) if found else None
        if found is None or mount is None or mount["type"] not in _FILE_SYSTEMS:
            continue
        total, used, free, inodes_used, inodes_free = (int(found[number]) for number in range(1, 6))
        yield Disk(
            name=found[6],
            total=total * _KIB,
            used=used * _KIB,
            free=free * _KIB,
            used_percent=percent(used, used + free),
            device=mount["device"],
            type=mount["type"],
            inodes_total=inodes_used + inodes_free,
            inodes_free=inodes_free,
            read_only="read-only" in mount["options"],
        )


def _swap(name: str, text: str) -> int:
    """Read one figure of `total = 2048.00M  used = 1024.25M  free = 1023.75M  (encrypted)`, in bytes."""
    found = _found(rf"\b{name} = ([\d.]+)([KMG])", text, "vm.swapusage")
    return round(float(found[1]) * _SWAP_UNITS[found[2]])


def _found(pattern: str, text: str, what: str) -> re.Match[str]:
    found = re.search(pattern, text)
    if found is None:
        raise Permanent(f"{what} has an unknown form: {text[:80]!r}", code="io_error")
    return found
