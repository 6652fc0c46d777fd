"""Values that only the addressed host may read: passwords, tokens, keys.

A `Secret` shows what it holds to nobody who does not ask for it by name: not in a log, a message or a traceback, and not
when a model that has one is encoded, which fails unless the encoder is told what to do with it. How models that hold
secrets are read and written is `masking`.
"""

from __future__ import annotations

import hmac
import re
from typing import Any, ClassVar, NoReturn, Self

MASK = "********"
"""What stands in the place of every secret, whatever its length."""


class Secret:
    """Text that is not shown. A subclass narrows what the text may be."""

    __slots__ = ("_text",)

    longest: ClassVar[int] = 65536
    """Characters it may have at most; at least one."""
    pattern: ClassVar[str] = r"^[^\x00]+$"
    form: ClassVar[str] = "text without NUL"
    """What `pattern` says, for people."""

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def checked(cls, value: object) -> Self:
        """Take a value from outside. Raises `ValueError`, which never tells the value."""
        if isinstance(value, Secret):
            value = value.reveal()
        if not isinstance(value, str):
            raise ValueError("a secret must be text; the value is not shown")
        if value == MASK:
            raise ValueError(f"{MASK} stands for a secret that is not shown; give the secret itself")
        if not 1 <= len(value) <= cls.longest or not re.search(cls.pattern, value):
            raise ValueError(f"expected 1 to {cls.longest} characters, {cls.form}; the value is not shown")
        return cls(value)

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """What JSON Schema may know of it: `Meta(extra_json_schema=…)` of the field."""
        return {
            "type": "string",
            "format": "password",
            "writeOnly": True,
            "minLength": 1,
            "maxLength": cls.longest,
            "pattern": cls.pattern,
        }

    def reveal(self) -> str:
        """The text itself. For what passes it on to a host or a program, and for nothing else."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
