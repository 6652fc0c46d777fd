"""Message headers as NATS writes them (ADR-4): a version line, perhaps with a status, then `Name: value`.

Kept apart from the client library's own parsing so that the quick paths can leave headers unread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from osapi.contract.errors import Invalid

_LINE = b"NATS/1.0"
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[^\r\n]*")


def encode(headers: Mapping[str, str]) -> bytes:
    """Write a header block. Raises `Invalid` for names and values that would break out of their line."""
    lines = ["NATS/1.0\r\n"]
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise Invalid(f"header {name!r} cannot be sent: letters, digits and no line breaks are allowed")
        lines.append(f"{name}: {value}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode()


def status(raw: bytes | None) -> int:
    """The status of a control message, such as 404 or 503; 0 when there is none."""
    if raw is None or raw[8:9] != b" " or not raw[9:12].isdigit():
        return 0
    return int(raw[9:12])


def description(raw: bytes) -> str:
    """The words after the status."""
    return raw[12 : raw.find(b"\r\n")].strip().decode("utf-8", "replace")


def decode(raw: bytes | None) -> dict[str, str]:
    """Read the named headers; the last of several with one name wins. Empty when there are none."""
    if raw is None:
        return {}
    found: dict[str, str] = {}
    for line in raw.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            found[name.strip().decode("utf-8", "replace")] = value.strip().decode("utf-8", "replace")
    return found
