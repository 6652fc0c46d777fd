"""What everybody agrees on about uploaded files."""

from __future__ import annotations

import enum
from typing import Annotated, Any

from msgspec import Meta

from osapi.contract.operation import VERBATIM

PROTECTED_PREFIX = "osapi/"
"""Names that begin so belong to OSAPI: it writes them, nobody else does."""
CONTENT_TYPE = "Osapi-Content-Type"
"""The attribute of an object that says what its content is; one of `ContentType`."""


class ContentType(enum.Enum):
    """Whether a file goes to hosts as it is, or is rendered there first."""

    RAW = "raw"
    TEMPLATE = "template"

    @classmethod
    def of(cls, attribute: str | None) -> ContentType:
        """What the attribute of an object says; raw when it says nothing that is known."""
        return cls.TEMPLATE if attribute == cls.TEMPLATE.value else cls.RAW


Variables = Annotated[
    dict[str, Any],
    Meta(
        description="What a template may speak of as `vars`; given as NAME=VALUE.",
        extra={"flag": "var", VERBATIM: "values for the caller's own template"},
    ),
]
