"""What the group operations need where the agent is not root."""

from __future__ import annotations

from osapi.host.grants import Program

_NAME = "[A-Za-z_][A-Za-z0-9_.-]*[$]?"

PRIVILEGES = (
    Program(
        path="/usr/sbin/groupadd",
        arguments=f"(--gid [0-9]+ )?(--system )?-- {_NAME}",
        example="--gid 1500 -- web",
    ),
    Program(
        path="/usr/bin/gpasswd",
        arguments=f"--members (,?{_NAME})* -- {_NAME}",
        example="--members alice,bob -- web",
        root="an account can be put into the group sudo",
    ),
    Program(path="/usr/sbin/groupdel", arguments=f"-- {_NAME}", example="-- web"),
)
