"""What a refusal of the engine means. Pure.

The status tells most of it. Of what it does not, the engine has nothing but words; it speaks no other language.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from osapi.contract.errors import Conflict, Invalid, NotFound, OsapiError, Permanent, Unavailable, Unsupported

_SHOWN = 2048

_WORDS: Sequence[tuple[str, type[OsapiError], str]] = (
    (r"port is already allocated|address already in use", Conflict, "conflict"),
    (r"no space left on device", Permanent, "no_space"),
    (r"toomanyrequests|rate limit", Unavailable, "unavailable"),
    (r"verification failed|unexpected digest|digest mismatch", Permanent, "digest_mismatch"),
    (
        r"pull access denied|unauthorized|authentication required|denied: |resource is denied|no basic auth",
        Permanent,
        "denied",
    ),
    (r"permission denied", Permanent, "denied"),
    (r"manifest unknown|manifest for .* not found|name unknown|manifest .*unknown", NotFound, "not_found"),
    (
        r"executable file not found|no such file or directory|does not exist|unable to find (?:user|group)",
        NotFound,
        "not_found",
    ),
    (r"dial tcp|no such host|i/o timeout|TLS handshake|connection refused|EOF$", Unavailable, "unavailable"),
)
_STATUSES: dict[int, tuple[type[OsapiError], str]] = {
    400: (Invalid, "invalid"),
    401: (Permanent, "denied"),
    403: (Permanent, "denied"),
    404: (NotFound, "not_found"),
    409: (Conflict, "conflict"),
    501: (Unsupported, "unsupported"),
    503: (Unavailable, "unavailable"),
}


def refusal(status: int, message: str, what: str) -> OsapiError:
    """The failure to tell. `status` 0: the engine said it in the middle of an answer that began well."""
    words = f"cannot {what}: {message[:_SHOWN]}"
    if status in (404, 409):
        meant = _denied(message) or _STATUSES[status]
    else:
        meant = _said(message) or _STATUSES.get(status, (Permanent, "engine_failed"))
    kind, code = meant
    return kind(words, code=code)


def _said(message: str) -> tuple[type[OsapiError], str] | None:
    for pattern, kind, code in _WORDS:
        if re.search(pattern, message):
            return kind, code
    return None


def _denied(message: str) -> tuple[type[OsapiError], str] | None:
    """A registry that asks for a login does not say whether there is such an image."""
    found = _said(message)
    return found if found is not None and found[1] == "denied" else None
