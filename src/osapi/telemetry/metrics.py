"""Figures for Prometheus, as programs count them. Nothing is imported and nothing is counted while metrics are off.

What counts them is `prometheus`; `exposition` shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

Check = Callable[[], str | None]
"""None when a part works, otherwise a sentence that says what is missing. Called from any thread: it reads single values."""
Checks = Mapping[str, Check]
"""The parts of a program by name."""


def problems(checks: Iterable[Check]) -> str:
    """What is missing, each sentence once; empty when everything works."""
    return "; ".join(dict.fromkeys(problem for check in checks if (problem := check())))


class Certified(Protocol):
    """Where the certificate to show is, and its key; empty: no TLS."""

    @property
    def cert(self) -> str: ...

    @property
    def key(self) -> str: ...


class Place(Protocol):
    """Where figures are shown, and whether: a section of the settings. An empty host is 127.0.0.1."""

    @property
    def enabled(self) -> bool: ...

    @property
    def host(self) -> str: ...

    @property
    def port(self) -> int: ...

    @property
    def tls(self) -> Certified: ...


class Metrics:
    """What a program counts; this one counts nothing, for metrics are off."""

    address = ""
    """Where the figures are shown, as `host:port`; empty: nowhere."""

    def request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """A request of HTTP has been answered. `route` is the template of its path; empty: there is no such path."""

    def job_created(self, operation: str) -> None:
        """A job has been submitted."""

    def job_processed(self, status: str, duration_s: float | None) -> None:
        """A job, or on an agent its part of it, has come to its end. None: it never began."""

    def show(self, name: str, told: str, read: Callable[[], float]) -> None:
        """Show a figure that is read when somebody asks, in another thread: `read` looks at single values."""

    def serve(self, key: str, checks: Checks) -> None:
        """Answer from now on. `checks` are shown one by one; when all are well the program is ready.

        Raises `Invalid`, naming the settings below `key`, when the address cannot be had.
        """

    def close(self) -> None:
        """Answer nothing more. A second call changes nothing."""


OFF = Metrics()


def counting(place: Place, pid: Callable[[], int] | None = None) -> Metrics:
    """Metrics that count if they are wanted, else `OFF`. `pid` tells whose process is shown; None: this one."""
    if not place.enabled:
        return OFF
    from osapi.telemetry.prometheus import PrometheusMetrics

    return PrometheusMetrics(place, pid)
