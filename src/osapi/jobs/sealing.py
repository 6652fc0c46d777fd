"""The secrets of a job: sealed by the controller to every expected host, opened by each of them.

The values are encrypted once, with a fresh key and bound to the id of the job; that key is sealed to each host. So a
broadcast carries 80 bytes more for each host, however long the secrets are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from osapi.contract.errors import Invalid
from osapi.contract.ids import JobId, MachineId
from osapi.contract.secret import Secret
from osapi.jobs import roster
from osapi.jobs.record import Job, Sealed
from osapi.pki import sealing
from osapi.pki.sealing import NotForUs, SealingKey
from osapi.pki.signing import Signer

_PURPOSE = "secrets"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[str]).decode


def close(job: JobId, secrets: Mapping[str, Secret], keys: Mapping[MachineId, bytes], signer: Signer) -> Sealed:
    """Seal secrets (by their place) to these hosts. Blocks for some 40 µs per host."""
    values = _encode([secret.reveal() for secret in secrets.values()])
    key = sealing.new_key()
    return Sealed(
        places=tuple(secrets),
        box=sealing.encrypt(values, key, job.encode()),
        keys=b"".join(sealing.seal(key, keys[machine]) for machine in roster.ordered(keys)),
        digest=signer.digest(_PURPOSE, _bound(job, secrets, values)),
    )


def same(stored: Sealed | None, job: JobId, secrets: Mapping[str, Secret], signer: Signer) -> bool:
    """Whether the secrets that were sealed for a job, by a key of today or a former one, are these."""
    if stored is None:
        return not secrets
    values = _encode([secret.reveal() for secret in secrets.values()])
    return signer.recognises(_PURPOSE, _bound(job, secrets, values), stored.digest)


def open_for(job: Job, machine: MachineId, key: SealingKey) -> dict[str, str]:
    """The secrets of a job by their place; empty when it has none. Raises `Invalid` when this host cannot read them."""
    sealed = job.secrets
    if sealed is None:
        return {}
    try:
        values = _decode(sealing.decrypt(sealed.box, key.open(_own(sealed, job.expected, machine)), job.id.encode()))
        return dict(zip(sealed.places, values, strict=True))
    except (NotForUs, msgspec.DecodeError, ValueError) as problem:
        raise Invalid(
            "the secrets of this job were not sealed to the key of this agent; submit it again", code="not_sealed_to_us"
        ) from problem


def _own(sealed: Sealed, expected: bytes, machine: MachineId) -> bytes:
    at = roster.position(expected, machine)
    if at is None:
        raise NotForUs
    return sealed.keys[at * sealing.SEALED : (at + 1) * sealing.SEALED]


def _bound(job: JobId, places: Iterable[str], values: bytes) -> bytes:
    """Bound to the job, so that nobody sees by the digests that two jobs carry the same secret."""
    return b"\n".join((job.encode(), _encode(tuple(places)), values))
