"""From the request of a job as it was signed to the one that the provider gets: references replaced, rules checked."""

from __future__ import annotations

from typing import Any

import msgspec

from osapi.contract import references
from osapi.contract.errors import Invalid
from osapi.contract.facts import HostFacts
from osapi.contract.operation import Operation
from osapi.host.door import Host

_MARK = b"@fact."
_decode = msgspec.json.Decoder(dict[str, Any]).decode


async def read(operation: Operation[Any, Any], request: msgspec.Raw, host: Host) -> msgspec.Struct:
    """The request. Raises `Invalid` when it does not fit, `Permanent` (`fact_unresolved`) for a reference to nothing."""
    raw = bytes(request)
    if _MARK not in raw:
        return _fitting(operation, raw)
    try:
        values = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise _unfit(problem) from problem
    facts = msgspec.convert(await host.facts(), HostFacts)
    return _fitting(operation, msgspec.json.encode(references.resolve(values, operation.request, facts)))


def _fitting(operation: Operation[Any, Any], raw: bytes) -> msgspec.Struct:
    try:
        found: msgspec.Struct = msgspec.json.decode(raw, type=operation.request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise _unfit(problem) from problem
    return found


def _unfit(problem: Exception) -> Invalid:
    return Invalid(f"the request does not fit: {problem}")
