"""Every place in the request of an operation where a text can stand, found in its model."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from msgspec import inspect

from osapi.contract.operation import VERBATIM, Operation

Place = tuple[str, ...]
"""Way into a request: names of fields; `[]` is an entry of a list, `{}` a value of a map, `{key}` a key of it."""
LIST, VALUE, KEY = "[]", "{}", "{key}"


def model_of(operation: Operation[Any, Any]) -> inspect.Type:
    """The type of its request."""
    return _inspected(operation.request)


@functools.cache
def _inspected(model: type) -> inspect.Type:
    return inspect.type_info(model)


def places(operation: Operation[Any, Any]) -> list[Place]:
    """Every place for text, each once."""
    return list(dict.fromkeys(_walk(model_of(operation), ())))


def spelled(place: Place) -> str:
    """For people: `ports[].host`."""
    return ".".join(place).replace(".[]", "[]").replace(".{", "{")


def found(request: Any, place: Place) -> Any:
    """What stands there; None when nothing does."""
    for step in place:
        if step == LIST:
            request = request[0] if request else None
        elif step in (VALUE, KEY):
            request = next(iter(request.values() if step == VALUE else request), None) if request else None
        else:
            request = request.get(step) if isinstance(request, dict) else None
        if request is None:
            return None
    return request


def replaced(model: inspect.Type, request: Any, place: Place, text: str) -> Any:
    """The request with the text in that place; what leads there is made when it is missing."""
    if not place:
        return text
    step, rest = place[0], place[1:]
    if step == LIST:
        inner = _one(model, inspect.ListType | inspect.VarTupleType | inspect.SetType).item_type
        return [replaced(inner, request[0] if request else None, rest, text), *(request or [])[1:]]
    if step == KEY:
        return {text: next(iter((request or {"": ""}).values()))}
    if step == VALUE:
        inner = _one(model, inspect.DictType).value_type
        key, value = next(iter((request or {"key": None}).items()))
        return {key: replaced(inner, value, rest, text)}
    struct = _one(model, inspect.StructType)
    field = next(field for field in struct.fields if field.encode_name == step)
    base = request if isinstance(request, dict) else _required(struct)
    return {**base, step: replaced(field.type, base.get(step), rest, text)}


def _walk(model: inspect.Type, way: Place, above: tuple[type, ...] = ()) -> Iterator[Place]:
    """`above` are the structs on the way, so that one which holds others of its kind comes to an end."""
    match model:
        case inspect.Metadata():
            yield from _walk(model.type, way, above)
        case inspect.StrType() | inspect.AnyType() | inspect.RawType():
            yield way
        case inspect.UnionType():
            for option in model.types:
                yield from _walk(option, way, above)
        case inspect.ListType() | inspect.VarTupleType() | inspect.SetType() | inspect.FrozenSetType():
            yield from _walk(model.item_type, (*way, LIST), above)
        case inspect.DictType():
            yield from _walk(model.key_type, (*way, KEY), above)
            yield from _walk(model.value_type, (*way, VALUE), above)
        case inspect.StructType() if model.cls not in above:
            for field in model.fields:
                yield from _walk(field.type, (*way, field.encode_name), (*above, model.cls))
        case _:
            return


def is_verbatim(operation: Operation[Any, Any], place: Place) -> bool:
    """Whether what stands there is the caller's own program, argument or content, as its model says."""
    return any(_said(model_of(operation), place))


def _said(model: inspect.Type, place: Place) -> Iterator[bool]:
    """What the marks on the way say."""
    if isinstance(model, inspect.Metadata):
        yield VERBATIM in (model.extra or {})
        yield from _said(model.type, place)
    elif isinstance(model, inspect.UnionType):
        for option in model.types:
            yield from _said(option, place)
    elif place and isinstance(model, inspect.StructType):
        for field in model.fields:
            if field.encode_name == place[0]:
                yield from _said(field.type, place[1:])
    elif place and isinstance(model, inspect.DictType):
        yield from _said(model.key_type if place[0] == KEY else model.value_type, place[1:])
    elif place and isinstance(model, inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType):
        yield from _said(model.item_type, place[1:])


def _one(model: inspect.Type, kind: Any) -> Any:
    """The part of a type that is of that kind."""
    if isinstance(model, inspect.Metadata):
        return _one(model.type, kind)
    if isinstance(model, inspect.UnionType):
        return next(found for option in model.types if (found := _one(option, kind)) is not None)
    return model if isinstance(model, kind) else None


def _required(struct: inspect.StructType) -> dict[str, Any]:
    """A struct made of the examples of its fields."""
    return {field.encode_name: _example(field.type) for field in struct.fields if field.required}


def _example(model: inspect.Type) -> Any:
    if isinstance(model, inspect.Metadata):
        schema = model.extra_json_schema or {}
        return schema["examples"][0] if schema.get("examples") else _example(model.type)
    if isinstance(model, inspect.StructType):
        return _required(model)
    if isinstance(model, inspect.IntType):
        return model.ge or 0
    if isinstance(model, inspect.BoolType):
        return False
    return "x" if isinstance(model, inspect.StrType) else []
