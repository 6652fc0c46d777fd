"""What the certificate operations need where the agent is not root."""

from __future__ import annotations

from osapi.domains.certificate.debian import PREFIX
from osapi.host.grants import Place, Program

PRIVILEGES = (
    Program(path="/usr/sbin/update-ca-certificates"),
    Program(path="/usr/sbin/update-ca-certificates", arguments="--fresh", example="--fresh"),
    Place(path=f"{PREFIX}[^/]+[.]crt", example=f"{PREFIX}house.crt"),
)
