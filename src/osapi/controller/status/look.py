"""Asks every part how it fares. One that fails is named among the components; the others are told all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from osapi.contract.errors import OsapiError
from osapi.controller.status.api import ComponentHealth
from osapi.fleet.service import FleetService
from osapi.jobs.service import JobService
from osapi.telemetry.metrics import Checks
from osapi.transport.layout import Layout
from osapi.transport.survey import Held, Space, Survey, Waiting

FULL = 0.9
"""Share of its storage limit from which the broker counts as degraded."""

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where the figures come from. `checks` are those of readiness, by the component they speak for."""

    survey: Survey
    layout: Layout
    jobs: JobService
    fleet: FleetService
    checks: Checks
    started: float = field(default_factory=time.monotonic)


@dataclass
class Findings:
    """What was found, part by part; None where asking failed."""

    components: dict[str, ComponentHealth]
    held: dict[str, Held] | None = None
    space: Space | None = None
    waiting: list[Waiting] | None = None
    letters: int | None = None


async def look(sources: Sources) -> Findings:
    """Ask all at once. What the broker does not answer within its time is an error of that part alone."""
    found = Findings({name: _checked(check()) for name, check in sources.checks.items()})
    jobs = sources.layout.jobs.name

    async def ask(name: str, question: Callable[[], Awaitable[_T]]) -> _T | None:
        try:
            answer = await question()
        except OsapiError as problem:
            found.components[name] = _checked(problem.message)
            return None
        found.components.setdefault(name, _checked(None))
        return answer

    found.held, found.space, found.waiting, found.letters = await asyncio.gather(
        ask("streams", sources.survey.held),
        ask("store", sources.survey.space),
        ask("consumers", lambda: sources.survey.waiting(jobs)),
        ask("dead_letters", sources.jobs.dead_letters.count),
    )
    if found.space is not None:
        found.space = bounded(found.space, [each.record.most_bytes for each in sources.fleet.components.list()])
        found.components["store"] = _checked(full(found.space))
    _judge_programs(found, sources)
    return found


def bounded(space: Space, most_bytes: Iterable[int]) -> Space:
    """With the least that a broker may store, as each has told (0: none), where its account has no limit."""
    told = [most for most in most_bytes if most]
    return replace(space, limit_bytes=min(told)) if told and space.limit_bytes is None else space


def full(space: Space) -> str | None:
    """What to say when there is little room left; None while there is enough, or no limit is known."""
    if not space.limit_bytes or space.used_bytes <= FULL * space.limit_bytes:
        return None
    return f"{space.used_bytes} of {space.limit_bytes} bytes are used; at the limit jobs are refused"


def _judge_programs(found: Findings, sources: Sources) -> None:
    for component in sources.fleet.components.list():
        name = f"{component.record.kind.value} {component.record.name}"
        reasons = [condition.reason for condition in component.record.conditions if condition.status]
        if not component.reachable:
            reasons.append(f"silent for {component.silent_s:.0f} s")
        found.components[name] = _checked("; ".join(reasons) or None)


def _checked(problem: str | None) -> ComponentHealth:
    return ComponentHealth(status="ok") if problem is None else ComponentHealth(status="error", error=problem)
