"""Enrolment with the real programs: joining, what stolen and rogue identities achieve, and revocation.

Rows 42, 44 and 45 of docs/reliability.md.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
import time
from pathlib import Path
from typing import Any

import msgspec
import nats
import pytest
from nats.aio.client import Client
from tests.figures import figures

from osapi.broker import permissions
from osapi.config.settings import Settings
from osapi.contract.ids import MachineId
from osapi.fleet.enrolment.records import KeyEntry, Standing
from osapi.fleet.enrolment.wire import Request
from osapi.jobs import envelope
from osapi.pki import join_token
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer

from .conftest import ENOUGH_S, Installation, Running, until

pytestmark = pytest.mark.anyio

ROGUE = PrivateKey.generate()


def started(installation: Installation, **environ: str) -> Running:
    running = installation.spawn("start", **environ)
    running.wait_event("agent.ready")
    until(lambda: running.out, "the start is over")
    return running


def client(installation: Installation, *words: str) -> Any:
    done = installation.run("client", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def token(installation: Installation, *words: str) -> str:
    made: str = client(installation, "agent", "join-token", *words)["token"]
    return made


def second(installation: Installation, text: str, machine: str = "second", folder: str = "second") -> Running:
    """The agent of another host, which has a data folder of its own."""
    more = {"OSAPI_DATA_DIR": str(installation.folder / folder), "OSAPI_AGENT_MACHINE_ID": machine}
    return installation.spawn("agent", "start", OSAPI_AGENT_JOIN=text, OSAPI_AGENT_HOSTNAME=machine, **more)


async def connected(installation: Installation, seed: Path, problems: list[str]) -> Client:
    async def note(problem: Exception) -> None:
        problems.append(str(problem))

    made = Client()
    try:
        await made.connect(
            installation.broker_url,
            tls=installation.ssl,
            nkeys_seed=str(seed),
            error_cb=note,
            allow_reconnect=False,
        )
    except (nats.errors.Error, ConnectionError) as problem:
        if made._transport is not None:  # nats-py leaves the socket of an attempt that is refused open
            made._transport.close()
            with contextlib.suppress(ConnectionError):  # the broker may have hung up first
                await made._transport.wait_closed()
        if isinstance(problem, ConnectionError):  # the broker hung up before its refusal could be read
            raise nats.errors.AuthorizationError from problem
        raise
    return made


def names(installation: Installation) -> list[str]:
    return sorted(each["machine_id"] for each in client(installation, "agent", "list")["agents"])


def refused(running: Running) -> str:
    assert running.process.wait(timeout=ENOUGH_S) == 1
    return running.err.splitlines()[-1]


def test_a_second_host_joins_with_two_commands_and_comes_back_without_a_token(installation: Installation) -> None:
    started(installation)
    text = token(installation)
    first = second(installation, text)
    first.wait_event("agent.ready")
    assert names(installation) == ["second", "testmachine"]
    assert first.stop() == 0
    assert not list((installation.folder / "second" / "agent").glob("join.*"))
    again = second(installation, "")
    again.wait_event("agent.ready")
    assert refused(second(installation, text, "third", "third")).endswith("the join token is used up")


def test_with_review_a_host_waits_over_a_restart_until_it_is_accepted(installation: Installation) -> None:
    started(installation)
    waiting = second(installation, token(installation, "--review"))
    waiting.wait_event("enrolment.pending")
    waiting.process.kill()
    waiting.process.wait()
    again = second(installation, "")
    again.wait_event("enrolment.pending")
    (pending,) = client(installation, "agent", "list", "--pending")["agents"]
    own = {"OSAPI_DATA_DIR": str(installation.folder / "second")}
    shown = installation.run("client", "agent", "key", "fingerprint", "--json", **own)
    assert json.loads(shown.stdout) == {"fingerprint": pending["fingerprint"]}
    wrong = installation.run("client", "agent", "accept", "--hostname", "second", "--fingerprint", "SHA256:0")
    assert wrong.returncode != 0
    client(installation, "agent", "accept", "--hostname", "second", "--fingerprint", pending["fingerprint"])
    again.wait_event("agent.ready")
    assert client(installation, "agent", "list", "--pending")["total"] == 0


def test_a_rejected_host_is_told_in_one_line(installation: Installation) -> None:
    started(installation)
    waiting = second(installation, token(installation, "--review"))
    waiting.wait_event("enrolment.pending")
    client(installation, "agent", "reject", "--hostname", "second")
    assert "refuses to enrol this host" in refused(waiting)


async def test_stolen_credentials_of_an_agent_open_nothing_that_is_not_its_own(installation: Installation) -> None:
    started(installation)
    problems: list[str] = []
    thief = await connected(installation, installation.data / "agent" / "agent.seed", problems)
    streams = (
        "JOBS",
        "KV_job-queue",
        "KV_job-responses",
        "KV_agent-registry",
        "KV_agent-enrollment",
        "AUDIT",
        "OUTPUT",
    )
    calls = (
        "STREAM.INFO",
        "STREAM.DELETE",
        "STREAM.PURGE",
        "STREAM.UPDATE",
        "STREAM.MSG.GET",
        "CONSUMER.LIST",
        "DIRECT.GET",
    )
    say = [f"$JS.API.{call}.{stream}" for call in calls for stream in streams]
    say += [f"$JS.API.CONSUMER.CREATE.{stream}.x" for stream in streams]
    say += [
        "jobs.modify._all",
        "jobs.query.host.testmachine",
        "live.jobs.modify._all",
        "cancel.testmachine",
        "cancel._all",
    ]
    say += ["drain.testmachine", "hello.second", "audit.chain", "dlq.jobs.j.m", "output.j.second", "enroll.request.x"]
    say += [
        "$KV.agent-enrollment.keys.testmachine",
        "$KV.agent-enrollment.tokens.x",
        "$KV.agent-state.drain.testmachine",
    ]
    say += ["$KV.agent-registry.agents.second", "$KV.agent-registry.controller.x", "$KV.agent-facts.facts.second"]
    say += ["$KV.job-queue.jobs.j", "$KV.job-queue.status.j.started.second.1", "$KV.job-responses.responses.j.second"]
    say += [
        "$KV.file-state.second.x",
        "$O.file-objects.M.x",
        "$O.file-objects.C.x.1",
        "_INBOX.second.x",
        "$SYS.REQ.SERVER.PING",
    ]
    hear = [
        ">",
        "jobs.>",
        "live.jobs.>",
        "live.jobs.*.host.second",
        "cancel.second",
        "drain.second",
        "hello.>",
        "output.>",
    ]
    hear += ["$KV.>", "$JS.>", "$O.>", "$SYS.>", "_INBOX.>", "_INBOX.second.>", "audit.>", "dlq.>", "enroll.>"]

    async def ignore(_: object) -> None:
        pass

    for subject in say:
        await thief.publish(subject, b"x")
    for subject in hear:
        await thief.subscribe(subject, cb=ignore)
    await thief.flush()
    async with asyncio.timeout(ENOUGH_S):
        while len(problems) < len(say) + len(hear):
            await asyncio.sleep(0.01)
    figures("row 42", attempts=len(say) + len(hear), allowed=len(say) + len(hear) - len(problems))
    await thief.close()


CLAIM = "$KV.job-queue.status.j.acknowledged._any.0"
ASKED = {
    "read a claim": f"$JS.API.DIRECT.GET.KV_job-queue.{CLAIM}",
    "read the chain of keys": ("$JS.API.DIRECT.GET.KV_agent-enrollment.$KV.agent-enrollment.controller.rotations"),
    "read a description": "$JS.API.DIRECT.GET.OBJ_file-objects.$O.file-objects.M.x",
    "read a chunk": "$JS.API.DIRECT.GET.OBJ_file-objects.$O.file-objects.C.x.0",
    "take a job": "$JS.API.CONSUMER.MSG.NEXT.JOBS.any",
    "acknowledge a job": "$JS.ACK.JOBS.any.1.1.1.1.0",
    "claim": CLAIM,
    "tell an event": "$KV.job-queue.status.j.started.testmachine.1",
    "answer a job": "$KV.job-responses.responses.j.testmachine",
    "tell facts": "$KV.agent-facts.facts.testmachine",
    "beat": "$KV.agent-registry.agents.testmachine",
    "tell of a file": "$KV.file-state.testmachine.x",
    "keep a description": "$O.job-output.M.x",
    "keep a chunk": "$O.job-output.C.x.0",
    "tell output": "output.j.testmachine",
    "say hello": "hello.testmachine",
}
"""Everything that an agent may publish, each once."""
FORGED = [
    "$KV.agent-enrollment.keys.testmachine",
    "$KV.agent-enrollment.enrollment.x",
    "$KV.job-queue.jobs.forged",
    "$KV.job-queue.status.j.started.forged.1",
    "$KV.job-responses.responses.j.forged",
    "$KV.agent-registry.agents.forged",
    "$KV.agent-facts.facts.forged",
    "$KV.agent-state.drain.testmachine",
    "$KV.file-state.forged.x",
    "$O.file-objects.M.forged",
    "$O.file-objects.C.forged.0",
    "$O.job-output.M.forged",
    "jobs.modify._forged",
    "audit.forged",
    "dlq.jobs.j.forged",
    "output.j.forged",
    "$JS.API.STREAM.PURGE.JOBS-DLQ",
    "$JS.API.STREAM.DELETE.KV_agent-state",
]


async def test_an_answer_of_the_broker_to_an_agent_is_stored_nowhere_and_asks_for_nothing(
    installation: Installation,
) -> None:
    """The broker sends an answer wherever the agent says, within the account of agents, where no stream listens."""
    started(installation)
    problems: list[str] = []
    thief = await connected(installation, installation.data / "agent" / "agent.seed", problems)
    rights = permissions.of_agent(Settings(), MachineId("testmachine")).publish
    patterns = [re.compile(re.escape(each).replace(r"\*", "[^.]+").replace(">", ".+")) for each in rights]
    assert all(any(pattern.fullmatch(subject) for subject in ASKED.values()) for pattern in patterns), "one is missing"
    await thief.publish(CLAIM, forged_entry())
    for subject in ASKED.values():
        for reply in FORGED:
            await thief.publish(subject, b"" if "GET" in subject else b"x", reply=reply)
    await answered(thief, ASKED["read a claim"])
    owner = await connected(installation, installation.data / "nkeys" / "controller.seed", problems)
    held = {name: await stored(owner, name) for name in await streams(owner)}
    assert {"KV_agent-state", "JOBS-DLQ", "AUDIT", "OUTPUT"} <= held.keys()
    assert CLAIM in held["KV_job-queue"]
    assert not {subject for each in held.values() for subject in each if subject.startswith(tuple(FORGED[1:]))}
    entry = await owner.request("$JS.API.DIRECT.GET.KV_agent-enrollment.$KV.agent-enrollment.keys.testmachine", b"")
    assert entry.data != forged_entry()
    assert problems == []
    assert thief.is_connected, "its user is still the one of the accepted key"
    figures("row 45", answers_of_the_broker=len(ASKED) * len(FORGED), stored=0)
    await thief.close()
    await owner.close()


async def answered(agent: Client, subject: str) -> None:
    """Return when the broker has come to what was asked last, which is `subject`."""
    there = asyncio.Event()

    async def note(_: object) -> None:
        there.set()

    await agent.subscribe("_INBOX.testmachine.end", cb=note)
    await agent.publish(subject, b"", reply="_INBOX.testmachine.end")
    await asyncio.wait_for(there.wait(), ENOUGH_S)


def forged_entry() -> bytes:
    """What would make another key that of this machine, were it signed by the controller."""
    entry = KeyEntry(
        key="keys.testmachine", machine_id="testmachine", signing_key=ROGUE.public_key.raw,  # type: ignore[arg-type]
        standing=Standing.ACCEPTED, since="2026-01-01T00:00:00Z",  # type: ignore[arg-type]
    )  # fmt: skip
    return envelope.seal(Signer(ROGUE), envelope.ENROLMENT, msgspec.json.encode(entry))


async def streams(owner: Client) -> list[str]:
    names: list[str] = json.loads((await owner.request("$JS.API.STREAM.NAMES", b"")).data)["streams"]
    return names


async def stored(owner: Client, stream: str) -> list[str]:
    """The subjects of all messages of a stream."""
    asked = json.dumps({"subjects_filter": ">"}).encode()
    found = json.loads((await owner.request(f"$JS.API.STREAM.INFO.{stream}", asked)).data)
    return list(found["state"].get("subjects") or {})


async def test_a_revoked_key_is_cut_off_at_once_and_a_clone_is_refused(installation: Installation) -> None:
    started(installation)
    agent = second(installation, token(installation))
    agent.wait_event("agent.ready")
    state = installation.folder / "second" / "agent"
    copy = installation.folder / "copy" / "agent"
    copy.mkdir(parents=True, mode=0o700)
    for name in ("agent.key", "agent.pub", "sealing.key"):
        (copy / name).write_bytes((state / name).read_bytes())
        (copy / name).chmod(0o600)
    assert "this is the key of machine second" in refused(second(installation, token(installation), "clone", "copy"))
    heard: list[bytes] = []

    async def note(message: Any) -> None:
        heard.append(message.data)

    thief = await connected(installation, state / "agent.seed", [])
    await thief.subscribe("live.jobs.*._all", cb=note)
    await thief.flush()
    began = time.monotonic()
    revoking = asyncio.create_task(asyncio.to_thread(client, installation, "agent", "revoke", "--hostname", "second"))
    async with asyncio.timeout(ENOUGH_S):
        while thief.is_connected:
            await asyncio.sleep(0.001)
    cut_ms = round((time.monotonic() - began) * 1e3)
    await revoking
    heard.clear()
    await asyncio.to_thread(client, installation, "node", "hostname", "get", "-T", "_all")
    assert heard == []
    with pytest.raises(nats.errors.Error):
        await connected(installation, state / "agent.seed", [])
    figures("row 44", connections_cut=2, ms_to_cut_with_the_start_of_the_command=cut_ms, reads_after=len(heard))


async def test_rogue_requests_change_no_key_and_store_no_more_than_is_allowed(installation: Installation) -> None:
    started(installation, OSAPI_CONTROLLER_PKI_MAX_PENDING="50")
    text = token(installation, "--uses", "100000", "--review")
    made = join_token.decode(text)
    seed = installation.folder / "token.seed"
    seed.write_text(made.seed)
    problems: list[str] = []
    before = client(installation, "agent", "get", "--hostname", "testmachine")["fingerprint"]
    rogue: Client | None = None
    async with asyncio.timeout(ENOUGH_S):
        while rogue is None:
            try:
                rogue = await connected(installation, seed, problems)
            except nats.errors.Error:
                await asyncio.sleep(0.05)
    inbox = f"_INBOX.join-{made.id}.{secrets.token_hex(4)}"
    for number in range(10_000):
        machine = "testmachine" if number % 2 else f"m{number}"
        await rogue.publish(f"enroll.request.{made.id}", request(machine), reply=f"{inbox}.{number}")
        await rogue.publish(
            f"enroll.request.{made.id}", request(machine), reply="$KV.agent-enrollment.keys.testmachine"
        )
    for subject in ("hello.testmachine", "jobs.modify._all", "$KV.agent-enrollment.keys.x", "$JS.API.STREAM.LIST"):
        await rogue.publish(subject, b"x")
    await rogue.flush()
    async with asyncio.timeout(ENOUGH_S):
        while len(problems) < 4:
            await asyncio.sleep(0.01)
    waiting = await asyncio.to_thread(until, lambda: full(installation), "no 50 requests wait")
    after = client(installation, "agent", "get", "--hostname", "testmachine")["fingerprint"]
    assert after == before
    assert waiting["total"] == 50
    other = join_token.encode(msgspec.structs.replace(made, controller=f"SHA256:{'0' * 64}"))
    assert "is not the controller of the join token" in refused(second(installation, other))
    figures(
        "row 45",
        requests=20_000,
        key_swaps=0,
        entries=waiting["total"],
        allowed_entries=50,
        false_controllers_believed=0,
    )
    await rogue.close()


def full(installation: Installation) -> Any:
    """The requests that wait, once there are as many as may; None before."""
    waiting = client(installation, "agent", "list", "--pending")
    return waiting if waiting["total"] >= 50 else None


def request(machine: str) -> bytes:
    key = PrivateKey.generate()
    asked = Request(
        machine_id=machine, hostname=machine, signing_key=key.public_key.raw,  # type: ignore[arg-type]
        nonce=bytes(16),
    )  # fmt: skip
    return envelope.seal(Signer(key), envelope.JOIN, msgspec.json.encode(asked))


@pytest.mark.parametrize(("decision", "reason"), [("reject", "rejected"), ("revoke", "revoked")])
async def test_a_barred_key_joins_again_once_it_is_allowed_and_needs_a_new_token(
    installation: Installation, decision: str, reason: str
) -> None:
    started(installation)
    agent = second(installation, token(installation, *(["--review"] if decision == "reject" else [])))
    agent.wait_event("enrolment.pending" if decision == "reject" else "agent.ready")
    own = {"OSAPI_DATA_DIR": str(installation.folder / "second")}
    shown = installation.run("client", "agent", "key", "fingerprint", "--json", **own)
    key = json.loads(shown.stdout)["fingerprint"]
    client(installation, "agent", decision, "--hostname", "second")
    agent.process.kill()
    agent.process.wait()
    assert "the key" in refused(second(installation, token(installation)))
    [bar] = client(installation, "agent", "list", "--barred")["keys"]
    assert (bar["fingerprint"], bar["machine_id"]) == (key, "second")
    assert (bar["reason"], bar["by"] != "") == (reason, True)
    assert key in installation.run("client", "agent", "list", "--barred").stdout
    both = installation.run("client", "agent", "list", "--barred", "--pending")
    assert (both.returncode != 0, "--pending and --barred exclude one another" in both.stderr) == (True, True)
    told = client(installation, "agent", "allow", "--fingerprint", key)
    assert told["message"] == f"the key {key} of second may join again, with a new join token"
    with pytest.raises(nats.errors.Error):  # allowed is not accepted
        await connected(installation, installation.folder / "second" / "agent" / "agent.seed", [])
    assert client(installation, "agent", "list", "--barred") == {"keys": [], "total": 0}
    agent = second(installation, token(installation))
    agent.wait_event("agent.ready")
    assert client(installation, "node", "hostname", "get", "-T", "second")
    again = installation.run("client", "agent", "allow", "--fingerprint", key)
    assert again.returncode != 0
    assert f"no key {key} is barred" in again.stderr
    entries = client(installation, "audit", "list")["items"]
    assert [each["path"] for each in entries if each["path"] == "/api/agent/allow"] == ["/api/agent/allow"] * 2
    client(installation, "agent", "revoke", "--hostname", "second")
    agent.stop()
    assert "the key" in refused(second(installation, token(installation))), "it can be barred again"
