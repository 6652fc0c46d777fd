"""The lenient twin of a request model: its texts may hold references to facts where their rules would not let them.

A controller cannot know what a reference will stand for, so the rules of a text that holds one wait for the agent,
and so do rules between fields (`__post_init__`). Everything else of the model stays as it is.
"""

from __future__ import annotations

import enum
import functools
import re
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from osapi.contract import masking, references

_MARK = re.escape("@fact.")


@functools.cache
def accepting(model: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The twin, a subclass of `model` that is encoded in the same way; a model without texts is its own."""
    fields = [(one.name, lenient, _same_but_type(one)) for one, lenient in _changed(model)]
    if not fields:
        return model
    return msgspec.defstruct(
        model.__name__, fields, bases=(model,), namespace={"__post_init__": _leave_to_the_agent}, kw_only=True
    )


def stored(raw: bytes, model: type[msgspec.Struct], secrets: Mapping[str, str]) -> msgspec.Struct:
    """A request as it was submitted, references and all, with its secrets by their place. Raises as `masking.filled`."""
    return masking.filled(raw, secrets, accepting(model) if b"@fact." in raw else model)


def _leave_to_the_agent(_: msgspec.Struct) -> None:
    """Rules between fields are for values, not for references."""


def _changed(model: type[msgspec.Struct]) -> Iterator[tuple[FieldInfo, Any]]:
    for one in msgspec.structs.fields(model):
        lenient = one.type if references.mode_of(one.type) == references.NEVER else _lenient(one.type)
        if lenient != one.type:
            yield one, lenient


def _same_but_type(one: FieldInfo) -> Any:
    if one.default_factory is not msgspec.NODEFAULT:
        return msgspec.field(default_factory=one.default_factory, name=one.encode_name)
    return msgspec.field(default=one.default, name=one.encode_name)


def _lenient(wanted: Any) -> Any:
    """The type, with every text in it free to hold a reference."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is Annotated:
        inner, *metas = arguments
        if inner is str:
            return _text(metas)
        return Annotated[(_lenient(inner), *metas)]
    if origin in (Union, types.UnionType):
        return Union[tuple(_lenient(one) for one in arguments)]  # noqa: UP007 - the members are values here
    if origin in (list, tuple, set, frozenset):
        return types.GenericAlias(origin, tuple(one if one is ... else _lenient(one) for one in arguments))
    if origin is dict:
        name, value = arguments
        return types.GenericAlias(dict, (name, _lenient(value)))
    return _plain(wanted)


def _plain(wanted: Any) -> Any:
    if get_origin(wanted) is Literal and all(isinstance(one, str) for one in get_args(wanted)):
        return _one_of(get_args(wanted))
    if _is_kind_of(wanted, enum.Enum):
        words: list[Any] = [member.value for member in wanted]
        return _one_of(words) if all(isinstance(word, str) for word in words) else wanted
    if _is_kind_of(wanted, msgspec.Struct):
        return accepting(wanted)
    return wanted


def _is_kind_of(wanted: Any, base: type) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, base)


def _one_of(words: Sequence[str]) -> Any:
    return _text([msgspec.Meta(pattern=rf"^(?:{'|'.join(map(re.escape, words))})$(?!\n)")])


def _text(metas: Sequence[Any]) -> Any:
    """A text that holds a reference, or keeps to the rules. All patterns of models begin with `^`."""
    rules = [meta for meta in metas if isinstance(meta, msgspec.Meta)]
    pattern = next((meta.pattern for meta in rules if meta.pattern), "")
    low = max((meta.min_length or 0 for meta in rules), default=0)
    high = min((meta.max_length for meta in rules if meta.max_length is not None), default="")
    if not pattern and not low and high == "":
        return str
    return Annotated[str, msgspec.Meta(pattern=rf"{_MARK}|\A(?=[\s\S]{{{low},{high}}}\Z)(?:{pattern})")]
