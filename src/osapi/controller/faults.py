"""Why a request was not understood, in words that name the field, the value, and what would be right.

msgspec says what it expected and where (``Expected `int` <= 300 - at `$.timeout` ``); the rest is added here
from the values sent and from the descriptions of the model. A value that may hold a secret is not told.
"""

from __future__ import annotations

import enum
import re
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from osapi.contract import masking
from osapi.contract.errors import Invalid

_FORM = re.compile(r"(?P<text>.*?)(?: - at `\$?(?P<path>.*)`)?", re.DOTALL)
_NO_TIME = "Invalid RFC3339 encoded datetime"
_MISSING = re.compile(r"Object missing required field `(.+)`")
_GOT = re.compile(r", got `[^`]*`$")
_TYPE = re.compile(r"`([^`]*)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[\.\.\.\]")
_SHOWN = 80
_HIDDEN = "what was sent (not shown, for it may hold a secret)"

_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "datetime": "a time such as 2026-01-31T12:00:00Z",
    "uuid": "a UUID",
}


def explain(
    fault: msgspec.ValidationError, values: Mapping[str, Any], fields: Mapping[str, Any], *, root: str = ""
) -> Invalid:
    """The failure to tell. `fields` are the types of the model by name.

    `root` is the field that was converted alone, for then msgspec's path begins below it.
    """
    match = _FORM.fullmatch(str(fault))
    text, path = (match["text"], match["path"] or "") if match else (str(fault), "")
    text = "Expected `datetime`" if text == _NO_TIME else text
    steps = [root, *_steps(path)] if root else _steps(path)
    missing = _MISSING.fullmatch(text)
    if missing:
        where = _spell([*steps, missing[1]])
        return Invalid(f"{where}: missing; it is required", details={"field": where})
    where = _spell(steps)
    details = {"field": where} if where else None
    if not (text.startswith(("Expected", "Invalid enum value"))):
        return Invalid(f"{where}: {text}" if where else text, details=details)
    shown = _HIDDEN if steps and masking.holds(fields.get(str(steps[0]))) else _show(steps, values)
    return Invalid(
        f"{where or 'body'}: {shown} is not allowed; {_remedy(text, _field_types(steps, fields))}", details=details
    )


def _steps(path: str) -> list[str | int]:
    return [_step(found) for found in _STEP.finditer(path)]


def _step(found: re.Match[str]) -> str | int:
    if found[1] is not None:
        return found[1]
    return int(found[2]) if found[2] is not None else "..."


def _spell(steps: list[str | int]) -> str:
    parts = [f"[{step}]" if isinstance(step, int) or step == "..." else f".{step}" for step in steps]
    return "".join(parts).removeprefix(".")


def _show(steps: list[str | int], values: Any) -> str:
    try:
        for step in steps:
            values = values[step]
    except (KeyError, IndexError, TypeError):
        return "a value in it"
    text = msgspec.json.encode(values).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _remedy(text: str, wanted: list[Any]) -> str:
    choices = list(_choices(wanted[0])) if wanted else []
    if choices:
        return f"expected one of {', '.join(choices)}"
    if "matching regex" in text:
        for description in map(_description, wanted):
            if description:
                return f"what belongs there: {description}"
    words = _GOT.sub("", text.removeprefix("Expected "))
    words = _TYPE.sub(lambda found: " or ".join(_WORDS.get(name, name) for name in found[1].split(" | ")), words)
    return f"expected {words}"


def _field_types(steps: list[str | int], fields: Mapping[str, Any]) -> list[Any]:
    """The type of what is at fault and of all that it is in, the innermost first; none where they are not known."""
    found: list[Any] = []
    for step in steps:
        found.insert(0, _within(found[0], step) if found else fields.get(str(step)))
        if found[0] is None:
            return []
    return found


def _within(outer: Any, step: str | int) -> Any:
    """The type of an entry of a list, or of a field of a record."""
    bare = get_args(outer)[0] if get_origin(outer) is Annotated else outer
    if isinstance(step, int):
        return get_args(bare)[0] if get_origin(bare) is list else None
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        return {one.encode_name: one.type for one in msgspec.structs.fields(bare)}.get(step)
    return None


def _choices(wanted: Any) -> Iterator[str]:
    if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        yield from (str(member.value) for member in wanted)
    elif get_origin(wanted) is Literal:
        yield from (str(value) for value in get_args(wanted))
    elif get_origin(wanted) in (Annotated, Union, types.UnionType):
        for option in get_args(wanted):
            yield from _choices(option)


def _description(wanted: Any) -> str:
    if get_origin(wanted) is not Annotated:
        return ""
    metas = [meta for meta in get_args(wanted)[1:] if isinstance(meta, msgspec.Meta)]
    text = " ".join(meta.description.rstrip(".") for meta in metas if meta.description)
    examples = [example for meta in metas for example in meta.examples or ()]
    if examples:
        text += f", for example {msgspec.json.encode(examples[0]).decode()}"
    return text
