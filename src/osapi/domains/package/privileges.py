"""What the package operations need where the agent is not root.

Packages are named, never given as files, so they come from the sources that the host has.
"""

from __future__ import annotations

from osapi.domains.package import apt
from osapi.host.grants import Program

_NAME = "[a-z0-9][a-z0-9+.:-]*(=[0-9A-Za-z][0-9A-Za-z.+:~-]*)?"
_NAMES = f" --( {_NAME})+"
_ENV = tuple(apt.ENVIRONMENT)
_LEADING = " ".join(apt.change(apt.Order("install")).argv[1:-1])
_MAY = "scripts of packages run as root, so this is worth what the package sources of the host are worth"

PRIVILEGES = (
    Program(
        path="/usr/bin/apt-get",
        arguments=f"{_LEADING}( -f| --reinstall| --only-upgrade| --with-new-pkgs)*"
        f" (install|remove|upgrade|dist-upgrade)({_NAMES})?",
        example=f"{_LEADING} install -- hello",
        env=_ENV,
        root=_MAY,
    ),
    Program(
        path="/usr/bin/apt-get",
        arguments=" ".join(apt.refresh().argv[1:]),
        example=" ".join(apt.refresh().argv[1:]),
        env=_ENV,
    ),
    Program(
        path="/usr/bin/apt-mark",
        arguments=f"(hold|unhold|auto|manual){_NAMES}",
        example="hold -- hello",
        env=_ENV,
    ),
    Program(
        path="/usr/bin/dpkg",
        arguments=" ".join(apt.configure().argv[1:]),
        example=" ".join(apt.configure().argv[1:]),
        env=_ENV,
    ),
)
