"""What one host answers, as the REST API, the SDK and the CLI show it."""

from __future__ import annotations

import enum
from typing import Generic, TypeVar

import msgspec

Res = TypeVar("Res")


class Outcome(enum.Enum):
    """The three words of the REST contract for how one host fared."""

    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class HostResult(msgspec.Struct, Generic[Res], omit_defaults=True, kw_only=True):
    """One host's answer. On the wire the fields of `data` stand beside the others.

    `data` is None unless the host did the work; `error` and `code` are None when it did.
    `changed` is None for operations that change nothing.
    """

    hostname: str
    status: Outcome
    machine_id: str = ""
    changed: bool | None = None
    error: str | None = None
    code: str | None = None
    data: Res | None = None
