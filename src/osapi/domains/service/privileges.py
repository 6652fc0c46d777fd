"""What the service operations need where the agent is not root."""

from __future__ import annotations

from osapi.host.grants import Place, Program

PRIVILEGES = (
    Program(
        path="/usr/bin/systemctl",
        arguments="(start|stop|restart|try-restart|reload|enable|disable|mask|unmask) -- [^ /]+[.]service",
        example="restart -- cron.service",
    ),
    Program(path="/usr/bin/systemctl", arguments="daemon-reload", example="daemon-reload"),
    Place(
        path="/etc/systemd/system/osapi-[^/]+[.]service",
        example="/etc/systemd/system/osapi-app.service",
        root="a unit runs what it names as root",
    ),
)
