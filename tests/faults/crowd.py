"""A process that is many agents towards the broker, by the code of real ones: connection, subscriptions, hello,
heartbeat, and the place in the shared queue. What they leave out is the host: nobody runs jobs here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from bench import accepting
from bench.children import run_player
from bench.logins import Login, login_from

from osapi.agent.greeting import Greeting
from osapi.agent.skew import Skew
from osapi.contract.errors import OsapiError, Unavailable
from osapi.contract.ids import MachineId
from osapi.fleet import models
from osapi.fleet.heartbeat import Heartbeat
from osapi.fleet.models import AgentRecord
from osapi.jobs import subjects
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer
from osapi.transport.broker import Broker, Message

LABELS = {"group": "crowd"}
_AT_ONCE = 25
_PULL_S = 30.0


class Member:
    """One agent without a host."""

    def __init__(self, number: int) -> None:
        self.machine = MachineId(f"{number:032x}")
        self._key = PrivateKey.generate()
        self._signer = Signer(self._key)
        self._started = datetime.now(UTC)
        self._beat, self._hello = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, login: Login, controller: Signer) -> None:
        """Connect and do from now on what an agent does while nothing is asked of it."""
        assert login.seed_file is not None
        address = replace(login.address, inbox=f"_INBOX.{self.machine}")
        broker = await Broker.connect(address, name=self.machine, on_connected=self._returned, timeout_s=30)
        await _stored(broker, *accepting.entry(controller, self.machine, self._key.public_key))
        for subject in (*subjects.for_agent(self.machine, LABELS), subjects.cancel(self.machine)):
            await broker.subscribe(subject, _ignore)
        interval = timedelta(seconds=10)
        heart = Heartbeat(broker.bucket("agent-registry"), self._describe, interval, self._beat, self._signer)
        greeting = Greeting(self.machine, tuple, lambda: datetime.now(UTC), self._hello, _obey, Skew())
        self._hello.set()
        self._tasks = [asyncio.create_task(work) for work in (heart.run(), greeting.run(broker), _pull(broker))]

    async def _returned(self) -> None:
        self._beat.set()
        self._hello.set()

    async def _describe(self) -> tuple[str, msgspec.Struct]:
        record = AgentRecord(
            machine_id=self.machine, hostname=f"crowd-{self.machine[-6:]}", labels=LABELS, version="crowd",
            registered_at=self._started, started_at=self._started, heartbeat_at=datetime.now(UTC),
            signing_key=self._key.public_key.raw, sealing_key=bytes([9] + [0] * 31),
        )  # fmt: skip
        return models.key(self.machine), record


async def _stored(broker: Broker, key: str, value: bytes) -> None:
    """Be accepted. Who connects while nats-server reads its users anew may be cut once, and comes back."""
    while True:
        try:
            await broker.bucket("agent-enrollment").put(key, value)
        except Unavailable:
            await asyncio.sleep(0.1)
        else:
            return


async def _pull(broker: Broker) -> None:
    queue = broker.pull_queue("JOBS", "any")
    while True:
        try:
            await queue.fetch(_PULL_S)
        except OsapiError:
            await asyncio.sleep(1)


async def _ignore(_: Message) -> None:
    return


async def _obey(_: bytes) -> None:
    return


@asynccontextmanager
async def play(arguments: dict[str, Any]) -> AsyncIterator[None]:
    """Be the agents `first` to `first + count - 1`, all of them joined."""
    logging.disable()  # each of them tells that the broker is away
    login = login_from(arguments["login"])
    controller = accepting.controller(arguments["public_key"])
    members = [Member(arguments["first"] + number) for number in range(arguments["count"])]
    for start in range(0, len(members), _AT_ONCE):
        await asyncio.gather(*(member.join(login, controller) for member in members[start : start + _AT_ONCE]))
    yield


if __name__ == "__main__":
    run_player(play)
