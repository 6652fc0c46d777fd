"""The state of a host as a whole, made of the single reports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from osapi.contract.errors import OsapiError
from osapi.contract.operation import Nothing
from osapi.domains.node.models import Problem, Status
from osapi.domains.node.provider import NodeProvider

T = TypeVar("T")


async def whole(node: NodeProvider, hostname: str) -> Status:
    """Every report at once. A part that fails is listed in `problems`."""
    problems: list[Problem] = []
    uptime, load, memory, disks, system = await asyncio.gather(
        _attempt("uptime", node.uptime(Nothing()), problems),
        _attempt("load_average", node.load(Nothing()), problems),
        _attempt("memory", node.memory(Nothing()), problems),
        _attempt("disks", node.disk(Nothing()), problems),
        _attempt("os_info", node.os(Nothing()), problems),
    )
    return Status(
        hostname=hostname,
        uptime=uptime.uptime if uptime else None,
        uptime_seconds=uptime.uptime_seconds if uptime else None,
        load_average=load.load_average if load else None,
        memory=memory.memory if memory else None,
        disks=disks.disks if disks else None,
        os_info=system.os_info if system else None,
        problems=[*problems, *(disks.problems if disks else [])],
    )


async def _attempt(part: str, work: Awaitable[T], problems: list[Problem]) -> T | None:
    try:
        return await work
    except OsapiError as err:
        problems.append(Problem(part=part, error=err.message))
        return None
