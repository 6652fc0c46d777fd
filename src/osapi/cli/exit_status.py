"""What the exit status of `osapi client` means. The one table.

    0  every host did it, or was skipped because it cannot
    1  wrong usage, or the controller refused or could not be reached
    2  some hosts failed
    3  all hosts failed
    4  no host answered in time

A command on a host that ends with a status other than 0 counts as a failure of that host. `osapi client
node command … --stdout` passes the greatest status of the hosts on instead. `osapi client audit verify` ends with 2
when the audit was tampered with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from osapi.sdk import errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from osapi.cli.asking import Entry

OK = 0
USAGE = 1
SOME_FAILED = 2
ALL_FAILED = 3
TIMED_OUT = 4
BROKEN = 2
"""Of `osapi client audit verify`: the chain was tampered with."""
INTERRUPTED = 130
"""As a shell reports a program that Ctrl-C ended."""

_HOST_REFUSED = (errors.NotFound, errors.Conflict, errors.Forbidden)

OF_JOB = {
    "submitted": OK,
    "processing": OK,
    "completed": OK,
    "skipped": OK,
    "partial_failure": SOME_FAILED,
    "timeout": TIMED_OUT,
    "expired": TIMED_OUT,
}
"""Of a job by its status; every other one is `ALL_FAILED`."""


def of_error(problem: errors.SdkError, *, asks_hosts: bool) -> int:
    """The status for an exception of the SDK.

    `asks_hosts` tells that hosts were asked: a refusal that names a job is then that of the one host.
    """
    if isinstance(problem, errors.NoAnswer) or (isinstance(problem, errors.Unreachable) and problem.timed_out):
        return TIMED_OUT
    if asks_hosts and isinstance(problem, _HOST_REFUSED) and problem.job_id:
        return ALL_FAILED
    return USAGE


def of_results(entries: Iterable[Entry]) -> int:
    """The status for the entries of hosts as they come over the wire."""
    hosts = by_host(entries)
    failed = [host for host in hosts if any(has_failed(entry) for entry in host)]
    if not failed:
        return OK
    if len(failed) < len(hosts):
        return SOME_FAILED
    silent = all(entry.get("code") == "timeout" for host in failed for entry in host)
    return TIMED_OUT if silent else ALL_FAILED


def of_output(entries: Iterable[Entry]) -> int:
    """The greatest exit status of the commands that ran; that of the hosts when all ended with 0."""
    entries = list(entries)
    greatest = max((code for entry in entries if isinstance(code := entry.get("exit_code"), int)), default=0)
    return min(greatest, 255) if greatest > 0 else of_results(entries)


def has_failed(entry: Entry) -> bool:
    """Whether the host failed, or what it ran did."""
    return entry.get("status") == "failed" or bool(entry.get("exit_code"))


def by_host(entries: Iterable[Entry]) -> list[list[Entry]]:
    """The entries of each host: a list as result is several entries."""
    hosts: dict[Any, list[Entry]] = {}
    for entry in entries:
        hosts.setdefault(entry.get("machine_id") or entry.get("hostname"), []).append(entry)
    return list(hosts.values())
