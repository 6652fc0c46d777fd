"""Writes `_commands.py`: every derived command as plain data.

    python -m osapi.cli.generate [--check]

A command of the CLI needs no model and no domain at run time, only what stands in that table; importing
them would cost more than the whole exchange with the controller. Flags come from the fields of a request:
scalars, enums and lists of scalars. For a field of another shape the domain has a function of that name in
its `cli.py`, which makes the value of the texts given; without one the field is refused here.
"""

from __future__ import annotations

import enum
import importlib
import importlib.util
import sys
import types
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from osapi.cli import node
from osapi.cli.tree import shared_options
from osapi.contract.operation import Column, Followed, Kind, Lasting
from osapi.contract.secret import Secret
from osapi.sdk.generate.files import write
from osapi.sdk.generate.places import Place, places
from osapi.sdk.generate.spelling import Ungeneratable, bare, describe, quote

FILE = Path(__file__).parent / "_commands.py"
ROOT_WORD = "node"

_SHARED = (*shared_options(), *node.NODE_OPTIONS, *node.MODIFY_OPTIONS)
TAKEN = frozenset(name.removeprefix("--") for option in _SHARED for name in option.names) | {"help"}
"""Flags that commands below `client node` have anyway."""
_TAKEN_BY_OUTPUT = frozenset(name.removeprefix("--") for option in node.OUTPUT_OPTIONS for name in option.names)
"""Flags that those have besides which run a command on a host."""

_SCALARS: dict[Any, str] = {str: "text", int: "int", float: "float", bool: "switch"}
_OUTPUT_FIELDS = frozenset({"stdout", "stderr", "exit_code"})


def text(declared: Iterable[Place]) -> str:
    """The whole file. Raises `Ungeneratable`."""
    found = sorted(declared, key=lambda place: place.operation.command)
    commands = [line for place in found for line in _entry(place, found)]
    groups = [f"    {quote(words)}: {quote(told)}," for words, told in sorted(_groups(found).items())]
    return "\n".join(
        [
            '"""Every command below `osapi client` that is derived from an operation. Written by `osapi.cli.generate`; do not edit.',
            "",
            "The meaning of each value stands in `node.py`.",
            '"""',
            "",
            "# fmt: off",
            "",
            "from __future__ import annotations",
            "",
            "from typing import Any",
            "",
            "GROUPS: dict[str, str] = {",
            *groups,
            "}",
            "",
            "COMMANDS: dict[str, dict[str, Any]] = {",
            *commands,
            "}",
            "",
        ]
    )


def _entry(place: Place, declared: Sequence[Place]) -> list[str]:
    operation = place.operation
    if operation.command[0] != ROOT_WORD or len(operation.command) < 2:
        raise Ungeneratable(f"{operation.name}: its command is not {ROOT_WORD!r} and further words")
    method, path = operation.route
    lines = [
        f'        "summary": {quote(operation.summary)},',
        f'        "method": {quote(method)},',
        f'        "path": {quote(path)},',
        f'        "permission": {quote(operation.permission)},',
        f'        "modifies": {operation.kind is Kind.MODIFY},',
        f'        "deadline_s": {operation.deadline.total_seconds()},',
        f'        "lasts": {_literal(_lasts(operation.request))},',
        f'        "follows": {issubclass(operation.request, Followed)},',
        f'        "output": {_has_output(operation.result)},',
        *_block("flags", (_flag(place, one) for one in _fields(operation.request))),
        *_block("columns", (_column(column) for column in operation.columns)),
        *_block("details", (_column(column) for column in _details(place, declared))),
    ]
    return [f"    {quote(' '.join(operation.command))}: {{", *lines, "    },"]


def _lasts(model: type[msgspec.Struct]) -> tuple[str, tuple[tuple[str, int], ...]] | tuple[()]:
    """What the request says about how long it lasts: the switch that has to be set, and the fields with defaults."""
    if not issubclass(model, Lasting):
        return ()
    defaults = {one.name: one.default for one in msgspec.structs.fields(model)}
    return (model.WHEN, tuple((name, defaults[name]) for name in model.SECONDS))


def _fields(model: type[msgspec.Struct]) -> list[FieldInfo]:
    """Required ones first, as the help shows them."""
    return sorted(msgspec.structs.fields(model), key=lambda one: not one.required)


def _block(name: str, lines: Iterable[str]) -> list[str]:
    inner = [f"            {line}," for line in lines]
    return [f'        "{name}": (', *inner, "        ),"] if inner else [f'        "{name}": (),']


def _flag(place: Place, one: FieldInfo) -> str:
    operation = place.operation
    name = _extra(one.type).get("flag") or one.name.replace("_", "-")
    if name in TAKEN or (name in _TAKEN_BY_OUTPUT and _has_output(operation.result)):
        raise Ungeneratable(f'{operation.name}: the flag --{name} is taken; give {one.name} Meta(extra={{"flag": …}})')
    try:
        kind, choices = _made(place, one.name) or _kind(one.type)
        if kind == "switch" and one.default is not False:
            kind = "toggle"
    except Ungeneratable as problem:
        raise Ungeneratable(f"{operation.name}: {one.name}: {problem}") from problem
    usual = _extra(one.type).get("flag_default")
    """What the command sends unless told otherwise, for a field that the API requires."""
    default, required = (_default(one), one.required) if usual is None else (usual, False)
    values: tuple[Any, ...] = (name, one.encode_name, kind, required, default, choices, describe(one.type))
    if usual is not None:
        values = (*values, True)
    return f"({', '.join(_literal(value) for value in values)})"


