"""What the user operations need where the agent is not root."""

from __future__ import annotations

from osapi.host.grants import Place, Program

_NAME = "[A-Za-z_][A-Za-z0-9_.-]*[$]?"
_VALUE = "/[^: ]*"
"""No blank: what follows it would be an option of its own."""
_GROUPS = f"(,?{_NAME})*"

PRIVILEGES = (
    Program(
        path="/usr/sbin/useradd",
        arguments=f"--create-home( --uid [0-9]+)?( --gid [0-9]+)?( --home-dir {_VALUE})?( --shell {_VALUE})?"
        f"( --groups {_GROUPS})?( --system)? -- {_NAME}",
        example="--create-home --uid 1500 -- alice",
        root="a new account can be put into the group sudo",
    ),
    Program(
        path="/usr/sbin/usermod",
        arguments=f"( ?--shell {_VALUE})?( ?--home {_VALUE}( --move-home)?)?( ?--groups {_GROUPS})?"
        f"( ?--lock)?( ?--unlock)?( ?--expiredate 1?)? -- {_NAME}",
        example="--lock --expiredate 1 -- alice",
        root="an account can be put into the group sudo",
    ),
    Program(path="/usr/sbin/userdel", arguments=f"(--remove )?-- {_NAME}", example="--remove -- alice"),
    Program(path="/usr/sbin/chpasswd", root="sets the password of root"),
    Program(
        path="/usr/sbin/chpasswd", arguments="--encrypted", example="--encrypted", root="sets the password of root"
    ),
    Program(
        path="/usr/bin/mkdir",
        arguments="--mode=0700 -- /[^ ]*/[.]ssh",
        example="--mode=0700 -- /home/alice/.ssh",
        user="ALL",
    ),
    Program(path="/usr/bin/chmod", arguments="go-w -- /[^ ]*/[.]ssh", example="go-w -- /home/alice/.ssh", user="ALL"),
    Place(
        path="/.*/[.]ssh/authorized_keys",
        example="/home/alice/.ssh/authorized_keys",
        verbs=("write",),
        root="the keys that open the account root are such a file",
    ),
)
