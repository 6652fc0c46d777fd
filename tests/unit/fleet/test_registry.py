"""The fleet in memory: who is ready, by which clock, under which name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.unit.fleet.stored import Stored

from osapi.contract.errors import Invalid
from osapi.contract.ids import MachineId
from osapi.contract.target import AllTarget, AnyTarget
from osapi.fleet import models
from osapi.fleet.facts import FactBook
from osapi.fleet.keys import KeyBook
from osapi.fleet.models import AgentRecord, AgentState
from osapi.fleet.registry import Registry
from osapi.jobs import envelope
from osapi.jobs.quarantine import Doubt, Quarantine
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.keys import fingerprint
from osapi.pki.sealing import SealingKey
from osapi.pki.signing import Signer
from osapi.transport.bucket import Entry

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.s - 1000.0)


def record(machine: str = "m1", hostname: str = "web-01", **more: object) -> AgentRecord:
    times = {"registered_at": NOW, "started_at": NOW, "heartbeat_at": NOW}
    return AgentRecord(machine_id=MachineId(machine), hostname=hostname, version="1", **times, **more)  # type: ignore[arg-type]


def entry(content: AgentRecord, *, age_s: float = 0.0, key: str = "", at: datetime = NOW) -> Entry:
    created = at - timedelta(seconds=age_s)
    return Entry(
        key=key or models.key(content.machine_id),
        value=msgspec.json.encode(content),
        revision=1,
        deleted=False,
        created_ns=int(created.timestamp() * 1e9),
    )


KEYS = [PrivateKey(bytes([number]) * 32) for number in range(1, 4)]
SEALING = SealingKey(b"\7" * 32).public


def beat(by: PrivateKey, machine: str = "m1", hostname: str = "web-01", **more: object) -> Entry:
    """A heartbeat that this key has signed, and announces unless told otherwise."""
    more = {"signing_key": by.public_key.raw, "sealing_key": SEALING, **more}
    content = record(machine, hostname, **more)
    signed = envelope.seal(Signer(by), envelope.HEARTBEAT, msgspec.json.encode(content))
    return replace(entry(content), signed)


def replace(found: Entry, value: bytes) -> Entry:
    return Entry(found.key, value, found.revision, found.deleted, found.created_ns)


def gone(key: str) -> Entry:
    return Entry(key=key, value=b"", revision=2, deleted=True, created_ns=0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def registry_of(clock: Clock, *entries: Entry, facts: FactBook | None = None) -> Registry:
    bucket, keys, quarantine = Stored(*entries).bucket, KeyBook(None), Quarantine(clock)
    return Registry(bucket, keys, quarantine, facts, ttl=timedelta(seconds=30), clock=clock, now=clock.now)


@pytest.fixture
async def registry(clock: Clock) -> Registry:
    made = registry_of(clock)
    await made.start()
    return made


pytestmark = pytest.mark.anyio


async def test_an_agent_is_ready_until_its_last_heartbeat_is_older_than_the_time_to_live(
    registry: Registry, clock: Clock
) -> None:
    registry.note(entry(record()))
    clock.s += 30
    assert registry.get("web-01").ready
    clock.s += 0.1
    assert not registry.get("web-01").ready
    registry.note(entry(record()))
    assert registry.get("web-01").ready


async def test_an_agent_with_a_wrong_clock_is_ready_all_the_same(registry: Registry) -> None:
    registry.note(entry(record(), age_s=7200))
    assert registry.get("m1").ready


async def test_records_found_at_the_start_are_as_old_as_the_broker_says(clock: Clock) -> None:
    registry = registry_of(clock, entry(record("m1", "old"), age_s=31), entry(record("m2", "new"), age_s=5))
    await registry.start()
    assert [(agent.record.hostname, agent.ready) for agent in registry.list()] == [("new", True), ("old", False)]


@pytest.mark.parametrize("more", [{"stopped": True}, {"state": AgentState.DRAINING}, {"state": AgentState.PENDING}])
async def test_an_agent_that_takes_no_work_is_listed_but_not_ready(registry: Registry, more: dict[str, object]) -> None:
    registry.note(entry(record(**more)))
    assert [agent.ready for agent in registry.list()] == [False]


async def test_a_renamed_host_is_found_under_its_new_name_alone(registry: Registry) -> None:
    registry.note(entry(record(hostname="old")))
    registry.note(entry(record(hostname="new")))
    assert registry.get("new").record.machine_id == "m1"
    with pytest.raises(Invalid, match="no host 'old'"):
        registry.get("old")


async def test_a_deleted_record_is_forgotten(registry: Registry) -> None:
    registry.note(entry(record()))
    registry.note(gone(models.key(MachineId("m1"))))
    registry.note(gone("agents.never"))
    assert registry.list() == []


async def test_a_record_that_claims_to_be_another_host_is_left_out(registry: Registry) -> None:
    registry.note(entry(record("m1")))
    registry.note(entry(record("m1", "evil"), key="agents.m2"))
    assert [agent.record.hostname for agent in registry.list()] == ["web-01"]


@pytest.mark.parametrize(
    "value", [b"", b"{", b"[]", b'{"machine_id":1}', b"\xff\xfe", b'{"hostname":"\xff"}', b'{"x":' + b"[" * 10**5]
)
async def test_a_record_that_cannot_be_read_changes_nothing(registry: Registry, value: bytes) -> None:
    registry.note(entry(record()))
    registry.note(Entry(key="agents.m1", value=value, revision=3, deleted=False, created_ns=0))
    assert len(registry.list()) == 1


async def test_a_machine_id_that_is_no_token_is_kept_under_its_key(registry: Registry) -> None:
    registry.note(entry(record("m.1")))
    assert registry.get("m.1").record.machine_id == "m.1"


async def test_targets_are_resolved_from_memory(registry: Registry) -> None:
    registry.note(entry(record("m1", "a")))
    registry.note(entry(record("m2", "b", stopped=True)))
    assert registry.resolve(AllTarget()).hosts == {"m1": "a"}


# -- signed ------------------------------------------------------------------------------------


def doubts(registry: Registry) -> list[Doubt]:
    return [suspect.doubt for suspect in reversed(registry._quarantine.newest)]


async def test_a_signed_heartbeat_is_believed_and_its_key_known(registry: Registry) -> None:
    registry.note(beat(KEYS[0]))
    registry.note(beat(KEYS[0], hostname="renamed"))
    agent = registry.get("renamed")
    assert (agent.fingerprint, doubts(registry)) == (fingerprint(KEYS[0].public_key), [])
    verifier = registry.verifier(MachineId("m1"))
    assert verifier is not None
    verifier.verify("result", agent.fingerprint, b"x", Signer(KEYS[0]).sign("result", b"x"))


async def test_once_a_key_is_known_nothing_counts_without_it(registry: Registry) -> None:
    registry.note(beat(KEYS[0]))
    signed = beat(KEYS[0], hostname="evil").value
    other = record("m1", "evil", signing_key=KEYS[1].public_key.raw)
    registry.note(entry(record("m1", "evil")))
    registry.note(beat(KEYS[1], hostname="evil"))
    registry.note(beat(KEYS[1], hostname="evil", signing_key=KEYS[0].public_key.raw))
    registry.note(replace(entry(other), signed.replace(b"evil", b"wicked")))
    registry.note(replace(entry(other), envelope.seal(Signer(KEYS[0]), envelope.RESULT, msgspec.json.encode(other))))
    registry.note(beat(KEYS[0], "m2", "evil", signing_key=b""))
    registry.note(Entry("agents.m3", beat(KEYS[0], "m1", "evil").value, 1, False, 0))
    assert [agent.record.hostname for agent in registry.list() if agent.record.machine_id == "m1"] == ["web-01"]
    assert doubts(registry) == [Doubt.UNSIGNED, *[Doubt.SIGNATURE] * 4, Doubt.ELSEWHERE]


async def test_a_first_heartbeat_must_be_signed_by_the_key_that_it_announces(registry: Registry) -> None:
    registry.note(beat(KEYS[1], signing_key=KEYS[0].public_key.raw))
    assert (registry.list(), doubts(registry)) == ([], [Doubt.SIGNATURE])


async def test_an_agent_that_signs_nothing_is_listed_but_gets_no_secrets(registry: Registry) -> None:
    registry.note(entry(record("m1", "old", sealing_key=SEALING, signing_key=KEYS[0].public_key.raw)))
    registry.note(beat(KEYS[1], "m2", "new"))
    assert [agent.fingerprint != "" for agent in registry.list()] == [True, False]
    assert registry.verifier(MachineId("m1")) is None
    hosts = {MachineId("m1"): "old", MachineId("m2"): "new", MachineId("m9"): "gone"}
    with pytest.raises(Invalid, match=r"secrets cannot be sent to gone, old: ") as caught:
        registry.sealing_keys(hosts)
    assert (caught.value.error_code, caught.value.details) == ("no_sealing_key", {"hosts": ["gone", "old"]})
    assert registry.sealing_keys({MachineId("m2"): "new"}) == {MachineId("m2"): SEALING}


@pytest.mark.parametrize("key", [b"", bytes(32), b"x" * 31])
async def test_a_key_to_which_nothing_can_be_sealed_counts_as_none(registry: Registry, key: bytes) -> None:
    registry.note(beat(KEYS[0], sealing_key=key))
    with pytest.raises(Invalid, match="web-01"):
        registry.sealing_keys({MachineId("m1"): "web-01"})


async def test_a_known_agent_may_announce_another_key_for_secrets(registry: Registry) -> None:
    registry.note(beat(KEYS[0]))
    another = SealingKey.generate().public
    registry.note(beat(KEYS[0], sealing_key=another))
    assert registry.sealing_keys({MachineId("m1"): "web-01"}) == {MachineId("m1"): another}


async def test_anybody_with_secrets_is_one_host_that_can_read_them(registry: Registry) -> None:
    registry.note(entry(record("m1", "old")))
    registry.note(beat(KEYS[1], "m2", "new"))
    for _ in range(5):
        assert registry.resolve(AnyTarget(), with_secrets=True).hosts == {"m2": "new"}
    assert registry.resolve(AnyTarget()).hosts == {}
