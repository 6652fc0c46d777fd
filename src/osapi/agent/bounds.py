"""Keeps an answer within what the broker carries.

Providers bound their output already; this is the last resort, for instance for text that grows when it
is written as JSON. Long strings lose their end and say so; nothing else is ever left out unsaid.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec

LIMIT_BYTES = 896 * 1024
"""Room for what a provider bounds by itself, and below the 1 MiB that the broker takes for a message."""
_SHORTEST = 64


def bounded(data: bytes, limit: int = LIMIT_BYTES) -> bytes | None:
    """`data` (JSON) if it fits, else with its longest strings cut; None when even that does not fit."""
    if len(data) <= limit:
        return data
    value = msgspec.json.decode(data)
    best, length = None, _SHORTEST
    while length < limit and len(shorter := msgspec.json.encode(_cut(value, length))) <= limit:
        best, length = shorter, length * 2
    return best


def _cut(value: Any, length: int) -> Any:
    match value:
        case str() if len(value) > length:
            return f"{value[:length]}\n[{len(value) - length} more characters left out]"
        case list():
            return [_cut(item, length) for item in cast("Iterable[Any]", value)]
        case dict():
            return {key: _cut(item, length) for key, item in cast("dict[str, Any]", value).items()}
        case _:
            return value
