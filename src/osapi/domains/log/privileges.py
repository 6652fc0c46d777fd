"""What the log operations need where the agent is not root."""

from __future__ import annotations

from osapi.host.grants import Member

PRIVILEGES = (Member(group="systemd-journal", why="reads the journal of the host"),)
