"""The reference page of all settings, from the models in `osapi.config`."""

from __future__ import annotations

import enum
from datetime import timedelta
from typing import Any, Literal, get_args, get_origin

from osapi.config import duration
from osapi.config.faults import allowed
from osapi.config.keys import Key, all_keys, bare
from tools.markdown import code, table

_HEAD = """# Settings

Written by `./dev gen` from `osapi/config`; do not edit.

A YAML file (`--osapi-file`, `-f`; `/etc/osapi/osapi.yaml` unless told otherwise; none is needed) and the environment, which wins. Every key has a
default. Durations are written as `30s` or `1h30m`. An unknown key is refused.
"""


def page() -> str:
    """The whole page, one table per section of the file."""
    sections: dict[str, list[Key]] = {}
    for key in all_keys():
        sections.setdefault(".".join(key.path[:-1]), []).append(key)
    return _HEAD + "".join(_section(name, keys) for name, keys in sections.items())


def _section(name: str, keys: list[Key]) -> str:
    rows = [[code(key.path[-1]), _kind(key), _default(key), key.description, _variable(key)] for key in keys]
    title = f"`{name}`" if name else "The file itself"
    return f"\n## {title}\n\n" + table(["Key", "Value", "Default", "Meaning", "Environment"], rows)


def _kind(key: Key) -> str:
    kind = bare(key.type)
    if kind is timedelta:
        return "duration"
    if get_origin(kind) is Literal:
        return ", ".join(code(value or '""') for value in get_args(kind))
    if kind is str:
        return "text"
    return allowed(key.type, None)


def _default(key: Key) -> str:
    return "" if key.default in ("", [], {}, ()) else code(_text(key.default))


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case timedelta():
            return duration.text(value)
        case enum.Enum():
            return str(value.value)
        case _:
            return str(value)


def _variable(key: Key) -> str:
    return code(key.variable) if key.variable else "in the file only"
