"""The kinds of failure, and the one shape in which a failure is told.

    OsapiError
    ├── Invalid            a value breaks a rule; the message names field, value and remedy
    ├── Unauthenticated    no token, or one that is refused
    ├── Forbidden          the token lacks the permission
    │   └── Protected      the thing belongs to OSAPI or to the system and is not changed
    ├── NotFound           the thing does not exist
    │   └── NotManaged     it exists, but OSAPI did not make it
    ├── Conflict           it exists already, or differs from what the caller assumes
    ├── TooLarge           a body or a record is over its limit
    ├── TooMany            more requests than one caller may send in that time
    ├── Unsupported        this host cannot do it (reported as skipped)
    │   └── MissingTool    because a program is not installed
    ├── Permanent          it was tried and failed; trying again changes nothing
    │   ├── CommandFailed  a program ended with a status other than 0
    │   └── DeadlineExceeded  the time allowed ran out; what was started is stopped
    ├── NoAnswer           no host answered in the time the caller waited
    └── Unavailable        a part we depend on is away; trying again may help

The kind decides the HTTP status (a table in `controller`) and the exit status (a table in `cli`).
`code` is the machine-readable word that clients compare; texts are for people and may change.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec


class OsapiError(Exception):
    """Root of all failures that OSAPI tells its users.

    `details` is an optional object for machines, `job_id` the job the failure belongs to.
    """

    code: ClassVar[str] = "internal"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: dict[str, Any] | None = None,
        job_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = code or self.code
        self.details = details
        self.job_id = job_id


class Invalid(OsapiError):
    """A value breaks a rule; the message names field, value and remedy."""

    code = "invalid"


class Unauthenticated(OsapiError):
    """There is no token, or the token is refused. The message never says why."""

    code = "unauthenticated"


class Forbidden(OsapiError):
    """The token is good but lacks the permission."""

    code = "forbidden"


class Protected(Forbidden):
    """The thing belongs to OSAPI itself or to the system and is not changed."""

    code = "protected"


class NotFound(OsapiError):
    """The thing does not exist."""

    code = "not_found"


class NotManaged(NotFound):
    """The thing exists, but OSAPI did not make it and so does not touch it."""

    code = "not_managed"


class Conflict(OsapiError):
    """The thing exists already, or is not in the state the caller assumes."""

    code = "conflict"


class TooLarge(OsapiError):
    """A body or a record is over its limit."""

    code = "too_large"


class TooMany(OsapiError):
    """More requests than one caller may send in that time. `retry_after_s` is when the next one may come."""

    code = "too_many_requests"
    retry_after_s = 1.0

    @classmethod
    def until(cls, message: str, retry_after_s: float) -> TooMany:
        """The failure of a request that may come again after so many seconds."""
        problem = cls(message)
        problem.retry_after_s = retry_after_s
        return problem


class Unsupported(OsapiError):
    """This host cannot do it. Reported as `skipped`, never as `failed`."""

    code = "unsupported"


class MissingTool(Unsupported):
    """A program that the operation needs is not installed; the message names it."""

    code = "missing_tool"


class Permanent(OsapiError):
    """It was tried and failed; trying the same again changes nothing."""

    code = "failed"


class CommandFailed(Permanent):
    """A program ended with a status other than 0; the message carries its last words."""

    code = "command_failed"


class DeadlineExceeded(Permanent):
    """The time allowed ran out and everything that was started has been stopped."""

    code = "timeout"


class NoAnswer(OsapiError):
    """No host answered in the time the caller was willing to wait. The job lives on."""

    code = "no_answer"


class Unavailable(OsapiError):
    """A part we depend on is away or refuses; trying again later may help."""

    code = "unavailable"


class StoreFull(Unavailable):
    """What must be stored before anything else finds no room. Somebody must make some."""

    code = "store_full"


class ErrorBody(msgspec.Struct, omit_defaults=True):
    """The one shape of every error answer of the REST API."""

    error: str
    code: str = ""
    details: dict[str, Any] | None = None
    job_id: str | None = None
