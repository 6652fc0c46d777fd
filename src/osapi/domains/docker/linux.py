"""Containers and images through the socket of Docker or Podman, on any Linux.

Everything is asked for over the engine's HTTP API; no program is run. Who may use the socket may do anything on
the host, so `docker:write` and `docker:execute` are as much as root.
"""

from __future__ import annotations

from osapi.domains.docker.images import Images
from osapi.domains.docker.inside import Inside
from osapi.domains.docker.lifecycle import Lifecycle
from osapi.domains.docker.provider import DockerProvider
from osapi.host.door import Host


class LinuxDocker(Lifecycle, Inside, Images):
    """Keeps the containers and images of a host."""


def provider(host: Host) -> DockerProvider:
    """A provider for one job."""
    return LinuxDocker(host)
