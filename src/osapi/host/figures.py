"""Uptime, load, memory and disks, read from /proc and by statvfs(3).

Parsers are pure. Which file systems count: those that are local and hold data. Pseudo and network file
systems are `nodev` in /proc/filesystems and so left out (ZFS and the overlay of a container's root are not);
images that are always full (squashfs and the like) too. A device that is mounted twice counts once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from osapi.contract.errors import OsapiError, Permanent

_IMAGES = frozenset({"squashfs", "erofs", "cramfs", "iso9660", "udf"})
_NODEV_BUT_LOCAL = frozenset({"zfs"})
_KIB = 1024


class Source(Protocol):
    """Where the figures come from; a `Host` is one."""

    async def read(self, path: str, *, follow: bool) -> bytes | None: ...

    async def disk_space(self, path: str) -> DiskSpace: ...


@dataclass(frozen=True, kw_only=True)
class DiskSpace:
    """Figures of statvfs(3), in bytes and numbers."""

    total: int
    free: int
    """Not used at all, the share reserved for root included."""
    available: int
    """What programs without privileges may still use."""
    inodes_total: int
    inodes_free: int
    read_only: bool


@dataclass(frozen=True, kw_only=True)
class Mount:
    """One line of /proc/self/mountinfo, see proc_pid_mountinfo(5)."""

    device_number: str
    """Major and minor number, for example `8:1`."""
    root: str
    """Which directory of the file system is mounted; `/` unless it is a bind mount or a subvolume."""
    path: str
    type: str
    device: str


@dataclass(frozen=True, kw_only=True)
class MountedDisk:
    """A local file system. Either `space` or `error` says something; the other is None."""

    mount: Mount
    space: DiskSpace | None = None
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class MemoryFigures:
    """Memory in bytes, see proc_meminfo(5)."""

    total: int
    free: int
    available: int
    buffers: int
    cached: int
    """Page cache and reclaimable slab."""
    swap_total: int
    swap_free: int
    pressure_percent: float | None
    """`some avg10` of /proc/pressure/memory; None when the kernel does not measure it."""


class Figures:
    """Reads the figures of one host."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def uptime(self) -> timedelta:
        """Time since boot. Reads /proc/uptime, see proc_uptime(5)."""
        return timedelta(seconds=(await self._numbers("/proc/uptime", 1))[0])

    async def load(self) -> tuple[float, float, float]:
        """Load averages over 1, 5 and 15 minutes. Reads /proc/loadavg, see proc_loadavg(5)."""
        one, five, fifteen = await self._numbers("/proc/loadavg", 3)
        return one, five, fifteen

    async def memory(self) -> MemoryFigures:
        """Memory and swap. Reads /proc/meminfo and, where there is one, /proc/pressure/memory."""
        return parse_meminfo(await self._text("/proc/meminfo"), await self._pressure())

    async def disks(self) -> list[MountedDisk]:
        """Local file systems by mount point, each device once. One that cannot be read carries its error."""
        local = local_types(await self._text("/proc/filesystems"))
        mounts = parse_mountinfo(await self._text("/proc/self/mountinfo"))
        return await asyncio.gather(*(self._measure(mount) for mount in real_mounts(mounts, local)))

    async def _measure(self, mount: Mount) -> MountedDisk:
        try:
            return MountedDisk(mount=mount, space=await self._source.disk_space(mount.path))
        except OsapiError as err:
            return MountedDisk(mount=mount, error=err.message)

    async def _pressure(self) -> float | None:
        try:
            content = await self._source.read("/proc/pressure/memory", follow=True)
        except OsapiError:  # psi=0 on the kernel command line: the file is there and cannot be opened
            return None
        found = re.search(rb"^some avg10=([0-9.]+)", content or b"")
        return float(found[1]) if found else None

    async def _numbers(self, path: str, count: int) -> list[float]:
        text = await self._text(path)
        try:
            numbers = [float(word) for word in text.split()[:count]]
        except ValueError:
            numbers = []
        if len(numbers) < count:
            raise Permanent(f"{path} does not begin with {count} numbers: {text[:80]!r}", code="io_error")
        return numbers

    async def _text(self, path: str) -> str:
        content = await self._source.read(path, follow=True)  # /proc/self is a link
        if content is None:
            raise Permanent(f"{path} is not there; is /proc mounted?", code="io_error")
        return content.decode("utf-8", "replace")


def parse_meminfo(text: str, pressure_percent: float | None = None) -> MemoryFigures:
    """Read /proc/meminfo, whose figures are in units of 1024 bytes."""
    values = {found[1]: int(found[2]) * _KIB for found in re.finditer(r"^(\S+):\s+(\d+) kB$", text, re.MULTILINE)}
    if "MemTotal" not in values:
        raise Permanent("/proc/meminfo has no MemTotal", code="io_error")
    free = values.get("MemFree", 0)
    return MemoryFigures(
        total=values["MemTotal"],
        free=free,
        available=values.get("MemAvailable", free),
        buffers=values.get("Buffers", 0),
        cached=values.get("Cached", 0) + values.get("SReclaimable", 0),
        swap_total=values.get("SwapTotal", 0),
        swap_free=values.get("SwapFree", 0),
        pressure_percent=pressure_percent,
    )


def parse_mountinfo(text: str) -> list[Mount]:
    """Read /proc/self/mountinfo. Fields before ` - ` vary in number; blanks are written in octal."""
    return [mount for line in text.splitlines() if (mount := _mount(line)) is not None]


def local_types(text: str) -> frozenset[str]:
    """Kinds of file system that live on a block device, from /proc/filesystems, plus ZFS."""
    rows = [line.split("\t") for line in text.splitlines()]
    return frozenset(row[1] for row in rows if len(row) == 2 and row[0] == "") | _NODEV_BUT_LOCAL


def real_mounts(mounts: Iterable[Mount], local: frozenset[str]) -> list[Mount]:
    """Local file systems, each device once, under the mount that shows most of it; by path."""
    best: dict[str, Mount] = {}
    for mount in sorted(filter(lambda found: _counts(found, local), mounts), key=_closeness):
        best.setdefault(mount.device if mount.device.startswith("/") else mount.device_number, mount)
    return sorted(best.values(), key=lambda mount: mount.path)


def _counts(mount: Mount, local: frozenset[str]) -> bool:
    if mount.type == "overlay":
        return mount.path == "/"
    return mount.type in local - _IMAGES


def _closeness(mount: Mount) -> tuple[bool, int, str]:
    return mount.root != "/", len(mount.path), mount.path


def _mount(line: str) -> Mount | None:
    front, separator, back = line.partition(" - ")
    fields, source = front.split(" "), back.split(" ")
    if not separator or len(fields) < 6 or len(source) < 2:
        return None
    return Mount(
        device_number=fields[2],
        root=_unescape(fields[3]),
        path=_unescape(fields[4]),
        type=source[0],
        device=_unescape(source[1]),
    )


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
