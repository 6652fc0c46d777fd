"""Why there is an entry. A module of its own, so that the SDK knows it without the chain."""

from __future__ import annotations

import enum


class Kind(enum.Enum):
    """Why there is an entry."""

    READ = "read"
    """Somebody looked; entered afterwards."""
    CHANGE = "change"
    """Somebody asked for a change; entered before its effect."""
    REFUSAL = "refusal"
    """Somebody was turned away: no good token, no permission, too many requests."""
    REMARK = "remark"
    """The audit tells something about itself, such as entries that it could not store."""
