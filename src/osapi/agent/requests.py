"""From the request of a job as it was signed to the one that the provider gets.

References are replaced, secrets put in place, rules checked, in this order: a secret is never looked at for references.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from osapi.contract import masking, references
from osapi.contract.errors import Invalid
from osapi.contract.facts import HostFacts
from osapi.contract.operation import Operation
from osapi.host.door import Host

_MARK = b"@fact."
_decode = msgspec.json.Decoder(dict[str, Any]).decode


async def read(
    operation: Operation[Any, Any], request: msgspec.Raw, secrets: Mapping[str, str], host: Host
) -> msgspec.Struct:
    """The request, with `secrets` by their place.

    Raises `Invalid` when it does not fit, `Permanent` (`fact_unresolved`) for a reference to nothing.
    """
    raw = bytes(request)
    if _MARK not in raw:
        return _fitting(operation, raw, secrets, "the request does not fit")
    try:
        values = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Invalid(f"the request does not fit: {problem}") from problem
    facts = msgspec.convert(await host.facts(), HostFacts)
    resolved = msgspec.json.encode(references.resolve(values, operation.request, facts))
    return _fitting(operation, resolved, secrets, "the request does not fit once its references are replaced")


def _fitting(operation: Operation[Any, Any], raw: bytes, secrets: Mapping[str, str], otherwise: str) -> msgspec.Struct:
    try:
        found: msgspec.Struct = masking.filled(raw, secrets, operation.request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError) as problem:
        raise Invalid(f"{otherwise}: {problem}") from problem
    return found
