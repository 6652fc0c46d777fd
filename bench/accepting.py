"""Played agents are known by their keys as if an operator had accepted them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from osapi.contract.ids import MachineId
from osapi.fleet.enrolment import records
from osapi.fleet.enrolment.records import KeyEntry, Standing
from osapi.pki.ed25519 import PublicKey
from osapi.pki.keys import load_private_key
from osapi.pki.signing import Signer


def controller(public_key: str) -> Signer:
    """Who signs for the controller whose public key is in this file."""
    return Signer(load_private_key(Path(public_key).with_suffix(".key")))


def entry(signer: Signer, machine: MachineId, key: PublicKey) -> tuple[str, bytes]:
    """Key and value of the entry in `agent-enrollment`."""
    name = records.key_of(machine)
    made = KeyEntry(
        key=name, machine_id=machine, signing_key=key.raw, standing=Standing.ACCEPTED, since=datetime.now(UTC),
        hostname=machine, accepted_by="bench",
    )  # fmt: skip
    return name, records.sealed(signer, made)
