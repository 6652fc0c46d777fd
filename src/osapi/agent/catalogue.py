"""Finds the provider's method that answers an operation. Loads a domain when its first job comes.

An idle agent holds no domain in memory; one that is only ever asked for its load never loads the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from osapi.contract.errors import Unsupported
from osapi.contract.operation import Handler, Operation
from osapi.host.door import Host

Call = Callable[..., Awaitable[Any]]


class Domains(Protocol):
    """Where domains are found; `osapi.domains.discovery` is one."""

    def names(self) -> tuple[str, ...]: ...

    def handlers(self, domain: str) -> tuple[Handler[Any], ...]: ...

    def implementation(self, domain: str, families: Sequence[str]) -> Callable[[Any], Any] | None: ...


@dataclass(frozen=True)
class Found:
    """An operation and how to run it on this family of systems."""

    operation: Operation[Any, Any]
    _handler: Handler[Any]
    _factory: Callable[[Any], Any] | None
    _family: str
    _domain: str

    def call(self, host: Host) -> Call:
        """The method to await with the request. Raises `Unsupported` where this family has no provider."""
        return self._method(host, self._handler.method)

    def later(self, host: Host) -> Call:
        """The method to await with request and note, which sees to the end of what was begun."""
        if self._handler.later is None:
            raise Unsupported(f"nothing of {self._domain} ends later")
        return self._method(host, self._handler.later)

    def _method(self, host: Host, of_port: Callable[..., Any]) -> Call:
        if self._factory is None:
            raise Unsupported(f"{self._domain} is not supported on {self._family}")
        # The handler names the port's method, which has no body; the provider has its own of that name.
        method: Call = getattr(self._factory(host), of_port.__name__)
        return method


class Catalogue:
    """Every operation this agent knows. `families` goes from the particular to the general."""

    def __init__(self, domains: Domains, families: Sequence[str]) -> None:
        self._domains = domains
        self._families = families
        self._unread: list[str] | None = None
        self._found: dict[str, Found] = {}

    def find(self, name: str) -> Found | None:
        """The operation of that name, or None when no domain declares it."""
        if name not in self._found:
            self._read_until(name)
        return self._found.get(name)

    def _read_until(self, name: str) -> None:
        """Read domains until one declares `name`; those named like a word of it come first."""
        if self._unread is None:
            self._unread = list(self._domains.names())
        words = name.split(".")
        self._unread.sort(key=lambda domain: domain not in words)
        while self._unread and name not in self._found:
            self._read(self._unread.pop(0))

    def _read(self, domain: str) -> None:
        factory = self._domains.implementation(domain, self._families)
        family = self._families[0] if self._families else "this system"
        for handler in self._domains.handlers(domain):
            operation = handler.operation
            self._found[operation.name] = Found(operation, handler, factory, family, domain)
