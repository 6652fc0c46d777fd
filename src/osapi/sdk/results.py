"""The answers of hosts, typed: what `Client.run` returns, and how it is read from the wire.

On the wire the fields of a result stand beside those of the host, and a result `list[X]` is one entry per
X. Here each host is one `HostResult` again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, cast, get_args, get_origin, overload

import msgspec

from osapi.contract.operation import Operation
from osapi.contract.result import HostResult, Outcome
from osapi.sdk.errors import BadAnswer

Res = TypeVar("Res")


class HostFailure(Exception):
    """Raised by `Results.require_success`: at least one host did not do the work."""

    def __init__(self, results: Results[Any]) -> None:
        self.results = results
        told = "; ".join(f"{result.hostname}: {result.error}" for result in results.failed)
        super().__init__(f"{len(results.failed)} of {len(results)} hosts failed ({told})")


class Results(Sequence[HostResult[Res]]):
    """One entry per host that was asked. `job_id` names the job, `body` is the answer as it came.

    `status` is the HTTP status of the answer. `data` of a host that failed is None unless it left a partial
    result, as a command does that ran out of time.
    """

    def __init__(
        self, entries: Sequence[HostResult[Res]], *, job_id: str, status: int = 200, body: bytes = b""
    ) -> None:
        self._entries = tuple(entries)
        self.job_id = job_id
        self.status = status
        self.body = body

    @overload
    def __getitem__(self, index: int) -> HostResult[Res]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[HostResult[Res]]: ...
    def __getitem__(self, index: int | slice) -> HostResult[Res] | Sequence[HostResult[Res]]:
        return self._entries[index]

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[HostResult[Res]]:
        return iter(self._entries)

    def __repr__(self) -> str:
        return f"Results(job_id={self.job_id!r}, {list(self._entries)!r})"

    @property
    def ok(self) -> list[HostResult[Res]]:
        return [entry for entry in self._entries if entry.status is Outcome.OK]

    @property
    def failed(self) -> list[HostResult[Res]]:
        return [entry for entry in self._entries if entry.status is Outcome.FAILED]

    @property
    def skipped(self) -> list[HostResult[Res]]:
        """Hosts that cannot do it, for example because a program is missing."""
        return [entry for entry in self._entries if entry.status is Outcome.SKIPPED]

    @property
    def changed(self) -> list[HostResult[Res]]:
        """Hosts that now differ from before; in check mode, that would."""
        return [entry for entry in self._entries if entry.changed]

    def host(self, name: str) -> HostResult[Res]:
        """The answer of the host with that name or machine id. Raises `KeyError` when it was not asked."""
        for entry in self._entries:
            if name in (entry.hostname, entry.machine_id):
                return entry
        raise KeyError(name)

    def require_success(self) -> Results[Res]:
        """Return these results. Raises `HostFailure` when a host failed."""
        if self.failed:
            raise HostFailure(self)
        return self


class _Head(msgspec.Struct, kw_only=True):
    """What every entry holds, whatever the operation."""

    hostname: str
    status: str
    machine_id: str = ""
    changed: bool | None = None
    error: str | None = None
    code: str | None = None

    @property
    def outcome(self) -> Outcome:
        """Another word than those of `Outcome` is that of the result, which only a host that did the work has."""
        return Outcome(self.status) if self.status in _OUTCOMES else Outcome.OK


_OUTCOMES = frozenset(outcome.value for outcome in Outcome)


class _Envelope(msgspec.Struct):
    results: list[dict[str, Any]]
    job_id: str = ""


_decode = msgspec.json.Decoder(_Envelope).decode


def parse(operation: Operation[Any, Res], status: int, body: bytes) -> Results[Res]:
    """Read the answer to a node operation. Raises `BadAnswer` when it does not have the operation's shape."""
    try:
        envelope = _decode(body)
        hosts = _by_host(envelope.results)
        return Results(
            [_host_result(operation.result, entries) for entries in hosts],
            job_id=envelope.job_id,
            status=status,
            body=body,
        )
    except (msgspec.DecodeError, msgspec.ValidationError) as problem:
        raise BadAnswer(
            f"the answer to {operation.name} has another shape than this version of the SDK knows: {problem}"
        ) from problem


def _by_host(entries: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    hosts: dict[Any, list[dict[str, Any]]] = {}
    for entry in entries:
        hosts.setdefault(entry.get("machine_id") or entry.get("hostname"), []).append(entry)
    return list(hosts.values())


def _host_result(result: type[Res], entries: list[dict[str, Any]]) -> HostResult[Res]:
    head = msgspec.convert(entries[0], _Head)
    return HostResult(
        hostname=head.hostname,
        status=head.outcome,
        machine_id=head.machine_id,
        changed=head.changed,
        error=head.error,
        code=head.code,
        data=_data(result, entries, complete=head.outcome is Outcome.OK),
    )


def _data(result: type[Res], entries: list[dict[str, Any]], *, complete: bool) -> Res | None:
    if get_origin(result) is list:
        if not complete:
            return None
        return cast("Res", _list(get_args(result)[0], entries))
    try:
        return msgspec.convert(_payload(result, entries[0]), result)
    except msgspec.ValidationError:
        if complete:
            raise
        return None


def _list(element: type[Any], entries: list[dict[str, Any]]) -> list[Any]:
    payloads = [_payload(element, entry) for entry in entries]
    return [msgspec.convert(payload, element) for payload in payloads if payload]


def _payload(model: type[Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The part of a wire entry that belongs to the operation's own result."""
    return {name: entry[name] for name in model.__struct_encode_fields__ if name in entry}
