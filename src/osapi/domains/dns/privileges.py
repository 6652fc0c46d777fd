"""What the dns operations need where the agent is not root."""

from __future__ import annotations

from osapi.netplan.privileges import PRIVILEGES

__all__ = ["PRIVILEGES"]
