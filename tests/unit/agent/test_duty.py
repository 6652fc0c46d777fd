"""Orders to take no new work: whose count, and how long."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.unit.agent.kit import KEY, ME, NOW, SIGNER, VERIFIER

from osapi.agent.duty import Duty
from osapi.agent.trust import TimedVerifier
from osapi.contract.ids import MachineId
from osapi.fleet.models import DrainOrder
from osapi.jobs import envelope
from osapi.jobs.record import Actor
from osapi.pki import rotations
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer

pytestmark = pytest.mark.anyio
STRANGER = Signer(PrivateKey.generate())


def order(drained: bool, at_s: float = 0.0, machine: str = "me", signer: Signer = SIGNER) -> bytes:
    made = DrainOrder(
        machine_id=MachineId(machine),
        drained=drained,
        issued=NOW + timedelta(seconds=at_s),
        actor=Actor(subject="anna"),
    )
    return envelope.seal(signer, envelope.DRAIN, msgspec.json.encode(made))


def duty_in(folder: Path, told: list[None] | None = None) -> Duty:
    changes = [] if told is None else told
    return Duty(folder / "drain.order", ME, VERIFIER, lambda: changes.append(None))


async def test_who_was_never_told_otherwise_takes_work(tmp_path: Path) -> None:
    duty = duty_in(tmp_path)
    assert not duty.is_drained
    await duty.wait_on()


async def test_an_order_stands_over_restarts_until_the_next_one(tmp_path: Path) -> None:
    told: list[None] = []
    await duty_in(tmp_path, told).take(order(True))
    assert len(told) == 1
    again = duty_in(tmp_path)
    assert again.is_drained
    await again.wait_off()
    await again.take(order(False, at_s=1))
    assert not duty_in(tmp_path).is_drained


async def test_an_older_order_and_the_same_again_change_nothing(tmp_path: Path) -> None:
    told: list[None] = []
    duty = duty_in(tmp_path, told)
    await duty.take(order(False, at_s=5))
    for late in (order(True, at_s=4), order(True, at_s=5), order(False, at_s=5)):
        await duty.take(late)
    assert not duty.is_drained
    assert len(told) == 1


@pytest.mark.parametrize(
    "forged",
    [
        order(True, signer=STRANGER),
        order(True, machine="another"),
        order(True).replace(b'"drained":true', b'"drained":"maybe"'),
        envelope.seal(SIGNER, envelope.CANCEL, order(True).partition(b"\n")[2]),
        b"noise",
        b"",
    ],
)
async def test_nobody_but_a_controller_is_obeyed(
    tmp_path: Path, forged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    duty = duty_in(tmp_path)
    await duty.take(forged)
    assert not duty.is_drained
    assert "security.drain_refused" in caplog.text


async def test_a_kept_order_that_was_edited_is_not_obeyed(tmp_path: Path) -> None:
    await duty_in(tmp_path).take(order(True))
    kept = tmp_path / "drain.order"
    kept.write_bytes(kept.read_bytes().replace(b"anna", b"emma"))
    assert not duty_in(tmp_path).is_drained


async def test_an_order_that_was_obeyed_stands_when_the_key_that_gave_it_has_ended(tmp_path: Path) -> None:
    chain = rotations.extended((), KEY, PrivateKey(b"\7" * 32), NOW, NOW + timedelta(hours=1))
    known = rotations.follow(chain, KEY.public_key)
    time = [NOW]
    verifier = TimedVerifier(known, lambda: time[0])

    def duty() -> Duty:
        return Duty(tmp_path / "drain.order", ME, verifier, lambda: None)

    await duty().take(order(True))
    time[0] += timedelta(hours=2)
    again = duty()
    assert again.is_drained
    await again.take(order(False, at_s=1))
    assert again.is_drained
    await again.take(order(False, at_s=1, signer=Signer(PrivateKey(b"\7" * 32))))
    assert not again.is_drained
