"""What is agreed between whoever wants a template rendered and the process that does it. Loads no engine."""

from __future__ import annotations

from typing import Any

import msgspec

from osapi.templates.faults import TemplateFault

LONGEST_BYTES = 256 * 1024
"""Size of a template at most."""
LONGEST_OUTPUT = 4 * 1024 * 1024
"""Bytes that a template may become."""
CPU_S = 5
"""Seconds on the processor that rendering may take."""
FAULT = 3
"""Exit status of the process for a template that cannot be used."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a template may speak of."""

    facts: dict[str, Any]
    vars: dict[str, Any]
    hostname: str


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """What a template became. `facts` are the facts that were looked at, by their names, sorted."""

    content: bytes
    facts: tuple[str, ...] = ()


class Job(msgspec.Struct, kw_only=True):
    """What the process reads."""

    template: bytes
    context: Context
    limit: int = LONGEST_OUTPUT


class Fault(msgspec.Struct, kw_only=True):
    """What it tells of a template that cannot be used, as `TemplateFault`."""

    line: int
    reason: str


def too_long(size: int) -> TemplateFault:
    """The failure of a template that is larger than `LONGEST_BYTES`."""
    return TemplateFault(0, f"it has {size} bytes; at most {LONGEST_BYTES} are allowed")
