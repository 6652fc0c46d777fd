"""The facts of this host, collected and kept.

Each source fails on its own: what it would tell is left out, and `fact_problems` says why. What cannot change while
the host runs is looked at once. Everything else is looked at when it is asked for and older than a minute, or after
a change that OSAPI itself has made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from osapi.contract.errors import OsapiError
from osapi.contract.facts import FactProblem, HostFacts, HostInterface, HostMount, HostRoute, OsRelease
from osapi.host import custom_facts, hardware, link_facts, surroundings
from osapi.host.custom_facts import CustomFacts
from osapi.host.door import Host
from osapi.host.family import Family
from osapi.host.kernel import text
from osapi.telemetry.log import get_logger

MAX_AGE_S = 60.0
MOST = 64
"""Interfaces, disks or mounts that are told; more would fill the broker with what nobody asks for."""
MOST_ROUTES = 128
_SAME_BOOT = timedelta(seconds=5)
"""How far two computations of one boot's beginning may be apart: a clock is corrected now and then."""

T = TypeVar("T")
_log = get_logger(__name__)


class Facts:
    """Collects and keeps the facts of one host. `stale` is set when it has changed since they were collected."""

    def __init__(self, folder: str = custom_facts.FOLDER, clock: Callable[[], float] = time.monotonic) -> None:
        self._custom = CustomFacts(folder)
        self._clock = clock
        self._turn = asyncio.Lock()
        self._constant: _Constant | None = None
        self._last: HostFacts | None = None
        self._collected = 0.0
        self.stale = asyncio.Event()

    def expire(self) -> None:
        """The host has changed: whoever asks next is told what is true now."""
        self.stale.set()

    async def get(self, host: Host) -> HostFacts:
        """The facts, at most a minute old."""
        async with self._turn:
            fresh = self._clock() - self._collected < MAX_AGE_S
            if self._last is None or self.stale.is_set() or not fresh:
                return await self._collect(host, run_all=not fresh)
            return self._last

    async def refresh(self, host: Host) -> HostFacts:
        """The facts as of now; programs of custom facts are run again."""
        async with self._turn:
            return await self._collect(host, run_all=True)

    async def _collect(self, host: Host, *, run_all: bool) -> HostFacts:
        self.stale.clear()
        try:
            self._constant = self._constant or await _constant(host)
            facts = await collect(host, self._constant, self._custom, run_all=run_all)
        except BaseException:
            self.stale.set()
            raise
        before, self._last = self._last, _with_steady_boot(facts, self._last)
        if run_all or before is None:
            self._collected = self._clock()
        _tell_new(facts.fact_problems, () if before is None else before.fact_problems)
        return self._last


class _Constant(msgspec.Struct, frozen=True):
    """What stays as it is while a host runs."""

    container: str
    virtualization: str
    cpu_model: str


async def collect(host: Host, constant: _Constant, custom: CustomFacts, *, run_all: bool) -> HostFacts:
    """All facts as of now."""
    problems: list[FactProblem] = []

    async def told(name: str, source: Awaitable[T], otherwise: T) -> T:
        try:
            return await source
        except (OsapiError, ValueError) as problem:
            problems.append(FactProblem(name, str(problem)))
            return otherwise

    def bounded(name: str, found: Sequence[T], most: int = MOST) -> tuple[T, ...]:
        if len(found) > most:
            problems.append(FactProblem(name, f"only the first {most} of {len(found)} are told"))
        return tuple(found[:most])

    names, gathered = await host.names(), await custom.gather(host, run_all=run_all)
    routes = await told("routes", _routes(host), [])
    memory = await told("memory", host.figures.memory(), None)
    uptime = await told("booted_at", host.figures.uptime(), None)
    return HostFacts(
        machine_id=names.machine_id,
        hostname=names.hostname,
        fqdn=await host.fqdn(),
        architecture=host.architecture,
        architecture_debian=surroundings.debian_architecture(host.architecture),
        kernel_version=await told("kernel", _kernel(host), ""),
        os_release=os_release(host.family),
        service_mgr=await told("service_mgr", surroundings.service_manager(host), ""),
        package_mgr=surroundings.package_manager(host),
        containerized=constant.container not in ("", surroundings.NONE),
        container=constant.container,
        virtualization=constant.virtualization,
        cpu_model=constant.cpu_model,
        cpu_count=await told("cpu_count", hardware.cpu_count(host), None),
        memory_total=memory.total if memory else None,
        swap_total=memory.swap_total if memory else None,
        booted_at=(host.now() - uptime).replace(microsecond=0) if uptime else None,
        interfaces=bounded("interfaces", await told("interfaces", _interfaces(host), ())),
        primary_interface=link_facts.primary(routes),
        routes=bounded("routes", routes, MOST_ROUTES),
        disks=bounded("disks", await told("disks", hardware.disks(host), ())),
        mounts=bounded("mounts", await told("mounts", _mounts(host), [])),
        facts=gathered.facts,
        fact_problems=(*gathered.problems, *problems),
    )


def as_mapping(facts: HostFacts) -> dict[str, Any]:
    """Facts in their form on the wire: names and plain values; what is not told is not there."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(facts))
    return found


async def _constant(host: Host) -> _Constant:
    return _Constant(
        container=await _or_empty(surroundings.container(host)),
        virtualization=await _or_empty(surroundings.virtualization(host)),
        cpu_model=await _or_empty(hardware.cpu_model(host)),
    )


async def _or_empty(source: Awaitable[str]) -> str:
    try:
        return await source
    except OsapiError as problem:
        _log.warning("facts.unreadable", error=problem.message)
        return ""


def os_release(family: Family) -> OsRelease:
    """The distribution, from os-release(5)."""
    return OsRelease(
        id=family.id,
        family=family.chain,
        name=family.facts.get("NAME", ""),
        version=family.facts.get("VERSION_ID", ""),
        codename=family.facts.get("VERSION_CODENAME", ""),
    )


async def _kernel(host: Host) -> str:
    return text(await host.read("/proc/sys/kernel/osrelease"))


async def _interfaces(host: Host) -> tuple[HostInterface, ...]:
    return link_facts.interfaces((await host.run(("ip", "-j", "address"), deadline_s=5.0)).stdout)


async def _routes(host: Host) -> list[HostRoute]:
    ipv4, ipv6 = [text(await host.read(f"/proc/net/{name}", follow=True)) for name in ("route", "ipv6_route")]
    return [*link_facts.ipv4_routes(ipv4), *link_facts.ipv6_routes(ipv6)]


async def _mounts(host: Host) -> list[HostMount]:
    return [
        HostMount(
            path=disk.mount.path,
            device=disk.mount.device,
            type=disk.mount.type,
            size=disk.space.total if disk.space else None,
        )
        for disk in await host.figures.disks()
    ]


def _with_steady_boot(facts: HostFacts, before: HostFacts | None) -> HostFacts:
    """The same boot began at the same time, however its beginning is computed."""
    old, new = before.booted_at if before else None, facts.booted_at
    if isinstance(old, datetime) and isinstance(new, datetime) and abs(new - old) < _SAME_BOOT:
        return msgspec.structs.replace(facts, booted_at=old)
    return facts


def _tell_new(problems: Sequence[FactProblem], before: Sequence[FactProblem]) -> None:
    for problem in problems:
        if problem not in before:
            _log.warning("facts.broken", source=problem.source, error=problem.error)
