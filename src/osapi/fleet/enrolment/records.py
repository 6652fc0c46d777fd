"""What the bucket `agent-enrollment` holds, each entry signed by a controller.

Signed, because rights at the broker alone do not keep an agent from writing there: it can have the broker send an answer of
its own making to any subject it names for the reply. What has no good signature is as if it had not been written.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import TypeVar

import msgspec

from osapi.contract.errors import Forbidden
from osapi.contract.ids import MachineId
from osapi.jobs import envelope, subjects
from osapi.pki.ed25519 import PublicKey
from osapi.pki.keys import fingerprint
from osapi.pki.signing import Signer, Verifier

_Record = TypeVar("_Record", bound="Record")


class Standing(enum.Enum):
    """Why a key is trusted, or is not."""

    ANNOUNCED = "announced"
    """It was the first that this machine was seen with; only where the broker knows no users."""
    ACCEPTED = "accepted"
    """Somebody has decided so."""
    GONE = "gone"
    """It was removed or revoked: this machine is known by no key."""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One entry. `key` says where it belongs, so that it does not count anywhere else."""

    key: str


class KeyEntry(Record, frozen=True, kw_only=True, omit_defaults=True):
    """By which key one machine is known, under `keys.<machine>`."""

    machine_id: MachineId
    signing_key: bytes
    """Ed25519, 32 bytes."""
    standing: Standing
    since: datetime
    hostname: str = ""
    accepted_by: str = ""
    """Who decided: a user, or `token <id>`. Empty for a key that was only announced."""


class Pending(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A machine that waits for a decision, under `enrollment.<machine>`."""

    machine_id: MachineId
    hostname: str
    public_key: bytes
    fingerprint: str
    requested_at: datetime
    token_id: str
    reason: str = ""
    """Why nobody has accepted it yet."""


class TokenEntry(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A join token, under `tokens.<id>`. Its secret is nowhere but with who was given it."""

    id: str
    nkey: str
    """Public nkey of the broker's user for it."""
    uses: int
    """Hosts that may still come with it."""
    expires: datetime | None
    """None: when it is used up."""
    approves: bool
    """Whether who comes with it is accepted at once."""
    created: datetime
    created_by: str


class Barred(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A key that is accepted no more until somebody allows it, under `revoked.<fingerprint>`."""

    fingerprint: str
    machine_id: MachineId
    since: datetime
    by: str
    reason: str
    allowed_by: str = ""
    """Who has allowed it again, at `since`; empty while it is barred. The entry stays, for a removal is not signed."""


def key_of(machine: MachineId) -> str:
    """Where the key of a machine is."""
    return f"keys.{subjects.token(machine)}"


def pending_of(machine: MachineId) -> str:
    """Where the request of a machine is."""
    return f"enrollment.{subjects.token(machine)}"


def token_of(token_id: str) -> str:
    """Where a join token is."""
    return f"tokens.{token_id}"


def barred_of(key: str) -> str:
    """Where it is noted that the key with this fingerprint is revoked."""
    return f"revoked.{key.removeprefix('SHA256:')}"


def sealed(signer: Signer, record: Record) -> bytes:
    """The entry as the bucket holds it."""
    return envelope.seal(signer, envelope.ENROLMENT, msgspec.json.encode(record))


def opened(verifier: Verifier, key: str, value: bytes, kind: type[_Record]) -> _Record:
    """The entry under `key`. Raises `Forbidden` when no controller has written this there."""
    payload = envelope.unseal(verifier, envelope.ENROLMENT, value)
    try:
        record = msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise Forbidden(f"{key} cannot be read: {problem}") from problem
    if record.key != key:
        raise Forbidden(f"{key} holds what belongs to {record.key}")
    return record


def print_of(raw: bytes) -> str:
    """Fingerprint of a public key of 32 bytes."""
    return fingerprint(PublicKey(raw))
