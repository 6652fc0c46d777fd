"""Failures as HTTP answers: one table from kind to status, one shape of body.

A kind that is not in the table has the status of its nearest ancestor that is.
"""

from __future__ import annotations

import math

import msgspec

from osapi.contract.errors import (
    Conflict,
    ErrorBody,
    Forbidden,
    Invalid,
    NoAnswer,
    NotFound,
    NotManaged,
    OsapiError,
    Permanent,
    Protected,
    StoreFull,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from osapi.controller.answer import Answer, Headers

STATUS: dict[type[OsapiError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    TooMany: 429,
    Unsupported: 422,
    Permanent: 500,
    OsapiError: 500,
    Unavailable: 503,
    NoAnswer: 504,
    StoreFull: 507,
}

HOST_STATUS: dict[str, int] = {kind.code: STATUS[kind] for kind in (NotFound, Conflict)} | {
    NotManaged.code: STATUS[NotFound],
    Protected.code: STATUS[Forbidden],
}
"""Codes of a host's failure that become the status of the whole answer when one host alone was asked."""

_EXTRA: dict[int, Headers] = {
    401: ((b"www-authenticate", b"Bearer"),),
    503: ((b"retry-after", b"1"),),
    507: ((b"retry-after", b"60"),),
}

_encode = msgspec.json.Encoder().encode


def status_of(error: OsapiError) -> int:
    """The HTTP status of a failure."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def answer_to(error: OsapiError) -> Answer:
    """The whole answer that tells the failure."""
    body = ErrorBody(error=error.message, code=error.error_code, details=error.details, job_id=error.job_id)
    later = ((b"retry-after", b"%d" % math.ceil(error.retry_after_s)),) if isinstance(error, TooMany) else ()
    return failure(status_of(error), body, later)


def failure(status: int, body: ErrorBody, headers: Headers = ()) -> Answer:
    """An answer in the one shape of errors."""
    return Answer(status, _encode(body), (*headers, *_EXTRA.get(status, ())), code=body.code)
