"""Agents while the controller's key is replaced: a grace that ends, forged chains, and agents that were away."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.figures import figures
from tests.integration.agent.conftest import MakeAgent
from tests.integration.agent.processes import AgentProcess, Fleet, until

from osapi.jobs import subjects
from osapi.jobs.record import Ending
from osapi.pki import key_folder, rotations
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.keys import fingerprint, load_or_create_keypair
from osapi.pki.rotations import Chain

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
KEYS = [PrivateKey(bytes([number]) * 32) for number in (1, 2, 3)]
TARGETS = ("m0", "_all", "_any")


@pytest.fixture
def key(keys: Path) -> PrivateKey:
    return load_or_create_keypair(keys, "controller")


@pytest.fixture
def agent(make_agent: MakeAgent, keys: Path, tmp_path: Path) -> AgentProcess:
    """An agent with a folder of its own for what it trusts, not yet started."""
    made = make_agent()
    made.controller_key = tmp_path / "trust"
    made.controller_key.mkdir()
    shutil.copy(keys / "controller.pub", made.controller_key)
    return made


async def rotate(
    fleet: Fleet, chain: Chain, former: PrivateKey, new: PrivateKey, grace_s: float, *, tell: bool = True
) -> Chain:
    """Store the chain as a controller does; with `tell`, announce it."""
    now = datetime.now(UTC)
    longer = rotations.extended(chain, former, new, now, now + timedelta(seconds=grace_s))
    await fleet.broker.bucket("agent-enrollment").put(subjects.ROTATIONS, rotations.encode(longer))
    if tell:
        await fleet.broker.publish(subjects.ROTATED, b"")
    return longer


def sign_with(fleet: Fleet, key: PrivateKey) -> None:
    fleet.service.dispatcher._signer.become(key)


async def test_a_former_key_counts_until_its_end_and_not_after(
    fleet: Fleet, agent: AgentProcess, key: PrivateKey
) -> None:
    agent.start()
    await fleet.ready(1)
    begun = datetime.now(UTC)
    await rotate(fleet, (), key, KEYS[0], grace_s=4)
    await until(lambda: "controller.key_changed" in agent.log)
    assert [await fleet.hostname(target) for target in TARGETS] == [["name-m0"]] * 3
    sign_with(fleet, KEYS[0])
    assert [await fleet.hostname(target) for target in TARGETS] == [["name-m0"]] * 3
    sign_with(fleet, key)
    await until(lambda: (datetime.now(UTC) - begun).total_seconds() > 4.2)
    late = await fleet.change("m0")
    await until(lambda: "security.job_refused" in agent.log)
    sign_with(fleet, KEYS[0])
    good = await fleet.change("m0")
    assert (await fleet.answer(good.job_id, "m0")).ending is Ending.COMPLETED
    figures("row 43: rotation, job of the former key after its end", executed=fleet.runs(late.job_id))
    assert fleet.all_runs() == [good.job_id]


async def test_a_job_of_an_unknown_key_makes_the_agent_look(fleet: Fleet, agent: AgentProcess, key: PrivateKey) -> None:
    agent.start()
    await fleet.ready(1)
    chain = await rotate(fleet, (), key, KEYS[0], grace_s=60, tell=False)
    for number, target in enumerate(TARGETS):
        sign_with(fleet, KEYS[number])
        done = await fleet.change(target)
        assert (await fleet.answer(done.job_id, "m0")).ending is Ending.COMPLETED
        if number < 2:
            chain = await rotate(fleet, chain, KEYS[number], KEYS[number + 1], grace_s=60, tell=False)
    assert agent.log.count("controller.key_changed") == 3
    assert "security." not in agent.log


async def test_an_agent_that_was_away_for_longer_than_the_grace_catches_up(
    fleet: Fleet, agent: AgentProcess, key: PrivateKey
) -> None:
    agent.start()
    await fleet.ready(1)
    agent.kill()
    chain = await rotate(fleet, (), key, KEYS[0], grace_s=0)
    chain = await rotate(fleet, chain, KEYS[0], KEYS[1], grace_s=0)
    sign_with(fleet, KEYS[1])
    missed = await fleet.change("m0")
    agent.start()
    assert (await fleet.answer(missed.job_id, "m0")).ending is Ending.COMPLETED
    await until(lambda: key_folder.read_chain(agent.controller_key) == chain)
    assert "security." not in agent.log
    agent.kill()
    await fleet.broker.bucket("agent-enrollment").purge(subjects.ROTATIONS)
    agent.start()
    again = await fleet.change("m0")
    assert (await fleet.answer(again.job_id, "m0")).ending is Ending.COMPLETED
    figures("row 43: rotation, agent away beyond the grace", rotations=2, answered=2, refused=0)


async def test_forged_chains_are_refused_and_genuine_ones_still_count(
    fleet: Fleet, agent: AgentProcess, key: PrivateKey
) -> None:
    agent.start()
    await fleet.ready(1)
    genuine = await rotate(fleet, (), key, KEYS[0], grace_s=60)
    await until(lambda: agent.log.count("controller.key_changed") == 1)
    villain, other = PrivateKey.generate(), PrivateKey.generate()
    stolen = rotations.extended((), villain, other, datetime.now(UTC), datetime.now(UTC))[0]
    forged = {
        "of strangers": (stolen,),
        "appended": (*genuine, stolen),
        "another beginning, by a former key that was stolen": rotations.extended(
            (), key, villain, datetime.now(UTC), datetime.now(UTC) + timedelta(days=1)
        ),
        "noise": None,
    }
    bucket = fleet.broker.bucket("agent-enrollment")
    for count, chain in enumerate(forged.values(), 1):
        await bucket.put(subjects.ROTATIONS, b"\xff" if chain is None else rotations.encode(chain))
        await fleet.broker.publish(subjects.ROTATED, b"")
        await until(lambda count=count: agent.log.count("security.rotation_refused") == count)
    for each in (villain, other):
        sign_with(fleet, each)
        for target in TARGETS:
            await fleet.change(target)
    await until(lambda: agent.log.count("security.job_refused") >= 6)
    assert fleet.all_runs() == []
    await rotate(fleet, genuine, KEYS[0], KEYS[1], grace_s=60)
    sign_with(fleet, KEYS[1])
    good = await fleet.change("m0")
    assert (await fleet.answer(good.job_id, "m0")).ending is Ending.COMPLETED
    figures("row 43: rotation, forged chains", tried=len(forged), executed=len(fleet.all_runs()) - 1)
    assert fleet.all_runs() == [good.job_id]
    assert fingerprint(villain.public_key) not in str(
        rotations.follow(key_folder.read_chain(agent.controller_key), key.public_key)
    )
