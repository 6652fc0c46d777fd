"""A request as people may see it: in the story of a job, and in the audit. The one place that decides what is left out."""

from __future__ import annotations

from typing import Any

import msgspec

MASK = "********"
"""What stands in the place of a value that must not be shown, whatever its length."""


def _mask(_: Any) -> str:
    """A value that is not plain data is kept in a type of its own so that nobody writes it by mistake."""
    return MASK


shown = msgspec.json.Encoder(enc_hook=_mask).encode
"""The request as JSON on one line, masks in the place of secrets."""
