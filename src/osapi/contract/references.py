"""References to facts in requests: `@fact.KEY` in any text stands for what each host tells of itself.

    @fact.hostname/x          the longest known key wins, and ends before a character that is no letter,
    @fact.hostname.conf       digit or `_`
    @fact.custom.NAME         a custom fact; whether there is one, only the host knows
    @@fact.x                  the text `@fact.x`: of the signs before `fact.`, two stand for one,
    root@@@fact.hostname      and one that is left over makes the reference

Names are replaced once, from left to right; what comes out is not looked at again. A field may say otherwise by
`Meta(extra={"references": …})`: `never` leaves its text alone (secrets), `plain` takes only values without
characters that mean something to a shell (text that an interpreter reads).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, cast, get_args

import msgspec

from osapi.contract import fact_keys, masking
from osapi.contract.errors import Invalid, Permanent
from osapi.contract.facts import HostFacts

EXTRA = "references"
NEVER = "never"
PLAIN = "plain"
LIMIT = 1 << 20
"""Characters that the references of one request may stand for together."""
DEEPEST = 50

_REFERENCE = re.compile(r"(@+)fact\.([A-Za-z0-9_.-]*)")
_END = re.compile(r"(?=[.-])|\Z")
_PLAIN = re.compile(r"[A-Za-z0-9@%+=:,./_-]*")

Replace = Callable[[str], tuple[str, str]]
"""From what follows `@fact.` to the key and the text that takes its place."""


def holds(value: Any) -> bool:
    """Whether any text in a value, at any depth, has a reference or an escaped one. Names of members do not count."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and "@fact." in one:
            return True
        waiting.extend(_parts(one))
    return False


def used(request: dict[str, Any], model: type[msgspec.Struct]) -> bool:
    """Whether any field may hold a reference and does, or an escaped one."""
    return any(mode != NEVER for _, mode in _fields(request, model))


def check(request: dict[str, Any], model: type[msgspec.Struct]) -> None:
    """Raise `Invalid`, naming field and key, for a reference to a fact that no host can have."""
    for name, mode in _fields(request, model):
        if mode != NEVER:
            _replaced(request[name], _checked, name, 1)


def resolve(request: dict[str, Any], model: type[msgspec.Struct], facts: HostFacts) -> dict[str, Any]:
    """The request with every reference replaced. Raises `Permanent` (`fact_unresolved`), naming field and key."""
    found, room = dict(request), _Room()
    for name, mode in _fields(request, model):
        if mode != NEVER:
            found[name] = _replaced(request[name], _reader(facts, room, plain=mode == PLAIN), name, 1)
    return found


def _fields(request: dict[str, Any], model: type[msgspec.Struct]) -> Iterator[tuple[str, str]]:
    """The fields that hold references, and how each takes them."""
    types = {field.encode_name: field.type for field in msgspec.structs.fields(model)}
    for name, value in request.items():
        if holds(value):
            yield name, mode_of(types.get(name))


def mode_of(wanted: Any) -> str:
    """What the type of a field says about references: `NEVER`, as every secret does, `PLAIN`, or empty for nothing."""
    if masking.holds(wanted):
        return NEVER
    metas = [meta for meta in getattr(wanted, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    own = [str(meta.extra[EXTRA]) for meta in metas if meta.extra and EXTRA in meta.extra]
    return next(iter(own), "") or next(filter(None, (mode_of(one) for one in get_args(wanted))), "")


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from cast("dict[str, Any]", value).values()
    elif isinstance(value, list):
        yield from value  # pyright: ignore[reportUnknownVariableType] # whatever JSON holds


def _replaced(value: Any, replace: Replace, where: str, depth: int) -> Any:
    if depth > DEEPEST:
        raise Invalid(f"{where[:80]}…: references stand at most {DEEPEST} deep")
    if isinstance(value, str):
        return _substituted(value, replace, where)
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: _replaced(one, replace, f"{where}.{name}", depth + 1) for name, one in members.items()}
    if isinstance(value, list):
        entries = enumerate(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] # whatever JSON holds
        return [_replaced(one, replace, f"{where}[{place}]", depth + 1) for place, one in entries]  # pyright: ignore[reportUnknownVariableType] # as above
    return value


def _substituted(text: str, replace: Replace, where: str) -> str:
    def one(found: re.Match[str]) -> str:
        signs, name = found[1], found[2]
        literal = "@" * (len(signs) // 2)
        if len(signs) % 2 == 0:
            return f"{literal}fact.{name}"
        try:
            key, value = replace(name)
        except (Invalid, Permanent) as problem:
            details = {"field": where, "fact": name}
            raise type(problem)(f"{where}: {problem.message}", code=problem.error_code, details=details) from None
        return literal + value + name[len(key) :]

    return _REFERENCE.sub(one, text)


class _Room:
    """How much text references may still bring into one request: a short request must not become a giant one."""

    def __init__(self) -> None:
        self._left = LIMIT

    def take(self, key: str, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise _unresolved(key, f"all references together stand for more than {LIMIT} characters")


def _candidates(name: str) -> Iterator[str]:
    """What of `name` may be the key, the longest first."""
    yield from (name[: end.start()] for end in reversed(list(_END.finditer(name))))


def _checked(name: str) -> tuple[str, str]:
    if name.startswith(fact_keys.CUSTOM) and name != fact_keys.CUSTOM:
        return name, ""
    key = next((key for key in _candidates(name) if key in fact_keys.BUILT_IN), None)
    if key is None:
        raise Invalid(f"{fact_keys.unknown(name)}; the text itself is written @@fact.")
    return key, ""


def _reader(facts: HostFacts, room: _Room, *, plain: bool) -> Replace:
    def read(name: str) -> tuple[str, str]:
        for key in _candidates(name):
            value = _value(facts, key)
            if value is None:
                continue
            if plain and not _PLAIN.fullmatch(value):
                raise _unresolved(
                    key, "its value has characters that a shell reads; pass it in an argument or a variable"
                )
            room.take(key, len(value))
            return key, value
        raise _unresolved(name, "this host has no such fact")

    return read


def _value(facts: HostFacts, key: str) -> str | None:
    """The text that a key stands for; None for a key that is none here. Raises `Permanent` where there is no one text."""
    if key in fact_keys.BUILT_IN:
        told = fact_keys.values(facts, key)
        if not told:
            raise _unresolved(key, "this host does not tell it")
        return told[0]
    found = fact_keys.custom(facts, key) if key.startswith(fact_keys.CUSTOM) else None
    if isinstance(found, dict | list):
        raise _unresolved(key, "it holds several values; name one of them")
    return None if found is None else fact_keys.text(found)


def _unresolved(key: str, why: str) -> Permanent:
    return Permanent(f"@fact.{key} cannot be replaced: {why}", code="fact_unresolved")
