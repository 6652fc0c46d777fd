"""Commands on macOS, where programs and /bin/sh are run as on Linux."""

from __future__ import annotations

from osapi.domains.command.linux import LinuxCommand
from osapi.domains.command.provider import CommandProvider
from osapi.host.door import Host


def provider(host: Host) -> CommandProvider:
    """A provider for one job."""
    return LinuxCommand(host)
