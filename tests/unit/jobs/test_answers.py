"""Which answers count: those of the host itself, about this job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import pytest

from osapi.contract.errors import Invalid
from osapi.contract.ids import JobId, MachineId
from osapi.jobs import envelope, subjects
from osapi.jobs.answers import Answers
from osapi.jobs.quarantine import Doubt, Quarantine, Saying
from osapi.jobs.record import Ending, Response
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer, Verifier

JOB, OTHER_JOB = JobId("job-1"), JobId("job-2")
M1, M2, OLD = MachineId("m1"), MachineId("m2"), MachineId("old")
KEYS = {M1: PrivateKey(b"\1" * 32), M2: PrivateKey(b"\2" * 32)}
START = datetime(2026, 1, 1, tzinfo=UTC)


class Agents:
    """Two agents with keys, and one of old that has none."""

    def verifier(self, machine: MachineId) -> Verifier | None:
        return Verifier.of(KEYS[machine].public_key) if machine in KEYS else None

    def sealing_keys(self, hosts: Mapping[MachineId, str]) -> dict[MachineId, bytes]:
        raise Invalid(f"{hosts} are not asked for")


def response(machine: MachineId = M1, job: JobId = JOB) -> Response:
    return Response(
        job_id=job, machine_id=machine, hostname="here", ending=Ending.COMPLETED, received=START, finished=START
    )


def plain(content: Response) -> bytes:
    return msgspec.json.encode(content)


def signed(content: Response, by: MachineId = M1, purpose: str = envelope.RESULT) -> bytes:
    return envelope.seal(Signer(KEYS[by]), purpose, plain(content))


@pytest.fixture
def quarantine() -> Quarantine:
    return Quarantine(lambda: 0.0)


@pytest.fixture
def answers(quarantine: Quarantine) -> Answers:
    return Answers(Agents(), quarantine)


KEY = subjects.response_key(JOB, M1)


def test_what_the_host_has_signed_counts(answers: Answers, quarantine: Quarantine) -> None:
    assert answers.read(KEY, signed(response())) == response()
    assert quarantine.counts == {}


def test_an_agent_without_a_key_is_believed_as_ever(answers: Answers, quarantine: Quarantine) -> None:
    key = subjects.response_key(JOB, OLD)
    for stored in (plain(response(OLD)), signed(response(OLD))):
        assert answers.read(key, stored) == response(OLD)
    assert quarantine.counts == {}


_EDITED = signed(response()).replace(b"completed", b"skipped")
FORGED = {
    "unsigned": (KEY, plain(response()), Doubt.UNSIGNED),
    "signed by another host": (KEY, signed(response(), by=M2), Doubt.SIGNATURE),
    "signed for something else": (KEY, signed(response(), purpose=envelope.HEARTBEAT), Doubt.SIGNATURE),
    "edited": (KEY, _EDITED, Doubt.SIGNATURE),
    "with the signature of another answer": (
        KEY, signed(response(job=OTHER_JOB)).partition(b"\n")[0] + b"\n" + plain(response()), Doubt.SIGNATURE,
    ),
    "of another job": (KEY, signed(response(job=OTHER_JOB)), Doubt.ELSEWHERE),
    "under the name of another host": (KEY, signed(response(M2), by=M2), Doubt.ELSEWHERE),
    "under a key that is none": ("x", signed(response()), Doubt.ELSEWHERE),
    "cut": (KEY, signed(response())[:-20], Doubt.UNREADABLE),
    "noise": (KEY, b"\xff\x00\n\xff", Doubt.UNREADABLE),
    "empty": (KEY, b"", Doubt.UNREADABLE),
    "deep": (KEY, b"[" * 100_000, Doubt.UNREADABLE),
    "another shape": (KEY, b"{}", Doubt.UNREADABLE),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_what_it_has_not_said_is_not_believed(answers: Answers, quarantine: Quarantine, name: str) -> None:
    key, stored, doubt = FORGED[name]
    assert answers.read(key, stored) is None
    assert quarantine.counts == {(Saying.RESULT, doubt): 1}
    assert quarantine.newest[0].key == key


def test_who_claims_what_is_kept(answers: Answers, quarantine: Quarantine) -> None:
    answers.read(KEY, signed(response(), by=M2))
    found = quarantine.newest[0]
    assert (found.machine, found.job, found.signed_by) == (M1, JOB, Signer(KEYS[M2]).key_id)


def test_a_signature_may_wait_but_nothing_else(answers: Answers, quarantine: Quarantine) -> None:
    assert answers.read(KEY, plain(response()), verify=False) == response()
    assert answers.read(KEY, signed(response(job=OTHER_JOB)), verify=False) is None
    assert quarantine.counts.total() == 1
