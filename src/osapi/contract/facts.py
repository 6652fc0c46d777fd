"""Facts: what an agent tells of its host, for references, templates and target queries.

Nothing that changes by itself from one minute to the next (load, uptime, free space) is a fact; heartbeats and
operations tell that. What a host does not tell is None or empty, and is left out on the wire. They rest
in the bucket `agent-facts`.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from osapi.contract.ids import MachineId


class AddressFamily(enum.Enum):
    """Which kinds of address an interface has."""

    INET = "inet"
    INET6 = "inet6"
    DUAL = "dual"


class HostInterface(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A network interface that is up; the loopback is left out."""

    name: Annotated[str, Meta(description="Name of the interface.")]
    ipv4: Annotated[str, Meta(description="Its first IPv4 address of the widest scope.")] = ""
    ipv6: Annotated[str, Meta(description="Its first IPv6 address of the widest scope.")] = ""
    mac: Annotated[str, Meta(description="Hardware address.")] = ""
    family: Annotated[AddressFamily | None, Meta(description="Which kinds of address it has.")] = None
    addresses: Annotated[tuple[str, ...], Meta(description="Every address with the length of its prefix.")] = ()
    mtu: Annotated[int | None, Meta(description="Largest packet in bytes.")] = None


class HostRoute(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A route of the kernel's main tables."""

    destination: Annotated[str, Meta(description="Network address; `0.0.0.0` or `::` for the default route.")]
    gateway: Annotated[str, Meta(description="Next hop; `0.0.0.0` or `::` when the network is reached directly.")]
    interface: Annotated[str, Meta(description="Name of the interface.")]
    mask: Annotated[str, Meta(description="Length of the prefix, as `/24`.")] = ""
    metric: Annotated[int | None, Meta(description="Preference; the lowest wins.")] = None
    flags: Annotated[str, Meta(description="Flags of the kernel in hexadecimal, see route(8).")] = ""


class OsRelease(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The distribution, from os-release(5)."""

    id: Annotated[str, Meta(description="Name for machines, for example `debian`.")]
    family: Annotated[tuple[str, ...], Meta(description="The distribution and what it descends from, up to `linux`.")]
    name: Annotated[str, Meta(description="Name for people.")] = ""
    version: Annotated[str, Meta(description="Version number.")] = ""
    codename: Annotated[str, Meta(description="Name of the version.")] = ""


class HostDisk(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A disk of the host, real or virtual."""

    name: Annotated[str, Meta(description="Name of the device, for example `sda`.")]
    size: Annotated[int, Meta(description="Size in bytes.")]
    model: Annotated[str, Meta(description="What the device calls itself.")] = ""
    rotational: Annotated[bool | None, Meta(description="Whether it turns.")] = None


class HostMount(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A local file system that is mounted."""

    path: Annotated[str, Meta(description="Where it is mounted.")]
    device: Annotated[str, Meta(description="What is mounted.")]
    type: Annotated[str, Meta(description="Kind of file system, for example `ext4`.")]
    size: Annotated[int | None, Meta(description="Size in bytes; absent when it does not answer.")] = None


class FactProblem(Struct, frozen=True):
    """Something about facts that is broken, and spoils nothing else."""

    source: Annotated[str, Meta(description="The file, or the fact.")]
    error: Annotated[str, Meta(description="What is wrong with it.")]


class HostDetails(Struct, kw_only=True, omit_defaults=True):
    """The facts that no heartbeat tells."""

    fqdn: Annotated[str, Meta(description="Fully qualified name, where the resolver knows one.")] = ""
    architecture_debian: Annotated[str, Meta(description="Machine type as dpkg calls it, for example `amd64`.")] = ""
    os_release: Annotated[OsRelease | None, Meta(description="Distribution of the host.")] = None
    service_mgr: Annotated[str, Meta(description="What starts services: `systemd`, `openrc` or `unknown`.")] = ""
    package_mgr: Annotated[str, Meta(description="Package manager, for example `apt`, or `unknown`.")] = ""
    containerized: Annotated[bool | None, Meta(description="Whether the host is a container.")] = None
    container: Annotated[str, Meta(description="Kind of container, for example `lxc`; `none` for none.")] = ""
    virtualization: Annotated[str, Meta(description="Kind of virtual machine, for example `kvm`; `none` for none.")] = (
        ""
    )
    cpu_model: Annotated[str, Meta(description="What the processor calls itself.")] = ""
    memory_total: Annotated[int | None, Meta(description="Main memory in bytes.")] = None
    swap_total: Annotated[int | None, Meta(description="Swap space in bytes.")] = None
    booted_at: Annotated[datetime | None, Meta(description="When the host started, by its own clock.")] = None
    interfaces: Annotated[tuple[HostInterface, ...], Meta(description="Network interfaces that are up.")] = ()
    primary_interface: Annotated[str, Meta(description="Interface of the default route with the lowest metric.")] = ""
    routes: Annotated[tuple[HostRoute, ...], Meta(description="Routes of the kernel, IPv4 before IPv6.")] = ()
    disks: Annotated[tuple[HostDisk, ...], Meta(description="Disks of the host.")] = ()
    mounts: Annotated[tuple[HostMount, ...], Meta(description="Local file systems.")] = ()
    facts: Annotated[dict[str, Any], Meta(description="Custom facts: what the files of the facts folder say.")] = {}
    fact_problems: Annotated[tuple[FactProblem, ...], Meta(description="What is wrong with facts.")] = ()


class HostFacts(HostDetails, kw_only=True, omit_defaults=True):
    """All facts of one host."""

    machine_id: MachineId
    hostname: str
    architecture: str = ""
    kernel_version: str = ""
    cpu_count: int | None = None
