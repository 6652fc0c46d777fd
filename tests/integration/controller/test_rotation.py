"""The key of two controllers is replaced while jobs flow through both; nothing is restarted, failed or refused."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import msgspec
import pytest
from tests.conftest import NatsServer
from tests.figures import figures
from tests.integration.agent.processes import AgentProcess
from tests.integration.controller.conftest import MakeController
from tests.integration.controller.kit import ControllerProcess, osapi, until

from osapi.contract.ids import MachineId
from osapi.jobs import envelope, subjects
from osapi.pki import key_folder, rotations
from osapi.pki.ed25519 import PrivateKey
from osapi.sdk.client import Client
from osapi.transport.broker import Broker

pytestmark = pytest.mark.timeout(180)
JOBS = 200
WORKERS = 6
Pair = tuple[ControllerProcess, ControllerProcess]


@pytest.fixture
def two(make_controller: MakeController) -> Pair:
    """Two controllers with the same keys, in folders of their own."""
    first, second = make_controller(nats={}), make_controller(start=False, nats={})
    for each in ("keys", "pki"):
        shutil.copytree(first.folder / "data" / each, second.folder / "data" / each)
    second.start()
    return first, second


@pytest.fixture
def agents(two: Pair, nats_server: NatsServer, tmp_path: Path) -> Iterator[list[AgentProcess]]:
    """Three agents with a folder each for what they trust."""
    made: list[AgentProcess] = []
    for name in ("a", "b", "c"):
        trusted = tmp_path / f"trust-{name}"
        trusted.mkdir()
        shutil.copy(two[0].folder / "data" / "pki" / "controller.pub", trusted)
        made.append(AgentProcess(MachineId(name), tmp_path / name, nats_server.settings, trusted))
    try:
        for agent in made:
            agent.start()
        token = two[0].token("admin")
        for each in two:
            until(lambda each=each: len(each.get("/api/node/_all/hostname", token).json.get("results", [])) == 3)
        yield made
    finally:
        for agent in made:
            agent.end()


def copy_keys(giver: ControllerProcess, taker: ControllerProcess) -> None:
    """As an operator does: each file in one step, the key last."""
    source, target = (each.folder / "data" / "pki" for each in (giver, taker))
    for name in ("controller.rotations", "controller.pub", "controller.key"):
        shutil.copy2(source / name, target / f"{name}.new")
        (target / f"{name}.new").rename(target / name)


def changed(controller: ControllerProcess) -> bool:
    return "controller.key_changed" in controller.log


class Flow:
    """Changes that count themselves, one after another by several workers, through both controllers and to every kind of target."""

    def __init__(self, controllers: Pair, effects: Path) -> None:
        self._controllers = controllers
        self._token = controllers[0].token("admin")
        self._effects = effects
        self._end = Event()
        self._pool = ThreadPoolExecutor(WORKERS)
        self.answers: list[tuple[str, Any]] = []
        self._work = [self._pool.submit(self._run, number) for number in range(WORKERS)]

    def _run(self, number: int) -> None:
        targets = ("a", "_any", "b", "_all", "c")
        while not self._end.is_set():
            target = targets[number % len(targets)]
            path = f"/api/node/{target}/command/shell?timeout=20"
            body = {"command": f'echo "$OSAPI_JOB_ID" >> {self._effects}'}
            answer = self._controllers[number % 2].call("POST", path, self._token, body)
            self.answers.append((target, answer))
            number += WORKERS + 1

    def until_more(self, count: int) -> None:
        wanted = len(self.answers) + count
        until(lambda: len(self.answers) >= wanted)

    def end(self) -> None:
        self._end.set()
        self._pool.shutdown()
        for each in self._work:
            each.result()


async def signers(broker: Broker) -> list[str]:
    """Which key has signed each job that is on record."""
    found: list[str] = []

    def note(entry: Any) -> None:
        header, _ = envelope.parse(entry.value.rpartition(b"\n")[0] or entry.value)
        if header is not None:
            found.append(header.key)

    records = await broker.bucket("job-queue").get_many(["jobs.*"])
    for entry in records.values():
        note(entry)
    return found


@pytest.mark.anyio
async def test_two_controllers_and_three_agents_change_the_key_while_jobs_flow(
    two: Pair, agents: list[AgentProcess], tmp_path: Path, broker: Broker
) -> None:
    first, second = two
    old_public = (first.folder / "data" / "pki" / "controller.pub").read_bytes()
    flow = Flow(two, tmp_path / "effects")
    try:
        flow.until_more(50)
        begun = time.monotonic()
        told = osapi(first, "controller", "key", "rotate", "--grace", "1h")
        until(lambda: changed(first))
        took = time.monotonic() - begun
        flow.until_more(50)
        assert not changed(second)
        copy_keys(first, second)
        until(lambda: changed(second))
        flow.until_more(max(50, JOBS - len(flow.answers)))
    finally:
        flow.end()
    bad = [(target, answer.json) for target, answer in flow.answers if answer.status not in (200, 202)]
    hosts = [one for _, answer in flow.answers for one in answer.json.get("results", [answer.json])]
    failed = [one for one in hosts if one.get("status") != "ok"]
    refused = sum(agent.log.count("security.") for agent in agents)
    by = await signers(broker)
    figures(
        "row 43: rotation under flowing jobs", jobs=len(flow.answers), failed=len(bad) + len(failed), refused=refused,
        by_former_key=by.count(told["former"]), by_new_key=by.count(told["fingerprint"]), taken_after_s=round(took, 1),
    )  # fmt: skip
    assert (bad, failed, refused, len(flow.answers) >= JOBS) == ([], [], 0, True)
    runs = (tmp_path / "effects").read_text().split()
    assert len(runs) == len(hosts)
    assert min(by.count(told["former"]), by.count(told["fingerprint"])) >= 50
    assert not [each for each in two if "security.rotation" in each.log or '"level":"critical"' in each.log]
    verify_audit(first, old_public)


def verify_audit(controller: ControllerProcess, old_public: bytes) -> None:
    """Whoever trusts the former key, the present one or what he is told finds the chain whole."""
    now_public = (controller.folder / "data" / "pki" / "controller.pub").read_bytes()
    assert now_public != old_public
    with Client(controller.url, controller.token("admin"), ca_file=controller.ca_file or None) as client:
        for key in (old_public, now_public, None):
            verdict = client.audit.verify(public_key=key)
            assert (verdict.breaks, verdict.messages > 0) == ((), True)
        stranger = PrivateKey.generate().public_key.to_pem()
        with pytest.raises(Exception, match="not signed by"):
            client.audit.verify(public_key=stranger)


def test_a_key_that_was_not_copied_ends_and_the_controller_says_so(two: Pair, agents: list[AgentProcess]) -> None:
    first, second = two
    token = first.token("admin")
    osapi(first, "controller", "key", "rotate", "--grace", "2s")
    until(lambda: changed(first))
    until(lambda: second.get("/health/ready").status == 503)
    assert first.get("/api/node/_all/hostname", token).json["results"]
    assert "signing key" in str(second.get("/api/health/status", token).json)
    copy_keys(first, second)
    until(lambda: second.get("/health/ready").status == 200)
    answer = second.get("/api/node/_all/hostname", token)
    assert [one["status"] for one in answer.json["results"]] == ["ok"] * 3
    for each in two:
        assert each.stop() == 0
        each.start()
        assert [one["status"] for one in each.get("/api/node/_all/hostname", token).json["results"]] == ["ok"] * 3


@pytest.mark.anyio
async def test_a_key_replaced_on_two_controllers_at_once_counts_once(
    two: Pair, agents: list[AgentProcess], broker: Broker
) -> None:
    first, second = two
    token = first.token("admin")
    osapi(first, "controller", "key", "rotate")
    until(lambda: changed(first))
    folder = second.folder / "data" / "pki"
    until(lambda: key_folder.read_chain(folder))
    (folder / key_folder.CHAIN).unlink()
    osapi(second, "controller", "key", "rotate")
    until(lambda: "rotation.not_taken" in second.log)
    assert not changed(second)
    for each in two:
        answer = each.get("/api/node/_all/hostname", token)
        assert [one["status"] for one in answer.json["results"]] == ["ok"] * 3
    copy_keys(first, second)
    until(lambda: changed(second))
    stored = await broker.bucket("agent-enrollment").get(subjects.ROTATIONS)
    assert stored is not None
    assert rotations.decode(stored.value) == key_folder.read_chain(folder)


@pytest.mark.anyio
async def test_what_others_write_over_the_chain_is_put_right(two: Pair, broker: Broker) -> None:
    first, _ = two
    osapi(first, "controller", "key", "rotate")
    until(lambda: changed(first))
    bucket = broker.bucket("agent-enrollment")
    genuine = rotations.encode(key_folder.read_chain(first.folder / "data" / "pki"))
    for forged in (b"\xff", b"[]", msgspec.json.encode(["x"]), None):
        if forged is None:
            await bucket.purge(subjects.ROTATIONS)
        else:
            await bucket.put(subjects.ROTATIONS, forged)
        while (entry := await bucket.get(subjects.ROTATIONS)) is None or entry.value != genuine:
            pass
    assert [each.get("/health/ready").status for each in two] == [200, 200]
