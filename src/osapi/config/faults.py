"""What is wrong with the settings, told so that it can be put right: key, value, and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import inspect

from osapi.config import duration
from osapi.config.keys import all_keys, bare, is_secret
from osapi.contract.errors import Invalid

_LONGEST_SHOWN = 60


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. `value` is as given, or a placeholder for secrets; `text` is for people."""

    key: str
    value: str
    text: str


def refused(path: tuple[str, ...], raw: object, use: str, *, secret: bool = False) -> Fault:
    """The value is not allowed; `use` names what is."""
    value = "this value" if secret else _shown(raw)
    return Fault(_name(path), value, f"{value} is not allowed; use {use}")


def missing(path: tuple[str, ...], annotation: Any) -> Fault:
    """An entry of a list or map lacks a field."""
    return Fault(_name(path), "", f"is missing; give {allowed(annotation, None)}")


def unknown(path: tuple[str, ...], siblings: Collection[str]) -> Fault:
    """There is no such key; names the nearest one, beside it or anywhere.

    The field's product ignores unknown keys, so that a misspelt one goes unnoticed; see docs/compatibility.md.
    """
    near = difflib.get_close_matches(path[-1], siblings, n=1, cutoff=0.6)
    if near:
        hint = f"did you mean {_name((*path[:-1], near[0]))}?"
    else:
        same_end = [key.name for key in all_keys() if key.path[-1] == path[-1]]
        close = same_end or difflib.get_close_matches(_name(path), [key.name for key in all_keys()], n=1, cutoff=0.75)
        hint = f"did you mean {close[0]}?" if close else f"allowed here: {', '.join(sorted(siblings))}"
    return Fault(_name(path), "", f"there is no such setting; {hint}")


def invalid(faults: Sequence[Fault], source: str) -> Invalid:
    """All faults in one error. `source` names the file, or says that there is none."""
    lines = [f"{fault.key}: {fault.text}" for fault in faults]
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return Invalid(
        "\n  ".join([f"the settings have {count} ({source}):", *lines]),
        details={"faults": [{"key": fault.key, "value": fault.value, "text": fault.text} for fault in faults]},
    )


def allowed(annotation: Any, raw: object) -> str:
    """What a value of this type may be, in words."""
    kind = bare(annotation)
    if kind is timedelta:
        return duration.ALLOWED
    if kind is bool:
        return "true or false"
    if get_origin(kind) is Literal:
        return " or ".join(str(value) or '""' for value in get_args(kind))
    if get_origin(kind) in (list, dict):
        return "a list" if get_origin(kind) is list else "names with a value each, one per line below the key"
    match inspect.type_info(annotation):
        case inspect.IntType(ge=low, le=high) | inspect.Metadata(type=inspect.IntType(ge=low, le=high)):
            return f"a whole number{_between(low, high)}"
        case inspect.FloatType(gt=above, ge=low) | inspect.Metadata(type=inspect.FloatType(gt=above, ge=low)):
            return f"a number above {above:g}" if above is not None else f"a number{_between(low, None)}"
        case inspect.StrType(pattern=pattern) | inspect.Metadata(type=inspect.StrType(pattern=pattern)):
            return _text(pattern, raw, is_secret(annotation))
        case _:
            return "what the reference says"


def _text(pattern: str | None, raw: object, secret: bool) -> str:
    if raw is not None and not isinstance(raw, str | list | dict):
        return "text in quotes" if secret else f'text in quotes, as "{raw}"'
    return f"text that fits {pattern}" if pattern else "text that is not empty"


def _between(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low:.0f} to {high:.0f}"
    if low is not None:
        return f" of {low:g} or more"
    return ""


def _name(path: tuple[str, ...]) -> str:
    return ".".join(path) or "the file"


def _shown(raw: object) -> str:
    text = msgspec.json.encode(raw, enc_hook=str).decode()
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
