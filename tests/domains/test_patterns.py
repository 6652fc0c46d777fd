"""Patterns of request fields: they cost little, and they mean the same to every reader of the document."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.corpora import fields

from osapi.contract.operation import Operation
from osapi.domains import discovery

LONG = 100_000
AWKWARD = ("a" * LONG, "a." * (LONG // 2), "-" * LONG, "a-" * (LONG // 2), " " * LONG, "a" * LONG + "\n", "." * LONG)
BUSY_S = 1.0
"""A linear pattern takes some milliseconds; one that is not takes hours."""


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "pattern" in schema:
            yield schema["pattern"]
        for value in schema.values():
            yield from patterns(value)


PATTERNS = sorted(
    {found for operation in discovery.operations() for found in patterns(msgspec.json.schema(operation.request))}
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_takes_linear_time(pattern: str) -> None:
    compiled = re.compile(pattern)
    for text in AWKWARD:
        started = time.perf_counter()
        compiled.search(text)
        assert time.perf_counter() - started < BUSY_S


def test_row_40_every_text_is_judged_in_linear_time() -> None:
    """The whole model, with what it checks beside patterns; a text as long as the API takes it from a stranger."""
    slowest = (0.0, 0.0, "")
    every = [target for operation in discovery.operations() for target in texts(operation)]
    for operation, place in every:
        for text in AWKWARD:
            whole, part = (judging_s(operation, place, text[:length]) for length in (LONG, LONG // 10))
            slowest = max(slowest, (whole, part, f"{operation.name} {fields.spelled(place)}"))
    whole, part, where = slowest
    print(
        f"\nrow 40: fields = {len(every)}, patterns = {len(PATTERNS)}, texts = {len(AWKWARD)}, "
        f"slowest at 100 kB = {whole * 1000:.1f} ms ({where}; at 10 kB {part * 1000:.1f} ms)"
    )
    assert whole < BUSY_S


def texts(operation: Operation[Any, Any]) -> Iterator[tuple[Operation[Any, Any], fields.Place]]:
    for place in fields.places(operation):
        yield operation, place


def judging_s(operation: Operation[Any, Any], place: fields.Place, text: str) -> float:
    """Seconds until the request is taken or refused."""
    request = msgspec.json.encode(fields.replaced(fields.model_of(operation), None, place, text))
    started = time.perf_counter()
    with contextlib.suppress(msgspec.ValidationError):
        msgspec.json.decode(request, type=operation.request)
    return time.perf_counter() - started


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_covers_the_whole_text(pattern: str) -> None:
    """`$` alone lets a final newline pass in Python; JSON Schema knows no other anchor."""
    assert pattern.startswith("^")
    assert pattern.endswith(("$(?!\\n)", "[^\\x00]*$", "[^\\x00]+$"))
