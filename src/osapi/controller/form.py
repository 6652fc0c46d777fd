"""Reads a multipart form with one file as it comes (RFC 7578). Of the file no more than a piece is in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from osapi.contract.errors import Invalid
from osapi.controller.decode import RequestReader
from osapi.controller.exchange import Exchange

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FILE = "file"
"""Name of the part that holds the file."""
SETTING = "controller.api.upload_limit_bytes"
_PARTS = 16
_FIELD_BYTES = 8192


class FormReader:
    """Offers `contract.endpoint.Form`. `limit` None is no limit."""

    def __init__(self, exchange: Exchange, reader: RequestReader, limit: int | None) -> None:
        self._exchange = exchange
        self._reader = reader
        self._limit = limit
        self._parts = _Parts()

    @property
    def fields(self) -> Any:
        given = self._parts.fields
        if not self._parts.complete and not self._reader.required <= given.keys():
            return None
        return self._reader.read_texts(given)

    async def file(self) -> AsyncGenerator[bytes]:
        parser = MultipartParser(_boundary(self._exchange), self._parts.callbacks())
        async for chunk in self._exchange.chunks(self._limit, SETTING):
            try:
                parser.write(chunk)
            except FormParserError as problem:
                raise Invalid(f"body: this is no multipart form: {problem}") from problem
            for piece in self._parts.take():
                yield piece
        if not self._parts.complete:
            raise Invalid("body: the multipart form ends too early; nothing was stored")
        if not self._parts.has_file:
            raise Invalid(f"{FILE}: missing; it is required", details={"field": FILE})


class _Parts:
    """What the parser tells, part by part."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.complete = False
        self.has_file = False
        self._count = 0
        self._header = b""
        self._value = b""
        self._name = ""
        self._field = bytearray()
        self._pieces: list[bytes] = []

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def take(self) -> list[bytes]:
        """The pieces of the file that came since the last time."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def _begin(self) -> None:
        self._count += 1
        self._name = ""
        self._field.clear()
        if self._count > _PARTS:
            raise Invalid(f"body: the form has more than {_PARTS} parts")

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = _text(options.get(b"name", b""), "the name of a part")
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        if self._name == FILE:
            if self.has_file:
                raise Invalid(f"{FILE}: given twice; give it once", details={"field": FILE})
            self.has_file = True
        elif self._name in self.fields:
            raise Invalid(f"{self._name[:80]}: given twice; give it once", details={"field": self._name[:80]})

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._name == FILE:
            self._pieces.append(data[start:end])
            return
        self._field += data[start:end]
        if len(self._field) > _FIELD_BYTES:
            raise Invalid(f"{self._name[:80]}: longer than {_FIELD_BYTES} bytes")

    def _end(self) -> None:
        if self._name and self._name != FILE:
            self.fields[self._name] = _text(bytes(self._field), self._name)

    def _finish(self) -> None:
        self.complete = True


def _boundary(exchange: Exchange) -> bytes:
    kind, options = parse_options_header(exchange.header(b"content-type"))
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Invalid("body: send a form as multipart/form-data, with its boundary in the header Content-Type")
    return boundary


def _text(value: bytes, what: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as problem:
        raise Invalid(f"{what[:80]}: it is not UTF-8") from problem
