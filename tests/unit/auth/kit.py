"""Keys, times and tokens for the tests of tokens."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from osapi.auth.keyring import KeyRing

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
HOUR = timedelta(hours=1)
RING = KeyRing("k1", {"k1": b"1" * 32, "k0": b"0" * 32})


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def claims(**changed: Any) -> dict[str, Any]:
    """Claims of a good token; a change to None leaves the claim out."""
    good: dict[str, Any] = {
        "iss": "osapi",
        "aud": ["osapi"],
        "sub": "anna",
        "iat": SECONDS,
        "exp": SECONDS + 3600,
        "jti": "t1",
        "roles": ["admin"],
    }
    return {name: value for name, value in (good | changed).items() if value is not None}


def forge(
    header: dict[str, Any] | None = None,
    payload: Any = None,
    *,
    key: bytes = b"1" * 32,
    digest: str = "sha256",
    signature: str | None = None,
) -> str:
    """Any token at all, made without the library that verifies it."""
    head = {"alg": "HS256", "typ": "JWT", "kid": "k1"} if header is None else header
    body = claims() if payload is None else payload
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    signed = f"{b64(json.dumps(head).encode())}.{b64(text)}"
    mac = b64(hmac.new(key, signed.encode(), digest).digest()) if signature is None else signature
    return f"{signed}.{mac}"
