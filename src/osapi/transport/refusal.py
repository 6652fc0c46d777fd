"""Translates what the broker refuses into the kinds of failure that OSAPI tells its users.

The error codes are those of nats-server's `server/errors.json`.
"""

from __future__ import annotations

import msgspec

from osapi.contract.errors import Conflict, Invalid, NotFound, OsapiError, TooLarge, Unavailable

_NOT_FOUND = 404
_BAD_REQUEST = 400
# Wrong last message id or sequence; a stream or consumer of this name with another configuration.
_CONFLICT = frozenset({10070, 10071, 10164, 10013, 10058, 10105, 10148})
# Message, header, batch.
_TOO_LARGE = frozenset({10054, 10097, 10199})
# Configurations that are refused with code 500.
_INVALID = frozenset({10012, 10049, 10052, 10053, 10069, 10074})
# Spent quotas and a cluster in motion, refused with code 400: trying again later may help.
_PASSING = frozenset({10002, 10005, 10026, 10027, 10120, 10124, 10202})
NOT_AVAILABLE = 10008
# A cluster without a leader, or without enough servers as yet.
_IN_MOTION = frozenset({10004, 10005, 10007, NOT_AVAILABLE, 10009})


class Refusal(msgspec.Struct, frozen=True):
    """The `error` object of a JetStream answer."""

    code: int = 0
    err_code: int = 0
    description: str = ""

    @property
    def is_in_motion(self) -> bool:
        """Whether the cluster only has to find itself first."""
        return self.err_code in _IN_MOTION


class PublishAnswer(msgspec.Struct, frozen=True):
    """What JetStream answers to a publish: the sequence, or why not."""

    seq: int = 0
    error: Refusal | None = None


def as_error(refusal: Refusal, what: str) -> OsapiError:
    """Make the exception that fits `refusal`; `what` says what was tried, as the start of a sentence.

    `Unavailable` made here has the code "refused": the broker has said no, nothing was stored.
    """
    text = f"{what}: {refusal.description}"
    if refusal.err_code in _CONFLICT:
        return Conflict(text)
    if refusal.err_code in _TOO_LARGE:
        return TooLarge(text)
    if refusal.code == _NOT_FOUND:
        return NotFound(text)
    if refusal.err_code in _INVALID or (refusal.code == _BAD_REQUEST and refusal.err_code not in _PASSING):
        return Invalid(text)
    return Unavailable(text, code="refused")