def _made(place: Place, field: str) -> tuple[str, tuple[str, ...]] | None:
    """The function of the domain that makes the value of this field; None when it has none."""
    module = f"{place.module.rpartition('.')[0]}.cli"
    if importlib.util.find_spec(module) is None or not hasattr(importlib.import_module(module), field):
        return None
    return f"{module}:{field}", ()


def _kind(annotation: Any) -> tuple[str, tuple[str, ...]]:
    """How the flag reads its value, and the values allowed (empty: any)."""
    plain = bare(annotation)
    origin, arguments = get_origin(plain), get_args(plain)
    if origin in (Union, types.UnionType):
        wanted = [one for one in arguments if one not in (types.NoneType, msgspec.UnsetType)]
        if len(wanted) == 1:
            return _kind(wanted[0])
    if origin is dict and arguments[0] is str:
        return "pair-list", ()
    if origin is list:
        kind, choices = _kind(arguments[0])
        if kind in ("text", "int", "float", "secret"):
            return f"{kind}-list", choices
    if origin is Literal and all(isinstance(one, str) for one in arguments):
        return "text", arguments
    if isinstance(plain, type) and issubclass(plain, enum.Enum):
        return "text", tuple(str(member.value) for member in plain)
    if isinstance(plain, type) and issubclass(plain, Secret):
        return "secret", ()
    if plain in _SCALARS:
        return _SCALARS[plain], ()
    raise Ungeneratable(f"no flag can hold {plain!r}; give the domain a cli.py with a function of that name")


def _default(one: FieldInfo) -> Any:
    """What the help shows; None where nothing needs to be said."""
    value: Any = one.default
    if value in (msgspec.NODEFAULT, msgspec.UNSET, "", {}):
        return None
    return value.value if isinstance(value, enum.Enum) else value


def _extra(annotation: Any) -> dict[str, Any]:
    if get_origin(annotation) is not Annotated:
        return {}
    inner, *metas = get_args(annotation)
    found = _extra(inner)
    for meta in metas:
        if isinstance(meta, msgspec.Meta):
            found |= meta.extra or {}
    return found


def _has_output(result: Any) -> bool:
    names: tuple[str, ...] = getattr(result, "__struct_encode_fields__", ())
    return _OUTPUT_FIELDS.issubset(names)


def _column(column: Column) -> str:
    return f"({quote(column.title)}, {quote(column.path)}, {quote(column.format.value)})"


def _details(place: Place, declared: Sequence[Place]) -> list[Column]:
    """What is shown of one host alone, where the result holds lists that no column of the command shows.

    How to show a part is taken from the commands of the domain that show nothing else.
    """
    own, result = place.operation.columns, place.operation.result
    if get_origin(result) is list or not issubclass(result, msgspec.Struct):
        return []
    fields = [one.encode_name for one in msgspec.structs.fields(result)]
    others = [column for one in declared if one.module == place.module for column in one.operation.columns]
    parts = {name: [column for column in others if _part(column) == name] for name in fields}
    shown = {_part(column) for column in own}
    if not any(name not in shown and any("[]" in column.path for column in parts[name]) for name in fields):
        return []
    return [
        column
        for name in fields
        for column in dict.fromkeys(parts[name])
        if column not in own or "." not in column.path
    ]


def _part(column: Column) -> str:
    """The field of the result that a column shows something of."""
    return column.path.partition(".")[0].removesuffix("[]")


def _groups(found: Iterable[Place]) -> dict[str, str]:
    """A line of help for each group: what its domain says about itself, else what its commands do or its groups are."""
    places = list(found)
    inside: dict[str, list[Place]] = {}
    for place in places:
        for count in range(2, len(place.operation.command)):
            inside.setdefault(" ".join(place.operation.command[:count]), []).append(place)
    return {words: _help(words, below) for words, below in inside.items()}


def _help(words: str, below: Sequence[Place]) -> str:
    domains = dict.fromkeys(place.module.split(".")[-2] for place in below)
    depth = len(words.split())
    has_groups = any(len(place.operation.command) > depth + 1 for place in below)
    if words.rsplit(maxsplit=1)[-1] in domains or (has_groups and len(domains) == 1):
        return _first_line(f"osapi.domains.{next(iter(domains))}")
    if has_groups:
        return f"Commands on {', '.join(dict.fromkeys(place.operation.command[depth] for place in below))}."
    return " ".join(place.operation.summary for place in below)


def _first_line(module: str) -> str:
    return (importlib.import_module(module).__doc__ or "").strip().partition("\n")[0]


def _literal(value: Any) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(_literal(one) for one in value)  # pyright: ignore[reportUnknownVariableType]
        return f"({inner},)" if len(value) == 1 else f"({inner})"  # pyright: ignore[reportUnknownArgumentType]
    return quote(value)


if __name__ == "__main__":
    sys.exit(write({FILE: text(places())}, check="--check" in sys.argv[1:]))
