"""Types and defaults as source text, and the imports that the text needs."""

from __future__ import annotations

import enum
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from osapi.contract.secret import Secret


class Ungeneratable(Exception):
    """Something declared has a shape that cannot be written down; the message says what and why."""


class Imports:
    """The modules that a file needs. `osapi.domains.sysctl.models` is written `sysctl_models`."""

    def __init__(self) -> None:
        self._modules: set[str] = set()

    def name(self, module: str, qualified: str) -> str:
        """How the file writes something of that module."""
        self._modules.add(module)
        return f"{_alias(module)}.{qualified}"

    def foreign(self) -> list[str]:
        """Import statements for modules that are not ours."""
        return [f"import {module}" for module in sorted(self._modules) if not _is_ours(module)]

    def own(self) -> list[str]:
        """Import statements for our modules."""
        parts = [(module.rpartition("."), _alias(module)) for module in sorted(self._modules) if _is_ours(module)]
        return [f"from {package} import {last} as {alias}" for (package, _, last), alias in parts]


def spell(annotation: Any, imports: Imports) -> str:
    """A type as source text."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is None or annotation is types.NoneType:
        return "None"
    if origin is Annotated:
        return spell(arguments[0], imports)
    if origin in (Union, types.UnionType):
        return " | ".join(spell(argument, imports) for argument in arguments)
    if origin is Literal:
        return f"{imports.name('typing', 'Literal')}[{', '.join(quote(argument) for argument in arguments)}]"
    if origin is not None:
        inner = ", ".join("..." if argument is ... else spell(argument, imports) for argument in arguments)
        return f"{spell(origin, imports)}[{inner}]"
    return imports.name("typing", "Any") if annotation is Any else _spell_class(annotation, imports)


def parameter(one: FieldInfo, imports: Imports) -> str:
    """Type and default of a keyword argument that stands for a field of a request."""
    annotation, kind = spell(one.type, imports), container(one.type)
    if kind is list:
        annotation = f"{annotation} | tuple[{spell(get_args(bare(one.type))[0], imports)}, ...]"
    if one.default_factory is not msgspec.NODEFAULT:
        return _made_default(one, annotation, kind)
    return annotation if one.default is msgspec.NODEFAULT else f"{annotation} = {_default(one, imports)}"


def argument(one: FieldInfo, imports: Imports) -> str:
    """The value of the field, made of the keyword argument."""
    kind, secret = container(one.type), secret_in(one.type)
    if secret is not None:
        return _secret(one, _spell_name(secret, imports), kind)
    if kind is list:
        return f"list({one.name})"
    if kind is dict and one.default_factory is not msgspec.NODEFAULT:
        return f"{one.name} or {{}}"
    return one.name


def container(annotation: Any) -> Any:
    """`list` or `dict` when the type is one of these itself; None for anything else."""
    origin = get_origin(bare(annotation))
    return origin if origin in (list, dict) else None


def bare(annotation: Any) -> Any:
    """The type without what is annotated to it."""
    return bare(get_args(annotation)[0]) if get_origin(annotation) is Annotated else annotation


def secret_in(annotation: Any) -> type[Secret] | None:
    """The kind of secret that the field holds, perhaps as one of a list or as alternative to None; None for others."""
    plain = bare(annotation)
    if isinstance(plain, type):
        return plain if issubclass(plain, Secret) else None
    return next(filter(None, map(secret_in, get_args(plain))), None)


def describe(annotation: Any) -> str:
    """What the model says about a field: every `Meta(description=…)` on its type, one after another."""
    if get_origin(annotation) is not Annotated:
        return ""
    inner, *metas = get_args(annotation)
    told = [meta.description for meta in metas if isinstance(meta, msgspec.Meta) and meta.description]
    return " ".join([*told, describe(inner)]).strip()


def quote(value: Any) -> str:
    """A constant as source text, texts in double quotes."""
    if not isinstance(value, str):
        return repr(value)
    return '"' + value.encode("unicode_escape").decode().replace('"', '\\"') + '"'


def _spell_class(annotation: Any, imports: Imports) -> str:
    if not isinstance(annotation, type):
        raise Ungeneratable(f"the type {annotation!r} cannot be written down")
    if annotation is list:
        return imports.name("builtins", "list")
    if secret_in(annotation) is not None:
        return "str"
    return annotation.__name__ if annotation.__module__ == "builtins" else _spell_name(annotation, imports)


def _spell_name(annotation: type[Any], imports: Imports) -> str:
    return imports.name(annotation.__module__, annotation.__qualname__)


def _secret(one: FieldInfo, kind: str, container: Any) -> str:
    if container is list:
        return f"[{kind}(text) for text in {one.name}]"
    return f"{kind}({one.name})" if one.required else f"None if {one.name} is None else {kind}({one.name})"


def _made_default(one: FieldInfo, annotation: str, kind: Any) -> str:
    if kind is list:
        return f"{annotation} = ()"
    if kind is dict:
        return f"{annotation} | None = None"
    raise Ungeneratable(f"the default of the field {one.name} cannot be written down")


def _default(one: FieldInfo, imports: Imports) -> str:
    value: Any = one.default
    if isinstance(value, enum.Enum):
        return f"{_spell_name(type(value), imports)}.{value.name}"
    if value is None or isinstance(value, str | int | float):
        return quote(value)
    raise Ungeneratable(f"the default of the field {one.name} cannot be written down")


def _alias(module: str) -> str:
    return "_".join(module.split(".")[-2:]) if _is_ours(module) else module


def _is_ours(module: str) -> bool:
    return module.startswith("osapi.")
