"""The agents of a controller, and how it fares itself, through the asynchronous client; see `fleet`."""

from __future__ import annotations

from osapi.fleet.api import AgentInfo, AgentList, QuarantineReport
from osapi.sdk import calls
from osapi.sdk.aio_raw import AsyncRawClient
from osapi.sdk.errors import ApiError
from osapi.sdk.fleet import Readiness, unready
from osapi.sdk.wire import decode


class AsyncAgents:
    """The agents of a controller, which are the hosts of the fleet."""

    def __init__(self, raw: AsyncRawClient) -> None:
        self._raw = raw

    async def list(self) -> AgentList:
        """All agents that the token reaches, ready or not."""
        answer: AgentList = decode(await self._raw.send(calls.agent_list()), AgentList)
        return answer

    async def get(self, name: str) -> AgentInfo:
        """One agent by host name or machine id. Raises `NotFound`."""
        answer: AgentInfo = decode(await self._raw.send(calls.agent_get(name)), AgentInfo)
        return answer

    async def forget(self, name: str) -> None:
        """Forget an agent and the key by which it is known; if it lives on, it joins anew. Raises `NotFound`."""
        await self._raw.send(calls.agent_forget(name))

    async def quarantine(self, *, limit: int | None = None) -> QuarantineReport:
        """Messages in the name of agents that were not believed."""
        answer: QuarantineReport = decode(await self._raw.send(calls.agent_quarantine(limit)), QuarantineReport)
        return answer


class AsyncHealth:
    """The health of a controller. Needs no token."""

    def __init__(self, raw: AsyncRawClient) -> None:
        self._raw = raw

    async def live(self) -> bool:
        """Whether the controller answers at all. Raises `Unreachable` when nothing does."""
        await self._raw.send(calls.health())
        return True

    async def ready(self) -> Readiness:
        """Whether the controller can take jobs. Being unready is an answer, not an error."""
        try:
            await self._raw.send(calls.health_ready())
        except ApiError as problem:
            return unready(problem)
        return Readiness(ready=True)
