"""What the node operations need where the agent is not root."""

from __future__ import annotations

from osapi.domains.node.rename import KERNEL_NAME, STATIC_NAME
from osapi.host.grants import Place, Program, kernel_value

PRIVILEGES = (
    Program(path="/usr/bin/hostnamectl", arguments="set-hostname -- [^ ]+", example="set-hostname -- web-01"),
    Place(path=STATIC_NAME, example=STATIC_NAME, verbs=("write",)),
    kernel_value(KERNEL_NAME, KERNEL_NAME),
)
