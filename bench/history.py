"""Fills a broker with finished jobs: signed records and the answers of their hosts, as if they had been run."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from bench.logins import Login
from bench.wire import connect
from osapi.contract.ids import JobId, MachineId
from osapi.contract.operation import Kind
from osapi.jobs import envelope, roster, subjects
from osapi.jobs.record import Actor, Ending, Job, Response, Roster
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer

_AT_ONCE = 512
_HOSTS = 50
_OPERATIONS = ("node.hostname.get", "node.uptime.get", "node.load.get", "node.memory.get")

_encode = msgspec.json.Encoder().encode


async def fill(login: Login, signer: Signer, count: int) -> list[JobId]:
    """Store `count` finished jobs of one host each, oldest first, over the last hour. Returns their ids."""
    wire = await connect(login)
    wire.listen_for_answers()
    ids: list[JobId] = []
    agent = Signer(PrivateKey.generate())
    waiting: list[asyncio.Future[bytes]] = []
    for job, record, answer in _jobs(signer, agent, count):
        ids.append(job.id)
        key = subjects.response_key(job.id, job.route.removeprefix("host."))
        waiting.append(wire.request(f"$KV.job-queue.{subjects.record_key(job.id)}", record))
        waiting.append(wire.request(f"$KV.job-responses.{key}", answer))
        if len(waiting) >= _AT_ONCE:
            await asyncio.gather(*waiting)
            waiting.clear()
    await asyncio.gather(*waiting)
    await wire.close()
    return ids


def _jobs(signer: Signer, agent: Signer, count: int) -> Iterator[tuple[Job, bytes, bytes]]:
    now = datetime.now(UTC)
    for number in range(count):
        issued = now - timedelta(hours=1) * (count - number) / count - timedelta(minutes=5)
        yield _job(signer, agent, number, issued)


def _job(signer: Signer, agent: Signer, number: int, issued: datetime) -> tuple[Job, bytes, bytes]:
    machine, hostname = MachineId(f"{0xB0000000 + number % _HOSTS:032x}"), f"web-{number % _HOSTS:02}"
    job = Job(
        id=JobId(str(uuid.uuid4())), operation=_OPERATIONS[number % len(_OPERATIONS)], kind=Kind.QUERY,
        request=msgspec.Raw(b"{}"), target=hostname, route=f"host.{machine}", expected=roster.prefixes([machine]),
        actor=Actor("bench", ("admin",)), issued=issued, expires=issued + timedelta(minutes=1), deadline_s=30.0,
    )  # fmt: skip
    sealed = envelope.seal(signer, envelope.JOB, _encode(job))
    response = Response(
        job_id=job.id, machine_id=machine, hostname=hostname, ending=Ending.COMPLETED,
        data=msgspec.Raw(_encode({"hostname": hostname})),
        received=issued, started=issued, finished=issued + timedelta(milliseconds=2),
    )  # fmt: skip
    return (
        job,
        sealed + b"\n" + _encode(Roster({machine: hostname})),
        envelope.seal(agent, envelope.RESULT, _encode(response)),
    )
