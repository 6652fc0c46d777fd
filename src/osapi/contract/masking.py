"""Models that hold secrets: read from outside, written with masks, taken apart and put together again.

On the wire a secret is text like any other. In a stored request a mask stands in its place, and its value is kept apart
under its place: the path in the request, its parts joined by `/` as in JSON Pointer (RFC 6901), without the first one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin

import msgspec

from osapi.contract.secret import MASK, Secret

T = TypeVar("T")


def read(kind: type[Any], value: Any) -> Any:
    """Make a secret of what was sent: `dec_hook` wherever a request is decoded."""
    if issubclass(kind, Secret):
        return kind.checked(value)
    raise NotImplementedError(f"{kind.__name__} cannot be read from outside")


def reveal(value: Any) -> Any:
    """The text of a secret: `enc_hook` where a request goes to the controller, and nowhere else."""
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"{type(value).__name__} cannot be sent")


def holds(annotation: Any) -> bool:
    """Whether values of this type may hold secrets, at any depth."""
    if get_origin(annotation) is Annotated:
        return holds(get_args(annotation)[0])
    if isinstance(annotation, type):
        if issubclass(annotation, msgspec.Struct):
            return model_holds(annotation)
        return issubclass(annotation, Secret)
    return any(holds(part) for part in get_args(annotation))


@functools.cache
def model_holds(model: type[msgspec.Struct]) -> bool:
    """Whether a request of this model may hold secrets. Models do not contain themselves."""
    return any(holds(field.type) for field in msgspec.structs.fields(model))


def found_in(request: msgspec.Struct) -> dict[str, Secret]:
    """The secrets of a request by their place, in order; empty when it holds none."""
    if not model_holds(type(request)):
        return {}
    return {"/".join(map(_escaped, path)): secret for path, secret in _walk(request, ())}


def filled(raw: bytes, values: Mapping[str, str], model: type[T]) -> T:
    """A request with masks, put together with its secrets.

    Raises `msgspec.ValidationError` when it does not fit the model, also when a secret is missing, and `KeyError` with
    the place when there is no mask where a secret belongs.
    """
    if values:
        content = msgspec.json.decode(raw)
        for place, value in values.items():
            _put(content, place, value)
        raw = msgspec.json.encode(content)
    return msgspec.json.decode(raw, type=model, dec_hook=read)


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Secret]]:
    match value:
        case Secret():
            yield path, value
        case msgspec.Struct():
            for name, field in zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True):
                yield from _walk(getattr(value, field), (*path, name))
        case dict():
            for key, inner in cast("dict[str, Any]", value).items():
                yield from _walk(inner, (*path, str(key)))
        case list() | tuple():
            for number, inner in enumerate(cast("Iterable[Any]", value)):
                yield from _walk(inner, (*path, str(number)))
        case _:
            pass


def _mask(value: Any) -> str:
    if isinstance(value, Secret):
        return MASK
    raise NotImplementedError(f"{type(value).__name__} cannot be stored")


masked = msgspec.json.Encoder(enc_hook=_mask).encode
"""A request as JSON, with masks."""


def _put(content: Any, place: str, value: str) -> None:
    *steps, last = [part.replace("~1", "/").replace("~0", "~") for part in place.split("/")]
    try:
        for step in steps:
            content = content[_key(content, step)]
        key = _key(content, last)
        is_mask = content[key] == MASK
    except (KeyError, IndexError, TypeError, ValueError) as problem:
        raise KeyError(place) from problem
    if not is_mask:
        raise KeyError(place)
    content[key] = value


def _key(content: Any, step: str) -> Any:
    return int(step) if isinstance(content, list) else step


def _escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
