"""Join tokens: one line of text that lets a host ask to be enrolled, and tells it which controller to believe.

`osapi-join-1.` and base64url, without padding, of JSON. Whoever has it may ask in its name; it opens nothing else.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import msgspec
from msgspec import Meta

from osapi.contract.errors import Invalid

PREFIX = "osapi-join-1."
_LONGEST = 8192


class JoinToken(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{8,64}$(?!\n)")]
    controller: Annotated[str, Meta(pattern=r"^SHA256:[0-9a-f]{64}$(?!\n)")]
    """Fingerprint of the controller's public key."""
    servers: Annotated[tuple[str, ...], Meta(min_length=1)]
    """Addresses of the broker, as `nats://10.0.0.1:4222`."""
    namespace: str = ""
    seed: Annotated[str, Meta(pattern=r"^SU[A-Z2-7]{56}$(?!\n)")]
    """Nkey seed of the broker's user for this token. Secret."""


def encode(token: JoinToken) -> str:
    """The token as people hand it on."""
    return PREFIX + base64.urlsafe_b64encode(msgspec.json.encode(token)).rstrip(b"=").decode()


def decode(text: str) -> JoinToken:
    """Read a token. Raises `Invalid`, without repeating it."""
    text = text.strip()
    if not text.startswith(PREFIX) or len(text) > _LONGEST:
        raise Invalid(f"this is no join token: one begins with {PREFIX}; make one with `osapi client agent join-token`")
    body = text.removeprefix(PREFIX)
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=JoinToken)
    except (binascii.Error, ValueError) as problem:
        raise Invalid("the join token is damaged; copy the whole line") from problem
