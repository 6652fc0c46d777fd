"""What the domains that configure interfaces need where the agent is not root."""

from __future__ import annotations

from osapi.host import trial_units
from osapi.host.grants import Grant, Place, Program

_WORD = "[^ ]+"

REPAIR = (
    Program(path="/usr/sbin/netplan", arguments=f"apply( --state {_WORD})?", example="apply"),
    Program(
        path="/usr/sbin/ip",
        arguments=f"link set dev {_WORD} (mtu [0-9]+|address [0-9a-f:]+)",
        example="link set dev eth1 mtu 1500",
    ),
    Program(path="/usr/sbin/ip", arguments=f"link delete dev {_WORD}", example="link delete dev bond0"),
)
"""What a change runs, and what undoes it."""
FILES = Place(path="/(etc|run|usr/lib)/netplan/[^/]+[.]yaml", example="/etc/netplan/90-osapi-interface-eth1.yaml")
"""Ours, and those from which something is taken out."""

PRIVILEGES: tuple[Grant, ...] = (*REPAIR, FILES, *trial_units.PRIVILEGES)
