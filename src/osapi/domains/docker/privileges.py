"""What the docker operations need where the agent is not root."""

from __future__ import annotations

from osapi.host.grants import Member

PRIVILEGES = (
    Member(group="docker", why="asks the engine over its socket", root="a container can be given the whole host"),
)
