"""What Debian and its descendants tell better elsewhere than in os-release(5)."""

from __future__ import annotations

from osapi.domains.node.linux import LinuxNode
from osapi.domains.node.provider import NodeProvider
from osapi.host.door import Host

_POINT_RELEASE = "/etc/debian_version"


class DebianNode(LinuxNode):
    """As `LinuxNode`, with the point release."""

    async def version(self) -> str:
        """Debian's own point release, such as `12.11`; testing and the descendants have theirs in os-release."""
        if self._host.family.id == "debian":
            found = (await self._host.read(_POINT_RELEASE, follow=True) or b"").decode("utf-8", "replace").strip()
            if found[:1].isdecimal():
                return found
        return await super().version()


def provider(host: Host) -> NodeProvider:
    """A provider for one job."""
    return DebianNode(host)
