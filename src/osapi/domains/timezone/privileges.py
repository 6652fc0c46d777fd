"""What the timezone operations need where the agent is not root."""

from __future__ import annotations

from osapi.domains.timezone.decisions import LINK, NAME
from osapi.host.grants import Place, Program

PRIVILEGES = (
    Program(path="/usr/bin/timedatectl", arguments="set-timezone -- [^ ]+", example="set-timezone -- Europe/Rome"),
    Place(path=NAME, example=NAME, verbs=("write",)),
    Place(path=LINK, example=LINK, verbs=("link",)),
)
