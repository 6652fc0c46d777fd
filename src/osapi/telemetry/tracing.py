"""Following one request from the command line to the command on the host. Off, this does nothing and imports nothing.

    with tracing.span("job.process", tracing.CONSUMER, {"job.id": job.id}) as span:
        ...
        span.set("job.ending", "completed")

What is going on is known to the task that does it (contextvars) and to those it starts; `carrier` and `continued`
take it from one program to the next, as W3C Trace Context. Attributes never hold what a caller or a program said:
names, ids, numbers and codes only. What does the work when tracing is on is `otel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from typing import Literal, Self

    Value = str | int | float | bool
    Kind = Literal["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"]

INTERNAL: Kind = "INTERNAL"
SERVER: Kind = "SERVER"
CLIENT: Kind = "CLIENT"
PRODUCER: Kind = "PRODUCER"
CONSUMER: Kind = "CONSUMER"

HEADER_BYTES = (b"traceparent", b"tracestate")


class Span(Protocol):
    """One piece of work. It ends with its `with` block."""

    def set(self, name: str, value: Value, /) -> None:
        """Add an attribute."""
        ...

    def rename(self, name: str, /) -> None:
        """Give it the name that was not known at its beginning."""
        ...

    def fail(self, code: str, /) -> None:
        """Mark it as failed, with the code of the failure."""
        ...


class Tracer(Protocol):
    """What `otel.OtelTracer` offers; the functions of this module pass on to it."""

    def span(self, name: str, kind: Kind, attributes: Mapping[str, Value], /) -> AbstractContextManager[Span]: ...

    def continued(self, headers: Mapping[str, str], /) -> AbstractContextManager[None]: ...

    def carrier(self) -> dict[str, str]: ...

    def ids(self) -> Mapping[str, str]: ...

    def close(self) -> None: ...


class Choice(Protocol):
    """What is wanted: a section of the settings. `exporter` is `stdout`, `otlp` or empty: ids only."""

    @property
    def enabled(self) -> bool: ...

    @property
    def exporter(self) -> str: ...

    @property
    def otlp_endpoint(self) -> str: ...


PATIENCE_S = 5.0
"""How long one sending may take, and so the last one at the end of a program."""


_tracer: Tracer | None = None
_NO_ATTRIBUTES: Mapping[str, Value] = {}
_NO_IDS: Mapping[str, str] = {}


def is_on() -> bool:
    """Whether anything is traced."""
    return _tracer is not None


def span(
    name: str, kind: Kind = INTERNAL, attributes: Mapping[str, Value] = _NO_ATTRIBUTES
) -> AbstractContextManager[Span]:
    """A piece of the work that is going on. An exception marks it as failed and goes on."""
    return _NOTHING if _tracer is None else _tracer.span(name, kind, attributes)


def continued(headers: Mapping[str, str]) -> AbstractContextManager[object]:
    """Go on, within the `with` block, with the work of whoever sent these headers (names in lower case)."""
    return _NOTHING if _tracer is None else _tracer.continued(headers)


def carrier() -> dict[str, str]:
    """The headers that take what is going on to another program; empty when nothing is traced."""
    return {} if _tracer is None else _tracer.carrier()


def ids() -> Mapping[str, str]:
    """`trace_id` and `span_id` of what is going on, in hexadecimal; empty when nothing is traced."""
    return _NO_IDS if _tracer is None else _tracer.ids()


def trace_id(traceparent: str) -> str:
    """The trace id in a header `traceparent`; empty when there is none."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) >= 4 else ""


def begin(program: str, choice: Choice, *, debug: bool = False, patience_s: float = PATIENCE_S) -> Callable[[], None]:
    """Trace from now on if that is wanted, or everything is to be seen (`debug`).

    Call what is returned at the end, it sends what is left. Raises `Invalid` when the packages are not installed; what
    is traced for `debug` alone is then left out.
    """
    if not choice.enabled and not debug:
        return _nothing
    try:
        from osapi.telemetry.otel import OtelTracer
    except ImportError as problem:
        if not choice.enabled:
            return _nothing
        from osapi.contract.errors import Invalid

        raise Invalid(
            f"telemetry.tracing.enabled: {problem.name} is missing; install osapi[tracing], or turn tracing off"
        ) from problem
    tracer = OtelTracer(program, choice, patience_s)
    _install(tracer)
    return lambda: _end(tracer)


def _install(tracer: Tracer | None) -> None:
    global _tracer  # noqa: PLW0603 - one tracer per process, as there is one log
    _tracer = tracer


def _end(tracer: Tracer) -> None:
    _install(None)
    tracer.close()


def _nothing() -> None:
    """Nothing was begun."""


class _Nothing:
    """A span and a `with` block that do nothing."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def set(self, name: str, value: Value) -> None: ...

    def rename(self, name: str) -> None: ...

    def fail(self, code: str) -> None: ...


_NOTHING = _Nothing()
