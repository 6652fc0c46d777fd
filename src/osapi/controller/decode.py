"""From path, query and body to one request model.

Values of path and query are text and may stand for numbers, booleans, times; values of a JSON body must have
the type of their field. Unknown names are ignored, as the REST contract has it.

A request for hosts may hold references to facts (`contract.references`). Only then is it read by the lenient twin of
its model: what a reference stands for is checked on each host.
"""

from __future__ import annotations

import types
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from osapi.contract import masking, references
from osapi.contract.accepting import accepting
from osapi.contract.errors import Invalid
from osapi.controller import faults

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})

_QUERY_FIELDS = 200
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def takes_body(method: str, model: type[msgspec.Struct], path_names: Collection[str]) -> bool:
    """Whether a request comes as a body: always with POST, PUT and PATCH.

    With DELETE, whose body means nothing in RFC 9110, only if the path does not name all that it needs.
    """
    if method in BODY_METHODS:
        return True
    fields = msgspec.structs.fields(model)
    return method == "DELETE" and any(field.required and field.encode_name not in path_names for field in fields)


class _Shape:
    """A model with the types of its fields by their names on the wire."""

    def __init__(self, model: type[msgspec.Struct]) -> None:
        self.model = model
        self.types = {field.encode_name: field.type for field in msgspec.structs.fields(model)}


class RequestReader:
    """Reads requests of one model. `path_names` are the fields that stand in the path, in its order.

    `for_hosts` tells whether texts may hold references to facts.
    """

    def __init__(self, model: type[msgspec.Struct], path_names: Iterable[str], *, for_hosts: bool = False) -> None:
        self._strict = _Shape(model)
        self._for_hosts = for_hosts
        self._path_names = tuple(path_names)
        self._tag = model.__struct_config__.tag_field
        missing = [name for name in self._path_names if name not in self._strict.types]
        if missing:
            raise ValueError(f"{model.__name__} has no field {missing[0]!r}, which its path names")
        if any(masking.holds(self._strict.types[name]) for name in self._path_names):
            raise ValueError(f"{model.__name__}: a secret in a path would be written to logs; take it from the body")
        self._constant = model() if not self._strict.types else None

    @property
    def required(self) -> frozenset[str]:
        """The fields without which there is no request."""
        return frozenset(field.encode_name for field in msgspec.structs.fields(self._strict.model) if field.required)

    def read(self, path: tuple[str, ...], query: bytes, body: bytes | None) -> msgspec.Struct:
        """The request. `body` None means that there is none and the query counts instead.

        Raises `Invalid`, naming field, value and remedy.
        """
        if self._constant is not None:
            if body:
                _object(body)
            return self._constant
        values = self._from_query(query) if body is None else self._from_body(body)
        for name, text in zip(self._path_names, path, strict=True):
            values[name] = self._from_text(name, [text])
        return self._converted(values)

    def read_texts(self, given: Mapping[str, str]) -> msgspec.Struct:
        """The request from the fields of a form, which are text like those of a query. Raises as `read`."""
        values = {name: self._from_text(name, [text]) for name, text in given.items() if name in self._strict.types}
        return self._converted(values)

    def _converted(self, values: dict[str, Any]) -> msgspec.Struct:
        model = self._strict.model
        if self._for_hosts and references.used(values, model):
            references.check(values, model)
            model = self._lenient.model
        try:
            return msgspec.convert(values, model, dec_hook=masking.read)
        except msgspec.ValidationError as fault:
            raise faults.explain(fault, values, self._strict.types) from fault

    @cached_property
    def _lenient(self) -> _Shape:
        return _Shape(accepting(self._strict.model))

    def _from_body(self, body: bytes) -> dict[str, Any]:
        content = _object(body) if body else {}
        return {name: value for name, value in content.items() if name in self._strict.types or name == self._tag}

    def _from_query(self, query: bytes) -> dict[str, Any]:
        given: dict[str, list[str]] = {}
        for name, text in query_pairs(query):
            if name in self._strict.types:
                given.setdefault(name, []).append(text)
        return {name: self._from_text(name, texts) for name, texts in given.items()}

    def _from_text(self, name: str, texts: list[str]) -> Any:
        shape = self._lenient if self._for_hosts and references.holds(texts) else self._strict
        wanted = shape.types[name]
        value: Any = texts
        if not _is_list(wanted):
            if len(texts) > 1:
                raise Invalid(f"{name}: given {len(texts)} times; give it once", details={"field": name})
            value = texts[0]
        try:
            return msgspec.to_builtins(_read(value, wanted))
        except msgspec.ValidationError as fault:
            raise faults.explain(fault, {name: value}, self._strict.types, root=name) from fault


def _read(text: Any, wanted: Any) -> Any:
    found = msgspec.convert(text, wanted, strict=False)
    # A moment is told as RFC 3339 only; read leniently, a number would be seconds since 1970.
    return msgspec.convert(text, wanted) if isinstance(found, datetime) else found


def query_pairs(query: bytes) -> list[tuple[str, str]]:
    """The names and values of a query string. Raises `Invalid` when it is no UTF-8 or has too many parts."""
    if not query:
        return []
    try:
        return parse_qsl(query.decode(), keep_blank_values=True, errors="strict", max_num_fields=_QUERY_FIELDS)
    except ValueError as problem:
        raise Invalid(f"query: not UTF-8 in percent encoding, or more than {_QUERY_FIELDS} parts") from problem


def _object(body: bytes) -> dict[str, Any]:
    try:
        return _decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise Invalid(f"body: {problem}; send one JSON object") from problem


def _is_list(wanted: Any) -> bool:
    origin = get_origin(wanted)
    if origin is Annotated:
        return _is_list(get_args(wanted)[0])
    if origin in (Union, types.UnionType):
        return any(_is_list(option) for option in get_args(wanted))
    return (origin or wanted) in (list, tuple, set, frozenset)
