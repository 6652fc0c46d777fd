"""What a container uses, from the figures that the engine gives of it. Pure.

The sums are those that docker-stats(1) shows.
"""

from __future__ import annotations

from msgspec import Struct

from osapi.domains.docker.models import ContainerStats


class CpuUsage(Struct, frozen=True):
    """Nanoseconds of processor time since the container's start."""

    total_usage: int = 0


class Cpu(Struct, frozen=True):
    """Processor time of the container, and of the whole host since its boot."""

    cpu_usage: CpuUsage = CpuUsage()
    system_cpu_usage: int = 0
    online_cpus: int = 0


class Memory(Struct, frozen=True):
    """Bytes; `stats` as in memory.stat of the control group."""

    usage: int | None = None
    limit: int | None = None
    stats: dict[str, int] | None = None


class Interface(Struct, frozen=True):
    """Bytes since the container's start."""

    rx_bytes: int = 0
    tx_bytes: int = 0


class Transfer(Struct, frozen=True):
    """Bytes from or to one device; `op` is read, write or another, in any case."""

    op: str
    value: int


class Disks(Struct, frozen=True):
    """What was transferred; None when it is not measured."""

    io_service_bytes_recursive: list[Transfer] | None = None


class Pids(Struct, frozen=True):
    """How many processes and threads there are."""

    current: int | None = None


class Figures(Struct, frozen=True):
    """GET /containers/{id}/stats: figures of now, and for the processor of a second before."""

    cpu_stats: Cpu = Cpu()
    precpu_stats: Cpu = Cpu()
    memory_stats: Memory = Memory()
    blkio_stats: Disks = Disks()
    pids_stats: Pids = Pids()
    networks: dict[str, Interface] | None = None


def told(container: str, name: str, found: Figures) -> ContainerStats:
    """What is told of them."""
    usage, limit, networks = memory_usage(found.memory_stats), found.memory_stats.limit, found.networks
    return ContainerStats(
        id=container,
        name=name,
        cpu_percent=cpu_percent(found.precpu_stats, found.cpu_stats),
        memory_usage=usage,
        memory_limit=limit,
        memory_percent=round(100 * usage / limit, 2) if usage is not None and limit else None,
        network_rx=None if networks is None else sum(one.rx_bytes for one in networks.values()),
        network_tx=None if networks is None else sum(one.tx_bytes for one in networks.values()),
        block_read=transferred(found.blkio_stats, "read"),
        block_write=transferred(found.blkio_stats, "write"),
        processes=found.pids_stats.current,
    )


def cpu_percent(before: Cpu, now: Cpu) -> float | None:
    """Share of one processor; None when the host's own time is not told."""
    passed = now.system_cpu_usage - before.system_cpu_usage
    if passed <= 0 or not before.system_cpu_usage:
        return None
    used = max(0, now.cpu_usage.total_usage - before.cpu_usage.total_usage)
    return round(100 * used / passed * max(1, now.online_cpus), 2)


def memory_usage(memory: Memory) -> int | None:
    """Without the part of the page cache that nobody has used lately."""
    if memory.usage is None:
        return None
    stats = memory.stats or {}
    idle = stats.get("inactive_file", stats.get("total_inactive_file", 0))
    return max(0, memory.usage - idle)


def transferred(disks: Disks, direction: str) -> int | None:
    """Bytes of all devices in one direction."""
    if disks.io_service_bytes_recursive is None:
        return None
    return sum(one.value for one in disks.io_service_bytes_recursive if one.op.lower() == direction)
