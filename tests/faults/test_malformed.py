"""Row 41 of the fault matrix: an enrolled agent that says whatever it likes, to the whole product as processes.

It speaks to the broker as agents do, with an agent's rights. What agents have really said is cut, changed, and said in
another's name; what it says of itself is signed by its own key and of every wrong shape.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bench.stack import Stack, running
from tests.figures import figures
from tests.integration.api.kit import Api, Installation, eventually

from osapi.jobs import envelope
from osapi.pki.keys import load_private_key
from osapi.pki.signing import Signer
from osapi.transport.address import Address, Credentials
from osapi.transport.broker import Broker

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

SEED = 20261125
ROUNDS = 1700
PURPOSES = {
    "agent-registry": envelope.HEARTBEAT,
    "agent-facts": envelope.FACTS,
    "job-responses": envelope.RESULT,
}
"""Buckets of what agents sign."""
SAID_IN = {**dict.fromkeys(PURPOSES, ">"), "agent-registry": "agents.*", "job-queue": "status.>", "file-state": ">"}
"""Where agents may write, and under which keys."""
STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 2**70, 1e308, "", "\0", "\x1b[31m", "\ud83d", "x" * 5000, "../../etc/passwd", [], {}, [[]],
    {"": {"": {}}}, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00", ["a"] * 500, "2026-01-01",
)  # fmt: skip
LOOKED_AT = (
    "/api/agent",
    "/api/agent/web-00",
    "/api/agent/web-01",
    "/api/agent/quarantine",
    "/api/job?limit=50",
    "/api/job/dead-letter",
    "/api/facts/keys",
    "/api/target?target=_all",
    "/api/file/stale",
    "/api/health",
    "/api/health/status",
    "/api/discovery/prometheus",
)


@dataclass(frozen=True)
class Said:
    """One thing that an agent has said: the key under which it stands, and the bytes."""

    bucket: str
    key: str
    value: bytes


class Villain:
    """The agent of web-01, in the wrong hands. `genuine` is what agents have said."""

    def __init__(self, stack: Stack, broker: Broker, genuine: list[Said]) -> None:
        self._broker = broker
        self._dice = random.Random(SEED)
        self.machine, self._victim = stack.agents[1].machine, stack.agents[0].machine
        self._genuine = genuine
        self._signer = Signer(load_private_key(stack.file.parent / "agent-1" / "agent.key"))
        self.sent: Counter[str] = Counter()

    async def rage(self, job: str) -> None:
        """Say everything wrong there is to say, many times. `job` is one that the victim has in hand."""
        answers = [said for said in self._genuine if said.bucket == "job-responses"]
        self._genuine += [
            Said(said.bucket, f"responses.{job}.{self._victim}", _about(said.value, job)) for said in answers
        ]
        for _ in range(ROUNDS):
            said = self._dice.choice(self._genuine)
            wrong = (
                Said(said.bucket, said.key, self._mutated(said.value)),
                Said(said.bucket, self._elsewhere(said.key), said.value),
                Said(said.bucket, said.key, self._signed(said, said.value.partition(b"\n")[2])),
                Said(said.bucket, self._own(said.key), self._signed(said, self._misshapen(said.value))),
                Said(said.bucket, self._own(said.key), self._misshapen(said.value)),
            )
            await asyncio.gather(*(self._say(each) for each in wrong), self._hello())

    async def _say(self, said: Said) -> None:
        await self._broker.bucket(said.bucket).put(said.key, said.value)
        self.sent[said.bucket] += 1

    async def _hello(self) -> None:
        text = self._dice.choice([b"", b"{}", b"[" * 9999, b'{"machine_id":7}', b'{"machine_id":"\xff"}', b"\0"])
        await self._broker.publish(f"hello.{self._victim}", text)
        self.sent["hello"] += 1

    def _signed(self, said: Said, payload: bytes) -> bytes:
        purpose = PURPOSES.get(said.bucket)
        return payload if purpose is None else envelope.seal(self._signer, purpose, payload)

    def _own(self, key: str) -> str:
        return key.replace(self._victim, self.machine)

    def _elsewhere(self, key: str) -> str:
        """The same words in another's place, or in nobody's."""
        other = self._victim if self.machine in key else self.machine
        return key.replace(
            self._victim if other == self.machine else self.machine, self._dice.choice([other, "nobody"])
        )

    def _mutated(self, value: bytes) -> bytes:
        at = self._dice.randrange(1, len(value))
        head, _, payload = value.partition(b"\n")
        return self._dice.choice(
            [
                value[:at],
                value[:at] + bytes([value[at] ^ 1 << self._dice.randrange(8)]) + value[at + 1 :],
                value[:at] + value[at // 2 :],
                payload,
                head + payload,
                b'{"key":"SHA256:x","signature":""}\n' + payload,
                b"[" * 50_000,
                self._dice.randbytes(200),
                b"",
            ]
        )

    def _misshapen(self, value: bytes) -> bytes:
        """The same record with one of its fields, at any depth, of a wrong kind, gone, or new."""
        record = json.loads(value.partition(b"\n")[2] or value)
        spot = record
        while isinstance(spot, dict | list) and spot:
            places = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
            place = self._dice.choice(places)
            if not isinstance(spot[place], dict | list) or self._dice.random() < 0.4:
                spot[place] = self._dice.choice(STRANGE)
                break
            spot = spot[place]
        return json.dumps(record).encode("utf-8", "surrogatepass")


def _about(answer: bytes, job: str) -> bytes:
    """The same answer, to another job."""
    record = json.loads(answer.partition(b"\n")[2])
    return answer.partition(b"\n")[0] + b"\n" + json.dumps({**record, "job_id": job}).encode()


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[Installation]:
    async with running(tmp_path / "stack", agents=2) as stack:
        admin = Api(stack.api_port, stack.token)
        yield Installation(stack, tmp_path, admin)
        await admin.close()


async def heard(fleet: Installation) -> list[Said]:
    """What the agents have said so far, as it is stored."""
    async with fleet.broker() as broker:
        stored = {name: await broker.bucket(name).get_many([pattern]) for name, pattern in SAID_IN.items()}
    return [Said(name, key, entry.value) for name, found in stored.items() for key, entry in found.items()]


@asynccontextmanager
async def villain_of(fleet: Installation) -> AsyncIterator[Villain]:
    """With the credentials of agents."""
    login = fleet.stack.agent_login
    address = Address((f"nats://{login.host}:{login.port}",), auth=Credentials(nkey_file=login.seed_file))
    broker = await Broker.connect(address, name="villain")
    try:
        yield Villain(fleet.stack, broker, await heard(fleet))
    finally:
        await broker.close()


async def test_row_41_whatever_an_agent_says_the_controller_lives_and_believes_nothing_of_others(
    fleet: Installation, tmp_path: Path
) -> None:
    for name in ("web-00", "web-01"):
        assert (await fleet.admin.shell(name, "true")).status_code == 202
    before = (await fleet.admin.get("/api/agent/web-00")).json()
    job = await fleet.admin.submit("web-00", f"while [ ! -e {tmp_path}/go-on ]; do sleep 0.1; done")
    await fleet.admin.job_in(job, "processing")
    async with villain_of(fleet) as villain:
        raging = asyncio.create_task(villain.rage(job))
        errors: list[str] = []
        while not raging.done():
            for path in (*LOOKED_AT, f"/api/job/{job}"):
                answer = await fleet.admin.get(path)
                if answer.status_code >= 500 and '"degraded"' not in answer.text:
                    errors.append(f"{path}: {answer.text}")
        await raging

    async def settled() -> bool:
        told = (await fleet.admin.get("/api/agent/quarantine")).json()
        return bool(told["total"] >= villain.sent.total() // 3)

    await eventually(settled)
    quarantined = (await fleet.admin.get("/api/agent/quarantine")).json()["total"]
    after = (await fleet.admin.get("/api/agent/web-00")).json()
    shown = await fleet.admin.job(job)
    forged = [
        name for name in ("hostname", "machine_id", "labels", "fingerprint", "version") if before[name] != after[name]
    ]
    forged += [] if shown["status"] == "processing" else [f"the job is {shown['status']}"]
    log = (tmp_path / "stack" / "osapi.controller-osapi.log").read_text()
    crashes = log.count("Traceback") + len(errors)
    figures(
        "row 41, as processes",
        messages=villain.sent.total(),
        by_place=dict(villain.sent),
        crashes=crashes,
        forgeries=len(forged),
        quarantined=quarantined,
    )
    assert villain.sent.total() >= 10_000
    assert (errors, forged) == ([], [])
    assert crashes == 0, log[log.index("Traceback") - 1000 :][:5000]
    (tmp_path / "go-on").touch()
    assert (await fleet.admin.shell("web-00", "true")).status_code == 202
