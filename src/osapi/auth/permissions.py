"""The permissions there are. A permission is `resource:verb`; roles are sets of them.

`read` looks, `write` changes, `execute` runs what the caller wrote or stops what others run.
"""

from __future__ import annotations

from collections.abc import Iterable

from osapi.contract.errors import Invalid

PERMISSIONS = (
    "agent:read",
    "agent:write",
    "node:read",
    "node:write",
    "network:read",
    "network:write",
    "job:read",
    "job:write",
    "health:read",
    "audit:read",
    "command:execute",
    "file:read",
    "file:write",
    "docker:read",
    "docker:write",
    "docker:execute",
    "cron:read",
    "cron:write",
    "sysctl:read",
    "sysctl:write",
    "ntp:read",
    "ntp:write",
    "timezone:read",
    "timezone:write",
    "power:execute",
    "process:read",
    "process:execute",
    "user:read",
    "user:write",
    "package:read",
    "package:write",
    "log:read",
    "certificate:read",
    "certificate:write",
    "service:read",
    "service:write",
    "notify:read",
    "notify:write",
    "token:read",
    "token:write",
)


def check(names: Iterable[str], *, where: str) -> None:
    """Raise `Invalid` for names that are no permissions. `where` says who names them, for the message."""
    unknown = sorted(set(names).difference(PERMISSIONS))
    if unknown:
        raise Invalid(f"{where}: unknown permission {', '.join(unknown)}; allowed are {', '.join(PERMISSIONS)}")
