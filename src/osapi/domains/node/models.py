"""What the node operations take and answer. Sizes are bytes, times seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct, field

from osapi.contract.operation import Change

HOST_NAME = r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$(?!\n)"
"""RFC 1123, 2.1: labels of 1 to 63 letters, digits and hyphens, no hyphen first or last."""


class Hostname(Struct, kw_only=True, omit_defaults=True):
    """The name of a host, and its labels."""

    hostname: Annotated[str, Meta(description="Name the kernel reports, as `hostname` prints it.")]
    labels: Annotated[dict[str, str], Meta(description="Labels from the agent's settings.")] = {}


class HostnameUpdate(Struct, kw_only=True):
    """A new name for a host."""

    hostname: Annotated[
        str,
        Meta(
            description="New host name: letters, digits, hyphens, and dots between labels (RFC 1123).",
            min_length=1,
            max_length=253,
            pattern=HOST_NAME,
            examples=["web-01"],
            extra={"flag": "name"},
        ),
    ]


class HostnameChange(Change, kw_only=True):
    """What became of a new host name."""

    hostname: Annotated[str, Meta(description="Name of the host after the operation.")]


class OsInfo(Struct, kw_only=True, omit_defaults=True):
    """The operating system of a host."""

    distribution: Annotated[str, Meta(description="Distribution id in lower case, for example `debian`.")]
    version: Annotated[str, Meta(description="Release of the distribution, for example `12.11`; empty when rolling.")]
    name: Annotated[str, Meta(description="Full name for people, for example `Debian GNU/Linux 12 (bookworm)`.")] = ""
    codename: Annotated[str, Meta(description="Code name of the release, for example `bookworm`.")] = ""
    family: Annotated[str, Meta(description="Family whose operations apply, for example `debian`.")] = ""
    kernel: Annotated[str, Meta(description="Release of the running kernel, for example `6.1.0-25-amd64`.")] = ""
    architecture: Annotated[str, Meta(description="Machine type of the kernel, for example `x86_64`.")] = ""


class LoadAverage(Struct, kw_only=True):
    """Mean number of processes that run or wait to run."""

    one: Annotated[float, Meta(description="Mean over the last minute.")] = field(name="1min")
    five: Annotated[float, Meta(description="Mean over the last 5 minutes.")] = field(name="5min")
    fifteen: Annotated[float, Meta(description="Mean over the last 15 minutes.")] = field(name="15min")


class Memory(Struct, kw_only=True, omit_defaults=True):
    """Memory of a host."""

    total: Annotated[int, Meta(description="Usable memory in bytes.")]
    free: Annotated[int, Meta(description="Memory that nothing uses, not even a cache, in bytes.")]
    used: Annotated[int, Meta(description="Memory in use in bytes: `total` less `available`.")]
    available: Annotated[int, Meta(description="Memory that programs can get without swapping, in bytes.")]
    used_percent: Annotated[float, Meta(description="Share of `total` in use, 0 to 100.")]
    buffers: Annotated[int, Meta(description="Memory for raw disk blocks in bytes.")]
    cached: Annotated[int, Meta(description="Page cache and reclaimable slab in bytes.")]
    swap_total: Annotated[int, Meta(description="Swap space in bytes.")]
    swap_free: Annotated[int, Meta(description="Swap space that is not used, in bytes.")]
    pressure_percent: Annotated[
        float | None,
        Meta(
            description="Share of the last 10 seconds in which a process waited for memory, 0 to 100; "
            "left out when the kernel does not measure it."
        ),
    ] = None


class Disk(Struct, kw_only=True, omit_defaults=True):
    """One mounted local file system."""

    name: Annotated[str, Meta(description="Where it is mounted.")]
    total: Annotated[int, Meta(description="Size in bytes.")]
    used: Annotated[int, Meta(description="Bytes in use.")]
    free: Annotated[int, Meta(description="Bytes that programs without privileges may still use.")]
    used_percent: Annotated[
        float, Meta(description="Share in use of what programs without privileges can reach, as `df` shows it.")
    ]
    device: Annotated[str, Meta(description="Device or pool that holds it.")]
    type: Annotated[str, Meta(description="Kind of file system, for example `ext4`.")]
    inodes_total: Annotated[int, Meta(description="Number of inodes; 0 when the file system has no fixed number.")]
    inodes_free: Annotated[int, Meta(description="Inodes that are not used.")]
    read_only: Annotated[bool, Meta(description="Whether it is mounted read-only.")] = False


class Problem(Struct, kw_only=True):
    """A part of a report that could not be read."""

    part: Annotated[str, Meta(description="What could not be read, for example `memory` or `disks /mnt/data`.")]
    error: Annotated[str, Meta(description="Why.")]


class OsReport(Struct, kw_only=True):
    """Answer of `node os`."""

    os_info: Annotated[OsInfo, Meta(description="The operating system.")]


class UptimeReport(Struct, kw_only=True):
    """Answer of `node uptime`."""

    uptime: Annotated[str, Meta(description="Time since boot as text, for example `4 days, 1 hour, 25 minutes`.")]
    uptime_seconds: Annotated[int, Meta(description="Whole seconds since boot.")]
    boot_time: Annotated[datetime, Meta(description="When the host was booted.")]


class LoadReport(Struct, kw_only=True):
    """Answer of `node load`."""

    load_average: Annotated[LoadAverage, Meta(description="The load averages.")]


class MemoryReport(Struct, kw_only=True):
    """Answer of `node memory`."""

    memory: Annotated[Memory, Meta(description="The memory of the host.")]


class DiskReport(Struct, kw_only=True, omit_defaults=True):
    """Answer of `node disk`."""

    disks: Annotated[list[Disk], Meta(description="Mounted local file systems, each device once.")]
    problems: Annotated[list[Problem], Meta(description="File systems that could not be read.")] = []


class Status(Struct, kw_only=True, omit_defaults=True):
    """Everything of the other reports; a part that could not be read is absent and listed in `problems`."""

    hostname: Annotated[str, Meta(description="Name the kernel reports.")]
    uptime: Annotated[str | None, Meta(description="Time since boot as text.")] = None
    uptime_seconds: Annotated[int | None, Meta(description="Whole seconds since boot.")] = None
    load_average: Annotated[LoadAverage | None, Meta(description="The load averages.")] = None
    memory: Annotated[Memory | None, Meta(description="The memory of the host.")] = None
    disks: Annotated[list[Disk] | None, Meta(description="Mounted local file systems, each device once.")] = None
    os_info: Annotated[OsInfo | None, Meta(description="The operating system.")] = None
    problems: Annotated[list[Problem], Meta(description="Parts that could not be read, and why.")] = []
