"""All settings as a flat list of keys, found by walking the models once.

From it follow the names of environment variables, the hints for misspelt keys, and the reference page.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

import msgspec

from osapi.config.fields import SENSITIVE
from osapi.config.settings import Settings

PREFIX = "OSAPI_"


@dataclass(frozen=True)
class Key:
    """One setting. `variable` is None for maps and lists of records, which the environment cannot hold."""

    path: tuple[str, ...]
    type: Any
    """The annotation, with its constraints."""
    default: Any
    description: str
    secret: bool
    variable: str | None

    @property
    def name(self) -> str:
        return ".".join(self.path)


@functools.cache
def all_keys() -> tuple[Key, ...]:
    """Every setting, in the order of the models."""
    return tuple(_walk(Settings, ()))


def variable_of(path: tuple[str, ...]) -> str:
    """Name of the environment variable for a key: `controller.api.port` is OSAPI_CONTROLLER_API_PORT."""
    return PREFIX + "_".join(path).upper()


def bare(annotation: Any) -> Any:
    """The type without its constraints and description."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def is_section(annotation: Any) -> bool:
    """Whether the type is a model of its own."""
    kind = bare(annotation)
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def is_secret(annotation: Any) -> bool:
    """Whether no message may repeat a value of this type."""
    return any((meta.extra or {}).get(SENSITIVE) for meta in _metas(annotation))


def default_of(field: msgspec.structs.FieldInfo) -> Any:
    """The field's default; `msgspec.NODEFAULT` when it must be given."""
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _walk(model: type[msgspec.Struct], above: tuple[str, ...]) -> Iterator[Key]:
    for field in msgspec.structs.fields(model):
        path = (*above, field.name)
        if is_section(field.type):
            yield from _walk(bare(field.type), path)
            continue
        yield Key(
            path=path,
            type=field.type,
            default=default_of(field),
            description=next((meta.description for meta in _metas(field.type) if meta.description), ""),
            secret=is_secret(field.type),
            variable=variable_of(path) if _fits_in_text(bare(field.type)) else None,
        )


def _metas(annotation: Any) -> list[msgspec.Meta]:
    return [extra for extra in get_args(annotation)[1:] if isinstance(extra, msgspec.Meta)]


def _fits_in_text(kind: Any) -> bool:
    if get_origin(kind) is list:
        return not is_section(get_args(kind)[0])
    return get_origin(kind) is not dict
