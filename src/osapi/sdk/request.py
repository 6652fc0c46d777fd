"""One HTTP request as a value, before anybody opens a connection.

Written without `urllib` and `dataclasses`: their import costs the CLI more than its whole exchange.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from osapi.sdk.form import UploadForm

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_WITHOUT_BODY = ("GET", "DELETE")


class Request:
    """What is asked of a controller.

    `path` begins with `/` and is quoted. `headers` has lower-case names. `safe` tells whether the request
    may be sent twice: it changes nothing, or carries an Idempotency-Key. `timeout_s` is how long to wait
    for the answer; None leaves it to the client. `form` is a body that is sent piece by piece, instead of `body`.
    """

    __slots__ = ("body", "form", "headers", "method", "path", "safe", "timeout_s")

    def __init__(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        form: UploadForm | None = None,
        headers: Mapping[str, str] | None = None,
        safe: bool | None = None,
        timeout_s: float | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.body = body
        self.form = form
        self.headers = dict(headers or {})
        self.safe = method == "GET" if safe is None else safe
        self.timeout_s = timeout_s

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("idempotency-key")


class Response:
    """An HTTP answer. `headers` has lower-case names; of a repeated header it holds the last."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


def node_request(
    method: str,
    path: str,
    target: str,
    fields: Mapping[str, Any],
    *,
    modifies: bool,
    wait_s: float | None = None,
    respond_async: bool = False,
    as_events: bool = False,
    dry_run: bool = False,
    idempotency_key: str | None = None,
    timeout_s: float | None = None,
) -> Request:
    """Ask something of the hosts that `target` means.

    `path` is the part below `/api/node/{target}`; names in braces are taken from `fields`. What is left goes
    to the query of GET and DELETE, and to the body otherwise. A request that modifies gets an
    Idempotency-Key of its own unless one is given. `as_events` asks for the events of the job before the answer.
    """
    rest = dict(fields)
    route = f"/api/node/{quote(target)}{fill(path, rest)}"
    query = rest if method in _WITHOUT_BODY else {}
    if wait_s is not None:
        query = {**query, "wait": f"{wait_s:g}"}
    if dry_run:
        query = {**query, "dry_run": True}
    headers: dict[str, str] = {}
    if respond_async:
        headers["prefer"] = "respond-async"
    if as_events:
        headers["accept"] = "text/event-stream"
    if modifies or idempotency_key:
        headers["idempotency-key"] = idempotency_key or new_key()
    return Request(
        method,
        with_query(route, query),
        body=json_body(rest) if rest and method not in _WITHOUT_BODY else None,
        headers=headers,
        safe=True,
        timeout_s=timeout_s,
    )


def new_key() -> str:
    """A fresh Idempotency-Key: 128 random bits in hexadecimal."""
    return os.urandom(16).hex()


def json_body(value: Any) -> bytes:
    """Encode a body; what is no UTF-8 on the command line is passed on as it is and refused by the controller."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape")


def fill(path: str, fields: dict[str, Any]) -> str:
    """Replace every name in braces by the quoted value of that field, and take the field out of `fields`."""
    parts = path.split("{")
    filled = parts[0]
    for part in parts[1:]:
        name, _, tail = part.partition("}")
        filled += quote(_text(fields.pop(name))) + tail
    return filled


def with_query(path: str, fields: Mapping[str, Any]) -> str:
    """Append `fields` as query: None is left out, a list gives one pair per entry."""
    pairs = [f"{quote(name)}={quote(text)}" for name, value in fields.items() for text in _texts(value)]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def quote(text: str) -> str:
    """Percent-encode everything that is not unreserved in RFC 3986, `/` included, and what would climb in a path."""
    if text in (".", ".."):
        return text.replace(".", "%2E")
    encoded = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in encoded)


def _texts(value: Any) -> Iterable[str]:
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        entries: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType] # whatever JSON holds
        return [_text(entry) for entry in entries]
    return (_text(value),)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
