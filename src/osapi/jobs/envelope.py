r"""Signed messages: a header line with key id and signature, then the payload exactly as signed.

    {"key":"SHA256:…","signature":"<base64>"}\n
    {"id":"…","operation":"node.sysctl.create",…}

The signature covers the purpose too (see `osapi.pki`), so a signed cancel order can never pass for a job. Controllers sign
jobs and orders to cancel and to drain; agents sign results, heartbeats and facts.
"""

from __future__ import annotations

import msgspec

from osapi.contract.errors import Forbidden
from osapi.pki.signing import Signer, Verifier

JOB = "job"
CANCEL = "cancel"
DRAIN = "drain"
RESULT = "result"
HEARTBEAT = "heartbeat"
FACTS = "facts"
JOIN = "join"
"""What an agent asks to be enrolled with."""
ADMISSION = "admission"
"""A controller's answer to that."""
ENROLMENT = "enrolment"
"""What controllers keep about who is enrolled."""


class Header(msgspec.Struct, frozen=True):
    """First line of a sealed message."""

    key: str
    signature: bytes


_decode_header = msgspec.json.Decoder(Header).decode
_encode = msgspec.json.Encoder().encode


def seal(signer: Signer, purpose: str, payload: bytes) -> bytes:
    """Sign `payload`, which must be JSON on one line."""
    header = Header(key=signer.key_id, signature=signer.sign(purpose, payload))
    return _encode(header) + b"\n" + payload


def unseal(verifier: Verifier, purpose: str, sealed: bytes) -> bytes:
    """Return the payload if a known key signed it for this purpose.

    Lines after the payload are not covered by the signature and are left out. Raises `Forbidden`
    otherwise, also for bytes that are no sealed message at all.
    """
    header, payload = parse(sealed)
    if header is None:
        raise Forbidden("the message is not signed")
    verifier.verify(purpose, header.key, payload, header.signature)
    return payload


def parse(message: bytes) -> tuple[Header | None, bytes]:
    """Header and payload, neither believed yet. One line alone is a payload that nobody has signed.

    Raises `Forbidden` when there are several and the first is no header.
    """
    head, newline, rest = message.partition(b"\n")
    if not newline:
        return None, message
    try:
        header = _decode_header(head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Forbidden("the message has no readable signature") from problem
    return header, rest.partition(b"\n")[0]
