"""Patterns of request fields: they cost little, and they mean the same to every reader of the document."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

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


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_covers_the_whole_text(pattern: str) -> None:
    """`$` alone lets a final newline pass in Python; JSON Schema knows no other anchor."""
    assert pattern.startswith("^")
    assert pattern.endswith(("$(?!\\n)", "[^\\x00]*$", "[^\\x00]+$"))
