"""What an agent asks and what a controller answers. Both are signed; the answer names the question by its digest."""

from __future__ import annotations

import enum
import hashlib
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from osapi.contract.errors import Forbidden
from osapi.contract.ids import MachineId
from osapi.jobs import envelope
from osapi.pki import rotations
from osapi.pki.ed25519 import PublicKey
from osapi.pki.keys import fingerprint
from osapi.pki.signing import Signer, Verifier

_T = TypeVar("_T")
_Key = Annotated[bytes, Meta(min_length=32, max_length=32)]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A host asks to be enrolled."""

    machine_id: Annotated[MachineId, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$(?!\n)")]
    hostname: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x20\x7f]+$(?!\n)")]
    signing_key: _Key
    nonce: Annotated[bytes, Meta(min_length=16, max_length=16)]


class Status(enum.Enum):
    """What becomes of it."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The controller's word. `controller` is its public key, 32 bytes, `rotations` the chain of keys that leads to it."""

    request: bytes
    status: Status
    reason: str
    controller: _Key
    rotations: msgspec.Raw = msgspec.Raw(b"[]")


def digest(request: bytes) -> bytes:
    """What stands for a signed request in its answer."""
    return hashlib.sha256(request).digest()


def asked(message: bytes) -> Request:
    """The request in a message, signed by the key that it names. Raises `Forbidden`."""
    header, payload = envelope.parse(message)
    request = _decoded(payload, Request, "the request to be enrolled")
    if header is None:
        raise Forbidden("the request to be enrolled is not signed")
    Verifier.of(PublicKey(request.signing_key)).verify(envelope.JOIN, header.key, payload, header.signature)
    return request


def answered(signer: Signer, chain: bytes, request: bytes, status: Status, reason: str) -> bytes:
    """The signed answer to a request."""
    answer = Answer(
        request=digest(request),
        status=status,
        reason=reason,
        controller=signer.public_key.raw,
        rotations=msgspec.Raw(chain),
    )
    return envelope.seal(signer, envelope.ADMISSION, msgspec.json.encode(answer))


def heard(message: bytes, request: bytes, controller: str) -> Answer:
    """The answer to our request by the controller with this fingerprint. Raises `Forbidden` for anything else."""
    header, payload = envelope.parse(message)
    answer = _decoded(payload, Answer, "the answer")
    public = PublicKey(answer.controller)
    if fingerprint(public) != controller and not _took_its_place(answer, public, controller):
        raise Forbidden(f"the controller's key is {fingerprint(public)}, the join token names {controller}")
    if header is None:
        raise Forbidden("the answer is not signed")
    Verifier.of(public).verify(envelope.ADMISSION, header.key, payload, header.signature)
    if answer.request != digest(request):
        raise Forbidden("the answer belongs to another request")
    return answer


def _took_its_place(answer: Answer, public: PublicKey, former: str) -> bool:
    """Whether the answer's chain leads from the key with that fingerprint to this one. Raises `Forbidden` for a bad chain."""
    known = rotations.follow(rotations.decode(bytes(answer.rotations)), public)
    return former in known.keys and known.current == fingerprint(public)


def _decoded(payload: bytes, kind: type[_T], what: str) -> _T:
    """The payload as a model. Raises `Forbidden` when it is none."""
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Forbidden(f"{what} cannot be read: {problem}") from problem
