"""Rows 41 and 43 of the fault matrix, as far as they concern what agents say. Each prints its figures: run with -s."""

from __future__ import annotations

import hashlib
import json
import random
from datetime import UTC, datetime

import msgspec
import pytest
from tests.figures import figures
from tests.integration.agent.conftest import MakeAgent, ReadyAgents
from tests.integration.agent.processes import SHELL, AgentProcess, Fleet, until

from osapi.contract.errors import Invalid
from osapi.contract.ids import JobId, MachineId
from osapi.domains.command.models import SecretInput, ShellRequest
from osapi.fleet import models
from osapi.jobs import envelope, subjects
from osapi.jobs.record import Ending, Response
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.keys import load_private_key
from osapi.pki.signing import Signer

pytestmark = pytest.mark.anyio
SEED = 20260101


def signer_of(agent: AgentProcess) -> Signer:
    """The key of an agent that somebody has broken into."""
    return Signer(load_private_key(agent.state / "agent.key"))


async def registered(fleet: Fleet, machine: str) -> bytes:
    """The last heartbeat as it is stored."""
    entry = await fleet.broker.bucket("agent-registry").get(models.key(MachineId(machine)))
    assert entry is not None
    return entry.value


def mutated(value: bytes, dice: random.Random) -> bytes:
    """Something like it: cut, a byte changed, a part doubled, the line end gone, the header of another."""
    at = dice.randrange(1, len(value))
    head, _, payload = value.partition(b"\n")
    return dice.choice(
        [
            value[:at],
            value[:at] + bytes([value[at] ^ 1 << dice.randrange(8)]) + value[at + 1 :],
            value[:at] + value[at // 2 :],
            payload,
            head + payload,
            payload + b"\n" + head,
            b'{"key":"SHA256:x","signature":""}\n' + payload,
            b"[" * 50_000,
            dice.randbytes(200),
            b"",
        ]
    )


async def test_row_41_malformed_messages_of_an_agent_are_put_aside_and_the_controller_lives(
    fleet: Fleet, ready_agents: ReadyAgents
) -> None:
    agents = await ready_agents(2)
    ticket = await fleet.change("m0", after="sleep 2")
    await until(lambda: fleet.runs(ticket.job_id) == 1)
    dice = random.Random(SEED)
    genuine = response(ticket.job_id, "m0")
    own, villain = envelope.seal(signer_of(agents[0]), envelope.RESULT, genuine), signer_of(agents[1])
    beat = await registered(fleet, "m0")
    responses, registry = fleet.broker.bucket("job-responses"), fleet.broker.bucket("agent-registry")
    sent = 0
    for _ in range(250):
        job = JobId(dice.choice([ticket.job_id, "00000000-0000-4000-8000-000000000000"]))
        await responses.put(subjects.response_key(job, "m1"), mutated(own, dice))
        await responses.put(subjects.response_key(job, "m0"), envelope.seal(villain, envelope.RESULT, genuine))
        await registry.put(models.key(MachineId("m0")), mutated(beat, dice))
        await registry.put(f"agents.x{dice.randrange(5)}", mutated(beat, dice))
        sent += 4
    forged = envelope.seal(villain, envelope.HEARTBEAT, beat.partition(b"\n")[2].replace(b"name-m0", b"evil-m0"))
    await registry.put(models.key(MachineId("m0")), forged)
    await until(lambda: fleet.quarantine.counts.total() >= sent // 2)
    names = {agent.record.hostname for agent in fleet.registry.list()}
    entry = fleet.service.index.get(ticket.job_id)
    assert entry is not None
    forgeries = len(names - {"name-m0", "name-m1"}) + (entry.notes["m0"].ending is not None)
    alive = await fleet.hostname("_all")
    crashes = int(alive != ["name-m0", "name-m1"])
    quarantined = fleet.quarantine.counts.total()
    figures("row 41", messages=sent + 1, crashes=crashes, forgeries=forgeries, quarantined=quarantined)
    assert (forgeries, crashes) == (0, 0)


def response(job: JobId, machine: str, **more: object) -> bytes:
    now = datetime.now(UTC)
    made = Response(
        job_id=job, machine_id=MachineId(machine), hostname=f"name-{machine}", ending=Ending.COMPLETED,
        received=now, finished=now, **more,  # type: ignore[arg-type] # fields by name
    )  # fmt: skip
    return msgspec.json.encode(made)


async def test_row_43_forged_and_replayed_results_end_no_job(fleet: Fleet, ready_agents: ReadyAgents) -> None:
    agents = await ready_agents(2)
    earlier = await fleet.change("m0")
    await fleet.answer(earlier.job_id, "m0")
    bucket = fleet.broker.bucket("job-responses")
    old = await bucket.get(subjects.response_key(earlier.job_id, "m0"))
    assert old is not None
    ticket = await fleet.change("_all", after="sleep 2")
    await until(lambda: fleet.runs(ticket.job_id) == 2)
    villain, stranger = signer_of(agents[1]), Signer(PrivateKey.generate())
    lie = response(ticket.job_id, "m0", error="a lie")
    mine, theirs = subjects.response_key(ticket.job_id, "m0"), subjects.response_key(ticket.job_id, "m1")
    attempts = {
        "unsigned": (mine, lie),
        "by another host": (mine, envelope.seal(villain, envelope.RESULT, lie)),
        "by a stranger": (mine, envelope.seal(stranger, envelope.RESULT, lie)),
        "signed for something else": (mine, envelope.seal(signer_of(agents[0]), envelope.HEARTBEAT, lie)),
        "of an earlier job": (mine, old.value),
        "edited": (mine, envelope.seal(signer_of(agents[0]), envelope.RESULT, lie).replace(b"a lie", b"a LIE")),
        "under another name": (theirs, envelope.seal(signer_of(agents[0]), envelope.RESULT, lie)),
    }
    for number, (key, forged) in enumerate(attempts.values(), start=1):
        await bucket.put(key, forged)
        await until(lambda: fleet.quarantine.counts.total() >= number)  # noqa: B023 - called before the loop goes on
    entry = fleet.service.index.get(ticket.job_id)
    assert entry is not None
    believed = sum(note.ending is not None for note in entry.notes.values())
    figures("row 43, results", tried=len(attempts), believed=believed)
    assert believed == 0


async def test_results_and_heartbeats_of_real_agents_are_signed_by_keys_of_their_own(
    fleet: Fleet, make_agent: MakeAgent
) -> None:
    for agent in (make_agent(), make_agent()):
        agent.start()
    await fleet.ready(2)
    ticket = await fleet.change("_all")
    for machine in ("m0", "m1"):
        await fleet.answer(ticket.job_id, machine)
    keys = {agent.record.machine_id: agent.fingerprint for agent in fleet.registry.list()}
    assert len(set(keys.values())) == 2
    for machine, fingerprint in keys.items():
        entry = await fleet.broker.bucket("job-responses").get(subjects.response_key(ticket.job_id, machine))
        assert entry is not None
        assert json.loads(entry.value.partition(b"\n")[0])["key"] == fingerprint
    assert fleet.quarantine.counts.total() == 0


async def test_an_agent_that_comes_back_with_another_key_is_away_until_it_is_removed(
    fleet: Fleet, ready_agents: ReadyAgents
) -> None:
    (agent,) = await ready_agents()
    agent.stop()
    for name in ("agent.key", "agent.pub"):
        (agent.state / name).unlink()
    agent.start()
    await until(lambda: fleet.quarantine.counts.total() >= 2)
    assert not fleet.registry.get("m0").ready
    await fleet.broker.bucket("agent-enrollment").purge("keys.m0")
    await fleet.registry.remove(MachineId("m0"))
    await fleet.ready(1)
    assert await fleet.hostname("m0") == ["name-m0"]


# -- secrets -----------------------------------------------------------------------------------


async def test_a_secret_is_opened_by_every_host_that_it_is_for(fleet: Fleet, make_agent: MakeAgent) -> None:
    for agent in (make_agent(), make_agent(labels={"group": "web"})):
        agent.start()
    await fleet.ready(2)
    request = ShellRequest(command="sha256sum", secret_stdin=SecretInput("Correct-Horse-7"))
    for target, hosts in (("_all", 2), ("m0", 1), ("group:web", 1), ("_any", 1)):
        collected = await fleet.run(SHELL, request, target)
        digests = {msgspec.json.decode(each.data)["stdout"].split()[0] for each in collected.responses}
        assert digests == {hashlib.sha256(b"Correct-Horse-7").hexdigest()}
        assert (len(collected.responses), collected.silent) == (hosts, {})


async def test_secrets_are_not_submitted_for_a_host_that_could_not_read_them(
    fleet: Fleet, ready_agents: ReadyAgents
) -> None:
    await ready_agents()
    old = models.AgentRecord(
        machine_id=MachineId("old"), hostname="name-old", version="0", registered_at=datetime.now(UTC),
        started_at=datetime.now(UTC), heartbeat_at=datetime.now(UTC),
    )  # fmt: skip
    await fleet.broker.bucket("agent-registry").put(models.key(old.machine_id), msgspec.json.encode(old))
    await fleet.ready(2)
    request = ShellRequest(command="true", secret_stdin=SecretInput("x"))
    with pytest.raises(Invalid, match="secrets cannot be sent to name-old: ") as caught:
        await fleet.submit(SHELL, request, "_all")
    assert caught.value.details == {"hosts": ["name-old"]}
    for _ in range(5):
        collected = await fleet.run(SHELL, request, "_any")
        assert [each.machine_id for each in collected.responses] == ["m0"]
