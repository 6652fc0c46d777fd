"""What the ntp operations need where the agent is not root."""

from __future__ import annotations

from osapi.domains.ntp import chrony
from osapi.host.grants import Place, Program

PRIVILEGES = (
    Program(path="/usr/bin/chronyc", arguments=" ".join(chrony.RELOAD[1:]), example=" ".join(chrony.RELOAD[1:])),
    Place(path="/etc/chrony/sources[.]d/osapi-ntp[.]sources", example=chrony.PATH),
)
