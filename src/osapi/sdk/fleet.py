"""The agents of a controller, and how it fares itself, through the synchronous client."""

from __future__ import annotations

import msgspec

from osapi.fleet.api import AgentInfo, AgentList, FactKeys, TargetInfo
from osapi.sdk import calls
from osapi.sdk.errors import ApiError, Unavailable
from osapi.sdk.raw import RawClient
from osapi.sdk.wire import decode


class Readiness(msgspec.Struct, kw_only=True):
    """Whether the controller can take jobs; `error` says why not."""

    ready: bool
    error: str = ""


def unready(problem: ApiError) -> Readiness:
    """What the readiness route tells by 503. Raises every other error."""
    if isinstance(problem, Unavailable):
        return Readiness(ready=False, error=problem.message)
    raise problem


class Agents:
    """The agents of a controller, which are the hosts of the fleet."""

    def __init__(self, raw: RawClient) -> None:
        self._raw = raw

    def list(self, target: str | None = None) -> AgentList:
        """All agents that the token reaches, ready or not; with `target` those that it means now."""
        answer: AgentList = decode(self._raw.send(calls.agent_list(target)), AgentList)
        return answer

    def get(self, name: str) -> AgentInfo:
        """One agent by host name or machine id. Raises `NotFound`."""
        answer: AgentInfo = decode(self._raw.send(calls.agent_get(name)), AgentInfo)
        return answer

    def meant_by(self, target: str, permission: str | None = None) -> TargetInfo:
        """Whom a target means now, of the hosts on which the token has the permission, or all of its own."""
        answer: TargetInfo = decode(self._raw.send(calls.target(target, permission)), TargetInfo)
        return answer

    def fact_keys(self) -> FactKeys:
        """The facts that requests and targets can refer to, built-in and custom."""
        answer: FactKeys = decode(self._raw.send(calls.fact_keys()), FactKeys)
        return answer


class Health:
    """The health of a controller. Needs no token."""

    def __init__(self, raw: RawClient) -> None:
        self._raw = raw

    def live(self) -> bool:
        """Whether the controller answers at all. Raises `Unreachable` when nothing does."""
        self._raw.send(calls.health())
        return True

    def ready(self) -> Readiness:
        """Whether the controller can take jobs. Being unready is an answer, not an error."""
        try:
            self._raw.send(calls.health_ready())
        except ApiError as problem:
            return unready(problem)
        return Readiness(ready=True)
