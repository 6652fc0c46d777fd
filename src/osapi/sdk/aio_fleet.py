"""The agents of a controller, and how it fares itself, through the asynchronous client; see `fleet`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from osapi.fleet.api import AgentInfo, AgentList, Message, QuarantineReport, TargetGroup
from osapi.fleet.enrolment.api import BarredKeys, JoinTokenMade, JoinTokens, PendingAgents
from osapi.fleet.target_api import FactKeys, TargetInfo
from osapi.sdk import calls
from osapi.sdk.aio_raw import AsyncRawClient
from osapi.sdk.errors import ApiError
from osapi.sdk.fleet import AgentFilters, Readiness, unready
from osapi.sdk.wire import decode


class AsyncAgents:
    """The agents of a controller, which are the hosts of the fleet."""

    def __init__(self, raw: AsyncRawClient) -> None:
        self._raw = raw

    async def list(self, **filters: Unpack[AgentFilters]) -> AgentList:
        """The agents that the token reaches, ready or not. Filters that are left out match everything."""
        answer: AgentList = decode(await self._raw.send(calls.agent_list(**filters)), AgentList)
        return answer

    async def get(self, name: str) -> AgentInfo:
        """One agent by host name or machine id. Raises `NotFound`."""
        answer: AgentInfo = decode(await self._raw.send(calls.agent_get(name)), AgentInfo)
        return answer

    async def quarantine(self, *, limit: int | None = None) -> QuarantineReport:
        """Messages in the name of agents that were not believed."""
        answer: QuarantineReport = decode(await self._raw.send(calls.agent_quarantine(limit)), QuarantineReport)
        return answer

    async def meant_by(self, target: str, permission: str | None = None) -> TargetInfo:
        """Whom a target means now, of the hosts on which the token has the permission, or all of its own."""
        answer: TargetInfo = decode(await self._raw.send(calls.target(target, permission)), TargetInfo)
        return answer

    async def fact_keys(self) -> FactKeys:
        """The facts that requests and targets can refer to, built-in and custom."""
        answer: FactKeys = decode(await self._raw.send(calls.fact_keys()), FactKeys)
        return answer

    async def drain(self, name: str, reason: str = "") -> str:
        """Let an agent finish what it has in hand and take nothing new. Raises `Conflict` when it is drained."""
        answer: Message = decode(await self._raw.send(calls.agent_drain(name, reason)), Message)
        return answer.message

    async def undrain(self, name: str) -> str:
        """Let a drained agent take work again. Raises `Conflict` when it is not drained."""
        answer: Message = decode(await self._raw.send(calls.agent_undrain(name)), Message)
        return answer.message

    async def delete(self, name: str, *, force: bool = False) -> str:
        """Remove an agent that is gone. Raises `Conflict` when it is reachable, unless `force` is set."""
        answer: Message = decode(await self._raw.send(calls.agent_delete(name, force=force)), Message)
        return answer.message

    async def pending(self) -> PendingAgents:
        """Hosts that wait to be accepted."""
        answer: PendingAgents = decode(await self._raw.send(calls.agents_pending()), PendingAgents)
        return answer

    async def barred(self) -> BarredKeys:
        """Keys that were rejected or revoked, and that nobody has allowed since."""
        answer: BarredKeys = decode(await self._raw.send(calls.agents_barred()), BarredKeys)
        return answer

    async def accept(self, name: str, fingerprint: str = "") -> str:
        """Accept a host that waits, if its key has this fingerprint; empty: whichever. Raises `NotFound`."""
        answer: Message = decode(await self._raw.send(calls.agent_accept(name, fingerprint)), Message)
        return answer.message

    async def reject(self, name: str) -> str:
        """Reject a host that waits; its key is accepted no more. Raises `NotFound`."""
        answer: Message = decode(await self._raw.send(calls.agent_reject(name)), Message)
        return answer.message

    async def revoke(self, name: str) -> str:
        """Cut an agent off at once; its key is accepted no more. Raises `NotFound`."""
        answer: Message = decode(await self._raw.send(calls.agent_revoke(name)), Message)
        return answer.message

    async def allow(self, fingerprint: str) -> str:
        """Let a key that was rejected or revoked join again, with a new join token; returns what became of it."""
        answer: Message = decode(await self._raw.send(calls.agent_allow(fingerprint)), Message)
        return answer.message

    async def join_token(
        self, *, uses: int = 1, expires_s: float = 3600, review: bool = False, servers: Sequence[str] = ()
    ) -> JoinTokenMade:
        """A new join token; its text is told this once. With `review` hosts that come with it wait to be accepted."""
        wanted = {"uses": uses, "expires_s": expires_s, "review": review, "servers": [*servers]}
        answer: JoinTokenMade = decode(await self._raw.send(calls.join_token_make(wanted)), JoinTokenMade)
        return answer

    async def join_tokens(self) -> JoinTokens:
        """The join tokens, without their secrets."""
        answer: JoinTokens = decode(await self._raw.send(calls.join_tokens()), JoinTokens)
        return answer

    async def revoke_join_token(self, token_id: str) -> str:
        """Let nobody join with this token any more. Raises `NotFound`."""
        answer: Message = decode(await self._raw.send(calls.join_token_drop(token_id)), Message)
        return answer.message


class AsyncHealth:
    """The health of a controller, which needs no token, and where its metrics are."""

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

    async def prometheus_targets(self) -> Sequence[TargetGroup]:
        """Where the programs that the token reaches show their metrics."""
        answer: list[TargetGroup] = decode(await self._raw.send(calls.prometheus_targets()), list[TargetGroup])
        return answer
