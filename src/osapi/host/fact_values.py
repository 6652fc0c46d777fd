"""What a file of custom facts says, as plain values within bounds. Pure."""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any

import msgspec

from osapi.contract.errors import Permanent

LONGEST = 4096
"""Characters of one text."""
MOST = 512
"""Values in one file."""
DEEPEST = 8

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INTEGERS = range(-(2**63), 2**63)


def parse(content: bytes, form: str) -> dict[str, Any]:
    """The facts of a file. `form` is `json`, `yaml`, `yml` or `txt`. Raises `Permanent` that says what is wrong."""
    if form == "json":
        found = _json(content)
    elif form == "txt":
        found = _lines(content)
    else:
        found = _yaml(content)
    if not isinstance(found, dict):
        raise Permanent("it must hold names and values, not a list or a single value")
    return _Cleaner().group(found, "")  # pyright: ignore[reportUnknownArgumentType] # whatever the file holds


def _json(content: bytes) -> Any:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise Permanent(f"it is no JSON: {problem}") from problem


def _yaml(content: bytes) -> Any:
    import yaml

    try:
        return yaml.load(content, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise Permanent(f"it is no YAML: {' '.join(str(problem).split())}") from problem


def _lines(content: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise Permanent(f"line {number} is not NAME=VALUE")
        found[name.strip()] = value.strip()
    return found


class _Cleaner:
    """Copies values within bounds; an alias of YAML that stands for itself many times counts each time."""

    def __init__(self) -> None:
        self._left = MOST

    def group(self, group: dict[Any, Any], where: str, depth: int = 1) -> dict[str, Any]:
        if depth > DEEPEST:
            raise Permanent(f"{where}: it is more than {DEEPEST} deep")
        for name in group:
            if not (isinstance(name, str) and _NAME.fullmatch(name)):
                raise Permanent(f"{where + '.' if where else ''}{name!s:.70}: names have letters, digits, _ and -")
        named = {name: self._value(value, f"{where}.{name}".lstrip("."), depth) for name, value in group.items()}
        return {name: value for name, value in named.items() if value is not None}

    def _value(self, value: Any, where: str, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise Permanent(f"it holds more than {MOST} values")
        if isinstance(value, dict):
            return self.group(value, where, depth + 1)  # pyright: ignore[reportUnknownArgumentType] # as above
        if isinstance(value, list):
            if depth > DEEPEST:
                raise Permanent(f"{where}: it is more than {DEEPEST} deep")
            return [self._value(one, where, depth + 1) for one in value]  # pyright: ignore[reportUnknownVariableType] # as above
        return _scalar(value, where)


def _scalar(value: Any, where: str) -> Any:
    if isinstance(value, date):  # what YAML makes of 2026-01-31
        return value.isoformat()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= LONGEST:
        return value
    if isinstance(value, int) and value in _INTEGERS:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    raise Permanent(
        f"{where}: use text of at most {LONGEST} characters, numbers of 64 bits, true, false, lists and groups"
    )
