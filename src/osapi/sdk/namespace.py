"""What the generated namespaces stand on: a target, and how to run an operation there."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, TypeVar

import msgspec

from osapi.contract.operation import Operation
from osapi.sdk.results import Results

Req = TypeVar("Req", bound=msgspec.Struct)
Res = TypeVar("Res")


class Run(Protocol):
    """`Client.run`."""

    def __call__(
        self,
        operation: Operation[Req, Res],
        request: Req,
        *,
        target: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[Res]: ...


class AsyncRun(Protocol):
    """`AsyncClient.run`."""

    def __call__(
        self,
        operation: Operation[Req, Res],
        request: Req,
        *,
        target: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Awaitable[Results[Res]]: ...


class Namespace:
    """One group of operations on the hosts that `target` means."""

    def __init__(self, run: Run, target: str) -> None:
        self._run = run
        self._target = target


class AsyncNamespace:
    """One group of operations on the hosts that `target` means."""

    def __init__(self, run: AsyncRun, target: str) -> None:
        self._run = run
        self._target = target
