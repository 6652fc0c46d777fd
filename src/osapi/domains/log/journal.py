"""From what journalctl(1) prints to entries, in bounded size. Pure.

`-o json` has one object per line. A field is text, or numbers where it is not UTF-8, or a list of these where
it was given several times; see "Journal JSON Format" of systemd.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from osapi.domains.log.models import PRIORITIES, LogEntry
from osapi.host.output import Capture, as_text

MESSAGE_LIMIT = 16 * 1024
"""Bytes of one message as JSON."""
ENTRIES_LIMIT = 768 * 1024
"""Bytes of all entries as JSON: an answer stays below the broker's 1 MiB per message."""
SOURCES_LIMIT = 256 * 1024
"""Bytes of all identifiers."""
FIELDS = "MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM,_SYSTEMD_UNIT,UNIT,_PID,SYSLOG_PID,_HOSTNAME"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MANAGER = "init.scope"
"""Unit of systemd itself; what it says about another unit carries that one's name in UNIT."""

Value = str | list[int | str | list[int] | None] | None


class _Line(msgspec.Struct, frozen=True):
    """One line as journalctl prints it."""

    realtime: str = msgspec.field(name="__REALTIME_TIMESTAMP")
    message: Value = msgspec.field(name="MESSAGE", default=None)
    priority: Value = msgspec.field(name="PRIORITY", default=None)
    identifier: Value = msgspec.field(name="SYSLOG_IDENTIFIER", default=None)
    command: Value = msgspec.field(name="_COMM", default=None)
    own_unit: Value = msgspec.field(name="_SYSTEMD_UNIT", default=None)
    about_unit: Value = msgspec.field(name="UNIT", default=None)
    pid: Value = msgspec.field(name="_PID", default=None)
    syslog_pid: Value = msgspec.field(name="SYSLOG_PID", default=None)
    hostname: Value = msgspec.field(name="_HOSTNAME", default=None)


_decode = msgspec.json.Decoder(_Line).decode


def entries(
    output: bytes, *, cut: bool, newest_first: bool = False, limit: int = ENTRIES_LIMIT
) -> tuple[list[LogEntry], bool]:
    """The entries, the oldest first, and whether some were left out. `newest_first` is the order of the output.

    `cut` says that the middle of the output is missing: then only what is newer than the gap counts.
    """
    found: list[LogEntry] = []
    size, incomplete = 0, cut
    lines = output.splitlines()
    for line in lines if newest_first else reversed(lines):
        one = entry(line) if line.startswith(b"{") else None
        if one is None:
            if cut:
                break
            incomplete = incomplete or line.startswith(b"{")
            continue
        size += len(msgspec.json.encode(one)) + 1
        if size > limit:
            incomplete = True
            break
        found.append(one)
    return found[::-1], incomplete


def sources(output: bytes, *, cut: bool, limit: int = SOURCES_LIMIT) -> tuple[list[str], bool]:
    """The identifiers, sorted, and whether some were left out."""
    names = sorted({line.decode("utf-8", "replace") for line in output.splitlines() if line})
    size = 0
    for count, name in enumerate(names):
        size += len(msgspec.json.encode(name)) + 1
        if size > limit:
            return names[:count], True
    return names, cut


def entry(line: bytes) -> LogEntry | None:
    """The entry in one line; None for a line that is none."""
    try:
        raw = _decode(line)
        timestamp = _EPOCH + timedelta(microseconds=int(raw.realtime))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError):
        return None
    identifier = _text(raw.identifier) or _text(raw.command)
    unit = _text(raw.own_unit)
    if unit in ("", _MANAGER):
        unit = _text(raw.about_unit) or unit
    pid = _text(raw.pid) or _text(raw.syslog_pid)
    return LogEntry(
        timestamp=timestamp,
        message=_message(raw.message),
        unit=unit or identifier,
        identifier=identifier,
        priority=_priority(_text(raw.priority)),
        pid=int(pid) if pid.isascii() and pid.isdigit() and len(pid) < 16 else None,
        hostname=_text(raw.hostname),
    )


def _message(value: Value) -> str:
    """The text; first roughly shortened, since an endless one takes long to measure."""
    kept = Capture(MESSAGE_LIMIT)
    kept.add(_bytes(value))
    return as_text(kept.content(), MESSAGE_LIMIT)[0]


def _priority(number: str) -> str:
    return PRIORITIES[int(number)] if number in set("01234567") else ""


def _text(value: Value) -> str:
    return _bytes(value).decode("utf-8", "replace")


def _bytes(value: Value) -> bytes:
    """A field as bytes; one that was given several times has a line for each."""
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode()
    numbers = [item for item in value if isinstance(item, int)]
    if len(numbers) == len(value):
        return bytes(number & 0xFF for number in numbers)
    return b"\n".join(
        _bytes(item) if isinstance(item, str) else _bytes(list(item or []))
        for item in value
        if not isinstance(item, int)
    )
