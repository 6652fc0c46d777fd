"""What the file operations need where the agent is not root: a file is deployed to whatever place is named.

The helper refuses the same places as the agent, and its own.
"""

from __future__ import annotations

from osapi.host.grants import Place

PRIVILEGES = (
    Place(
        path="/.+", example="/etc/motd", root="files such as those in /etc/cron.d and /etc/sudoers.d grant everything"
    ),
)
