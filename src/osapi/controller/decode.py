"""From path, query and body to one request model.

Values of path and query are text and may stand for numbers, booleans, times; values of a JSON body must have
the type of their field. Unknown names are ignored, as the REST contract has it.
"""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Annotated, Any, Union, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from osapi.contract import masking
from osapi.contract.errors import Invalid
from osapi.controller import faults

BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})

_QUERY_FIELDS = 200
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class RequestReader:
    """Reads requests of one model. `path_names` are the fields that stand in the path, in its order."""

    def __init__(self, model: type[msgspec.Struct], path_names: Iterable[str]) -> None:
        self._model = model
        self._types = {field.encode_name: field.type for field in msgspec.structs.fields(model)}
        self._path_names = tuple(path_names)
        self._tag = model.__struct_config__.tag_field
        missing = [name for name in self._path_names if name not in self._types]
        if missing:
            raise ValueError(f"{model.__name__} has no field {missing[0]!r}, which its path names")
        if any(masking.holds(self._types[name]) for name in self._path_names):
            raise ValueError(f"{model.__name__}: a secret in a path would be written to logs; take it from the body")
        self._constant = model() if not self._types else None

    def read(self, path: tuple[str, ...], query: bytes, body: bytes | None) -> msgspec.Struct:
        """The request. `body` None means that this method has none and the query counts instead.

        Raises `Invalid`, naming field, value and remedy.
        """
        if self._constant is not None:
            if body:
                _object(body)
            return self._constant
        values = self._from_query(query) if body is None else self._from_body(body)
        for name, text in zip(self._path_names, path, strict=True):
            values[name] = self._from_text(name, [text])
        try:
            return msgspec.convert(values, self._model, dec_hook=masking.read)
        except msgspec.ValidationError as fault:
            raise faults.explain(fault, values, self._types) from fault

    def _from_body(self, body: bytes) -> dict[str, Any]:
        content = _object(body) if body else {}
        return {name: value for name, value in content.items() if name in self._types or name == self._tag}

    def _from_query(self, query: bytes) -> dict[str, Any]:
        given: dict[str, list[str]] = {}
        for name, text in query_pairs(query):
            if name in self._types:
                given.setdefault(name, []).append(text)
        return {name: self._from_text(name, texts) for name, texts in given.items()}

    def _from_text(self, name: str, texts: list[str]) -> Any:
        wanted = self._types[name]
        value: Any = texts
        if not _is_list(wanted):
            if len(texts) > 1:
                raise Invalid(f"{name}: given {len(texts)} times; give it once", details={"field": name})
            value = texts[0]
        try:
            return msgspec.to_builtins(msgspec.convert(value, wanted, strict=False))
        except msgspec.ValidationError as fault:
            raise faults.explain(fault, {name: value}, self._types, root=name) from fault


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
