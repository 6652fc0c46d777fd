"""What a user may write as a target, and what it means.

    _any            one host, whichever takes the job first
    _all            every host
    group:web.dev   every host whose label `group` is `web.dev` or begins with `web.dev.`
    web-01          the host of that name or machine id
    web-*, group:web and not web-03, …   every host that a query means, see `query`

`HostTarget` still holds what the user typed; the registry turns it into a machine id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from osapi.contract import query_parser
from osapi.contract.errors import Invalid
from osapi.contract.query import Expression

_QUERY_MARKS = frozenset(" ,()*?[@")
_LABEL_PART = re.compile(r"[A-Za-z0-9_-]+")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?")


@dataclass(frozen=True)
class AnyTarget:
    """One host, whichever takes the job first."""

    def __str__(self) -> str:
        return "_any"


@dataclass(frozen=True)
class AllTarget:
    """Every host that is ready."""

    def __str__(self) -> str:
        return "_all"


@dataclass(frozen=True)
class LabelTarget:
    """Every host whose label `key` equals `value` or is below it in the dotted hierarchy."""

    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.key}:{self.value}"

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a host with these labels is meant."""
        have = labels.get(self.key)
        return have is not None and (have == self.value or have.startswith(f"{self.value}."))


@dataclass(frozen=True)
class HostTarget:
    """One host by name or machine id, as typed."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class QueryTarget:
    """Every host that a query means. `text` is as the user typed it."""

    text: str
    expression: Expression

    def __str__(self) -> str:
        return self.text


Target = AnyTarget | AllTarget | LabelTarget | HostTarget | QueryTarget


def parse(text: str) -> Target:
    """Read a target as a user typed it. Raises `Invalid` when the text is none."""
    if text == "_any":
        return AnyTarget()
    if text == "_all":
        return AllTarget()
    if text != text.strip() and not _QUERY_MARKS & set(text.strip()):
        raise Invalid(f"target {text!r} begins or ends with white space; write it without")
    if _QUERY_MARKS & set(text):
        return QueryTarget(text, query_parser.parse(text))
    key, colon, value = text.partition(":")
    if colon:
        return _label(text, key, value)
    if _HOST.fullmatch(text):
        return HostTarget(text)
    raise Invalid(
        f"target {text!r} is no host name; use a host name, a machine id, key:value, a query of these, _any or _all"
    )


def is_broadcast(target: Target) -> bool:
    """Whether the target can mean more than one host."""
    return isinstance(target, AllTarget | LabelTarget | QueryTarget)


def check_label(key: str, value: str) -> None:
    """Raise `Invalid` unless key and every dotted part of value are made of letters, digits, _ and -."""
    for part in (key, *value.split(".")):
        if not _LABEL_PART.fullmatch(part):
            raise Invalid(
                f"label {key}:{value}: {part!r} is not allowed; use letters, digits, _ and -, and dots between the parts of a value"
            )


def _label(text: str, key: str, value: str) -> LabelTarget:
    if not key or not value:
        raise Invalid(f"target {text!r}: a label needs both key and value, as in group:web")
    check_label(key, value)
    return LabelTarget(key, value)
