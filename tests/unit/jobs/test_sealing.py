"""Secrets of a job: for every expected host, for nobody else, in little room."""

from __future__ import annotations

import time

import msgspec
import pytest
from tests.unit.agent.kit import OWN_KEY, job

from osapi.contract.errors import Invalid
from osapi.contract.ids import JobId, MachineId
from osapi.contract.secret import Secret
from osapi.jobs import roster, sealing
from osapi.jobs.record import Job, Sealed
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.sealing import SealingKey
from osapi.pki.signing import Signer, digest_key

SIGNER = Signer(OWN_KEY)
HOSTS = {MachineId(f"m{number}"): SealingKey.generate() for number in range(5)}
SECRETS = {"password": Secret("Correct-Horse-7"), "secret_env/0": Secret("A=é\n")}
VALUES = {place: secret.reveal() for place, secret in SECRETS.items()}


def sealed_job(secrets: dict[str, Secret] | None = None, hosts: dict[MachineId, SealingKey] | None = None) -> Job:
    keys = {machine: key.public for machine, key in (HOSTS if hosts is None else hosts).items()}
    plain = job("thing.write", expected=list(keys))
    return msgspec.structs.replace(plain, secrets=sealing.close(plain.id, secrets or SECRETS, keys, SIGNER))


def test_every_expected_host_reads_them() -> None:
    made = sealed_job()
    assert [sealing.open_for(made, machine, key) for machine, key in HOSTS.items()] == [VALUES] * len(HOSTS)


def test_nothing_of_them_is_in_the_job() -> None:
    text = msgspec.json.encode(sealed_job())
    assert not [value for value in VALUES.values() if value.encode() in text]


def test_a_job_without_secrets_has_none() -> None:
    assert sealing.open_for(job(), MachineId("m0"), HOSTS[MachineId("m0")]) == {}


def changed(made: Job, **fields: object) -> Job:
    assert made.secrets is not None
    return msgspec.structs.replace(made, secrets=msgspec.structs.replace(made.secrets, **fields))


def test_nobody_else_reads_them_and_they_fit_no_other_job() -> None:
    made, other = sealed_job(), sealed_job()
    assert made.secrets is not None
    assert other.secrets is not None
    first, stranger = HOSTS[MachineId("m0")], SealingKey.generate()
    attempts = [
        (made, MachineId("m0"), stranger),
        (made, MachineId("m1"), first),
        (made, MachineId("m9"), first),
        (msgspec.structs.replace(made, id=other.id), MachineId("m0"), first),
        (changed(made, box=other.secrets.box), MachineId("m0"), first),
        (changed(made, keys=other.secrets.keys), MachineId("m0"), first),
        (changed(made, keys=b""), MachineId("m0"), first),
        (changed(made, box=b""), MachineId("m0"), first),
        (changed(made, places=("password",)), MachineId("m0"), first),
    ]
    for attempt in attempts:
        with pytest.raises(Invalid) as caught:
            sealing.open_for(*attempt)
        assert caught.value.error_code == "not_sealed_to_us"


def test_the_same_secrets_of_the_same_job_are_recognised_and_no_others() -> None:
    def digest(job_id: str, signer: Signer, **secrets: str) -> bytes:
        found = {place: Secret(text) for place, text in secrets.items()}
        return sealing.close(JobId(job_id), found, {}, signer).digest

    same = digest("1", SIGNER, a="x", b="y")
    assert digest("1", SIGNER, a="x", b="y") == same
    others = {
        digest("2", SIGNER, a="x", b="y"), digest("1", SIGNER, a="x", b="z"), digest("1", SIGNER, a="x", c="y"),
        digest("1", SIGNER, a="x"), digest("1", Signer(PrivateKey.generate()), a="x", b="y"),
    }  # fmt: skip
    assert len(others | {same}) == 6


def test_secrets_are_recognised_after_the_key_was_replaced() -> None:
    signer, secrets, job = Signer(PrivateKey(b"\5" * 32)), {"a": Secret("x")}, JobId("1")
    stored = sealing.close(job, secrets, {}, signer)
    signer.become(PrivateKey(b"\6" * 32), (digest_key(PrivateKey(b"\5" * 32)),))
    assert sealing.close(job, secrets, {}, signer).digest != stored.digest
    assert sealing.same(stored, job, secrets, signer)
    assert not sealing.same(stored, job, {"a": Secret("y")}, signer)
    assert not sealing.same(None, job, secrets, signer)
    assert sealing.same(None, job, {}, signer)
    assert not sealing.same(stored, job, secrets, Signer(PrivateKey(b"\6" * 32)))


@pytest.mark.parametrize("length", [16, 20_000])
def test_a_thousand_hosts_cost_eighty_bytes_each_however_long_the_secret(length: int) -> None:
    hosts = {MachineId(f"{number:032x}"): SealingKey(bytes([9] * 31 + [number % 256])) for number in range(1000)}
    begun = time.perf_counter()
    made = sealed_job({"password": Secret("x" * length)}, hosts)
    spent_s = time.perf_counter() - begun
    plain = len(msgspec.json.encode(msgspec.structs.replace(made, secrets=None)))
    whole = len(msgspec.json.encode(made))
    print(
        f"\n1,000 hosts, a secret of {length} characters: job {plain} bytes, with it {whole}, sealed in {spent_s:.3f} s"
    )
    assert whole - plain - length * 4 / 3 < 1000 * 80 * 4 / 3 + 400
    machine = MachineId(f"{999:032x}")
    assert sealing.open_for(made, machine, hosts[machine]) == {"password": "x" * length}
    assert roster.contains(made.expected, machine)


def test_what_is_stored_is_what_the_wire_page_says() -> None:
    assert Sealed.__struct_fields__ == ("places", "box", "keys", "digest")
