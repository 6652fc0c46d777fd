"""What the command operations need where the agent is not root, so that they can become another account.

Without it commands run as the agent's own account.
"""

from __future__ import annotations

from osapi.host.grants import Anything

PRIVILEGES = (Anything(root="any command as root is what is asked for"),)
