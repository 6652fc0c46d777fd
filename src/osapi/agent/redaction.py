"""Keeps the secrets of a job out of what is said about it, for programs like to repeat what they were told.

Found is the text itself, each of its lines, and what stands behind the first `=` of a line. Not found is what a program
makes of it: in another encoding, or cut in two.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from osapi.contract.secret import MASK

SHORTEST = 4
"""Characters. Shorter ones would be found in half of all words, and every mask would tell one."""


class Redactor:
    """Puts masks in the place of these secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        parts = {part for secret in secrets for part in _parts(secret) if len(part) >= SHORTEST}
        self._parts = sorted(parts, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text with masks."""
        for part in self._parts:
            text = text.replace(part, MASK)
        return text

    def json(self, data: msgspec.Raw) -> msgspec.Raw:
        """A JSON value with masks in every text of it; names of fields stay."""
        if not self._parts:
            return data
        return msgspec.Raw(msgspec.json.encode(self._value(msgspec.json.decode(data))))

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case list():
                return [self._value(one) for one in cast("Iterable[Any]", value)]
            case dict():
                return {name: self._value(one) for name, one in cast("dict[str, Any]", value).items()}
            case _:
                return value


def _parts(secret: str) -> Iterable[str]:
    yield secret
    for line in secret.splitlines():
        yield line
        yield line.strip()
        yield line.partition("=")[2]
