"""What can go wrong between a program and a controller.

    SdkError
    ├── Unreachable          no connection, or no answer in time
    │   └── Untrusted        over https something else answers than what is trusted; nothing was sent
    ├── BadAnswer            what answered does not speak the OSAPI protocol
    └── ApiError             the controller refused; carries status, code, job_id and details
        ├── BadRequest       400  a value breaks a rule, or the target does not exist
        ├── Unauthenticated  401  no token, or one that is refused
        ├── Forbidden        403  the token lacks the permission, or the thing is protected
        ├── NotFound         404
        ├── Conflict         409
        ├── TooLarge         413
        ├── TooManyRequests  429
        └── ServerError      5xx
            ├── Unavailable  503, 507  the broker is away or full; trying again later may help
            └── NoAnswer     504  no host answered in time; the job lives on under `job_id`

The kinds are those of `contract/errors.py`, as far as they can be told from outside.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class SdkError(Exception):
    """Root of everything the SDK raises on its own.

    `idempotency_key` is the key of the request that failed, None when it had none: sent again with the same
    key, it finds the job of the first attempt instead of making another.
    """

    idempotency_key: str | None = None

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Unreachable(SdkError):
    """There is no connection, or no answer in time.

    `sent` tells whether the request left this machine, so that it may have been carried out. `timed_out`
    tells whether the wait for the answer ran out.
    """

    def __init__(self, message: str, *, sent: bool, timed_out: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        self.timed_out = timed_out


class Untrusted(Unreachable):
    """The certificate is not one to trust, or there is no TLS. Trying again does not help; nothing was sent."""


class BadAnswer(SdkError):
    """What answered does not speak the OSAPI protocol; the address may belong to something else."""


class ApiError(SdkError):
    """The controller refused.

    `code` is the machine-readable word of the error, for example `not_managed`. `job_id` names the job when
    one was made. `retry_after_s` is how long the controller asks to wait, None when it does not say.
    `body` is the answer as it came.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        job_id: str | None = None,
        details: Any = None,
        retry_after_s: float | None = None,
        body: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.code = code
        self.job_id = job_id
        self.details = details
        self.retry_after_s = retry_after_s


class BadRequest(ApiError):
    """A value breaks a rule, or the target does not exist."""


class Unauthenticated(ApiError):
    """There is no token, or the token is refused."""


class Forbidden(ApiError):
    """The token lacks the permission, or the thing is protected."""


class NotFound(ApiError):
    """The thing does not exist."""


class Conflict(ApiError):
    """The thing exists already, or is not in the state the caller assumes."""


class TooLarge(ApiError):
    """The request is over the limit of the controller."""


class TooManyRequests(ApiError):
    """Too many requests in too short a time."""


class ServerError(ApiError):
    """The controller failed."""


class Unavailable(ServerError):
    """The broker is away or full; trying again later may help."""


class NoAnswer(ServerError):
    """No host answered in time. The job lives on under `job_id`."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: TooManyRequests,
    503: Unavailable,
    504: NoAnswer,
    507: Unavailable,
}


def from_response(status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """Make the error that an HTTP answer with a status of 300 or more tells. `headers` has lower-case names."""
    fields = _fields(body)
    error_class = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    return error_class(
        str(fields.get("error") or fields.get("message") or f"the controller answered {status} without a reason"),
        status=status,
        code=str(fields.get("code") or ""),
        job_id=fields.get("job_id") or None,
        details=fields.get("details"),
        retry_after_s=_seconds(headers.get("retry-after", "")),
        body=body,
    )


def _fields(body: bytes) -> dict[str, Any]:
    try:
        fields: dict[str, Any] | None = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _seconds(text: str) -> float | None:
    return float(text) if text.isdecimal() else None
