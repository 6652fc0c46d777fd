"""Asks for what was missed: after every connect, and whenever a gap shows.

The agent says hello with the jobs it has in hand; a controller answers and sends again what this host
should have and has not. While no controller is there, the agent keeps asking, ever more rarely.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from osapi.agent.skew import Skew
from osapi.contract.errors import OsapiError
from osapi.contract.ids import JobId, MachineId
from osapi.jobs import subjects
from osapi.jobs.record import Hello, Welcome
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker

_FIRST_WAIT_S = 0.25
_LONGEST_WAIT_S = 30.0
_ANSWER_S = 5.0
_SKEW_S = 30.0

_decode = msgspec.json.Decoder(Welcome).decode
_encode = msgspec.json.Encoder().encode
_log = get_logger(__name__)


class Greeting:
    """Says hello when `wanted` is set. `holding` names the jobs in hand; `obey` takes a standing order to drain, `skew` the time."""

    def __init__(
        self,
        machine: MachineId,
        holding: Callable[[], tuple[JobId, ...]],
        now: Callable[[], datetime],
        wanted: asyncio.Event,
        obey: Callable[[bytes], Awaitable[None]],
        skew: Skew,
        *,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._machine = machine
        self._holding = holding
        self._now = now
        self._random = random
        self._wanted = wanted
        self._obey = obey
        self._skew = skew

    async def run(self, broker: Broker) -> None:
        """Say hello each time it is wanted. Never returns."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._until_answered(broker)

    async def _until_answered(self, broker: Broker) -> None:
        longest = _FIRST_WAIT_S
        while not await self._greet(broker):
            # Half of the wait is random, so that a fleet that lost its controller does not ask in step.
            if await self._wanted_within(longest * (0.5 + self._random() / 2)):
                longest = _FIRST_WAIT_S
            else:
                longest = min(longest * 2, _LONGEST_WAIT_S)

    async def _wanted_within(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                await self._wanted.wait()
        except TimeoutError:
            return False
        self._wanted.clear()
        return True

    async def _greet(self, broker: Broker) -> bool:
        hello = Hello(machine_id=self._machine, holding=self._holding())
        try:
            answer = await broker.request(subjects.hello(self._machine), _encode(hello), timeout_s=_ANSWER_S)
            welcome = _decode(answer.data)
        except (OsapiError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            _log.debug("hello.unanswered", error=str(problem))
            return False
        _log.info("hello.answered", resent=welcome.resent)
        if welcome.standing:
            await self._obey(welcome.standing)
        self._skew.learn(welcome.now)
        ahead_s = self._skew.ahead(self._now()).total_seconds()
        if abs(ahead_s) > _SKEW_S:
            _log.warning("clock.skew", ahead_s=round(ahead_s, 1), error="jobs may expire early or be rejected")
        return True
