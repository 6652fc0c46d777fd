"""Logging: an event and its fields, for people on a terminal and for machines otherwise.

    log = get_logger(__name__)
    log.info("job.completed", job_id=job.id, duration_s=0.2)

Built on the standard library, so that records of libraries pass through the same two formatters.
Field names are fixed where they recur: `request_id`, `job_id`, `operation`, `target`, `hostname`, `path`,
`duration_s`, `error`. What `bind` says, and the ids of the trace, stand in every line of the same task. Secrets are
never fields. Where the lines go (a file, the journal) is left to
whoever starts the program: they are written to standard error.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import msgspec

from osapi.telemetry import tracing

Format = Literal["auto", "console", "json"]

_FIELDS = "fields"
_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {_FIELDS, "message", "asctime", "color_message"}
_COLOURS = {
    logging.DEBUG: "2",
    logging.INFO: "32",
    logging.WARNING: "33",
    logging.ERROR: "31",
    logging.CRITICAL: "31;1",
}
_NOISY = ("asyncio", "nats", "uvicorn.access", "urllib3")
_NONE: Mapping[str, object] = {}
_bound: ContextVar[Mapping[str, object]] = ContextVar("osapi.log", default=_NONE)


class Logger:
    """Writes events. Made by `get_logger`."""

    __slots__ = ("_logger",)

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: str, **fields: object) -> None:
        """Dispatch and no-ops."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        """Lifecycle, and changes on a host."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Something is degraded."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Someone must act."""
        self._write(logging.ERROR, event, fields)

    def exception(self, event: str, problem: BaseException, **fields: object) -> None:
        """An error nobody expected, with its traceback; `error` becomes its text."""
        self._write(logging.ERROR, event, {**fields, "error": str(problem) or type(problem).__name__}, problem)

    def at(self, level: int, event: str, **fields: object) -> None:
        """An event whose level (a number of `logging`) is known only now."""
        self._write(level, event, fields)

    def _write(
        self, level: int, event: str, fields: Mapping[str, object], problem: BaseException | None = None
    ) -> None:
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, exc_info=problem, extra={_FIELDS: fields}, stacklevel=3)


def get_logger(name: str) -> Logger:
    """The logger of a module; pass `__name__`."""
    return Logger(logging.getLogger(name))


def bind(**fields: object) -> None:
    """Let every record of this task, and of those that it starts from now on, carry these fields."""
    _bound.set({**_bound.get(), **fields})


def configure(
    *, log_format: Format = "auto", debug: bool = False, program: str = "", stream: TextIO | None = None
) -> None:
    """Send every record of this process to `stream` (standard error). A second call replaces the first.

    `program` (`controller`, `agent`, …) stands in every line. Libraries that tell each packet stay at
    warning unless `debug`.
    """
    target = sys.stderr if stream is None else stream
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(log_format, target, program))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.INFO if debug else logging.WARNING)


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `time` (RFC 3339, UTC), `level`, `program`, `logger`, `event`, then the fields."""

    def __init__(self, program: str = "") -> None:
        super().__init__()
        self._head = {"program": program} if program else {}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            **self._head,
            "logger": record.name,
            "event": record.getMessage(),
        }
        for name, value in _fields(record).items():
            line[name if name not in line else f"{name}_"] = value
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class ConsoleFormatter(logging.Formatter):
    """For people: short clock time, level, program, event, `name=value` pairs; coloured on a terminal."""

    def __init__(self, program: str = "", *, coloured: bool = False) -> None:
        super().__init__()
        self._program = f"{program:<10} " if program else ""
        self._coloured = coloured

    def format(self, record: logging.LogRecord) -> str:
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        level = self._paint(f"{record.levelname.lower():<7}", _COLOURS.get(record.levelno, "0"))
        pairs = "".join(f" {self._paint(name, '2')}={_shown(value)}" for name, value in _fields(record).items())
        line = f"{clock} {level} {self._program}{_printable(record.getMessage())}{pairs}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured else text


def _formatter(log_format: Format, stream: TextIO, program: str) -> logging.Formatter:
    terminal = stream.isatty()
    if log_format == "json" or (log_format == "auto" and not terminal):
        return JsonFormatter(program)
    return ConsoleFormatter(program, coloured=terminal)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """What is bound, the fields of our own events, and what libraries passed as `extra`; then the trace."""
    own: Mapping[str, object] = getattr(record, _FIELDS, {})
    extra = {name: value for name, value in vars(record).items() if name not in _KNOWN}
    return {**_bound.get(), **own, **extra, **tracing.ids()}


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return _printable(text) if text and not any(c in text for c in ' "=') else f'"{_printable(text)}"'


def _printable(text: str) -> str:
    """Without control characters, so that a value from outside cannot forge lines or colours."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
