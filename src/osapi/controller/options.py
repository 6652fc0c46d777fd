"""What a caller may ask of any node operation besides its request: how long to wait, whether only to look.

?wait=SECONDS         how long to wait for the hosts; 0 answers 202 at once
?dry_run=true         report what would change and change nothing
Prefer: respond-async like ?wait=0; Prefer: wait=SECONDS like ?wait (RFC 7240)
Idempotency-Key       the same key submits the same job
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from osapi.contract.errors import Invalid
from osapi.contract.operation import Kind
from osapi.controller.decode import query_pairs
from osapi.controller.exchange import Exchange

MAX_WAIT_S = 3600.0
RESERVED = frozenset({"wait", "dry_run"})
"""Names in the query that no request model may use."""

_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Options:
    """`wait_s` in seconds; 0 means not to wait, None that the caller did not say how long.

    `idempotency_key` is for what changes hosts only.
    """

    wait_s: float | None
    dry_run: bool = False
    idempotency_key: str | None = None


def read(exchange: Exchange, kind: Kind) -> Options:
    """Read the options of a request. Raises `Invalid`, naming the option and what is allowed."""
    query = dict(query_pairs(exchange.query)) if exchange.query else {}
    return Options(
        wait_s=_wait(query.get("wait"), exchange.header(b"prefer")),
        dry_run=_flag(query.get("dry_run")),
        idempotency_key=_idempotency_key(exchange.header(b"idempotency-key")) if kind is Kind.MODIFY else None,
    )


def _wait(asked: str | None, prefer: str | None) -> float | None:
    if asked is not None:
        return _seconds(asked)
    if prefer is None:
        return None
    preferences = [part.strip().lower() for part in prefer.split(",")]
    if "respond-async" in preferences:
        return 0.0
    given = next((part.partition("=")[2] for part in preferences if part.startswith("wait=")), None)
    return None if given is None else _seconds(given)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= MAX_WAIT_S:
        raise Invalid(f"wait: {text!r} is not allowed; expected seconds from 0 to {MAX_WAIT_S:g}")
    return value


def _flag(text: str | None) -> bool:
    if text is None:
        return False
    value = _FLAGS.get(text.lower())
    if value is None:
        raise Invalid(f"dry_run: {text!r} is not allowed; expected true or false")
    return value


def _idempotency_key(text: str | None) -> str | None:
    if text is not None and not _KEY.fullmatch(text):
        raise Invalid("Idempotency-Key: expected 1 to 255 visible ASCII characters, such as a UUID")
    return text
