"""What to do about the servers of a host, given what is on it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from osapi.contract.errors import Conflict, NotManaged, Permanent
from osapi.deploy import decisions as files
from osapi.deploy.wanted import Content, Seen, Wanted
from osapi.domains.ntp import chrony
from osapi.domains.ntp.models import NtpCreate, NtpUpdate
from osapi.host.plan import Plan, Run

_RELOAD = Run(argv=chrony.RELOAD, privileged=True)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is known of our file, and whether chrony reads it."""

    file: Seen
    is_read: bool

    @property
    def servers(self) -> list[str]:
        """The servers that OSAPI manages."""
        return chrony.servers_in(self.file.content) if self.file.managed else []


def create(request: NtpCreate, found: Found) -> Plan:
    """Set servers, or repair the file that sets them.

    Raises `Conflict` when OSAPI manages others (unless `replace`) or a file is in the way that it did not write
    (unless `adopt`), and as `_set` does.
    """
    if found.servers and found.servers != request.servers and not request.replace:
        raise Conflict(
            f"osapi manages the servers {', '.join(found.servers)} on this host; use update, or set replace",
            details={"managed": found.servers, "requested": request.servers},
        )
    return _set(request.servers, found, adopt=request.adopt)


def update(request: NtpUpdate, found: Found) -> Plan:
    """Set other servers. Raises `NotManaged` where there are none of OSAPI's, and as `_set` does."""
    if not found.file.managed:
        raise NotManaged("osapi manages no servers on this host; create them first")
    return _set(request.servers, found)


def delete(found: Found) -> Plan:
    """Take the file away; nothing when there is neither note nor file. Raises `NotManaged` for somebody else's file."""
    return files.undeploy(found.file, then=(_RELOAD,))


def wanted(servers: list[str]) -> Wanted:
    """The file that sets these servers."""
    return Wanted(path=chrony.PATH, content=Content.of(chrony.content(servers)))


def _set(servers: list[str], found: Found, *, adopt: bool = False) -> Plan:
    """Raises `Permanent` (`not_read`) when chrony does not read the file."""
    if not found.is_read:
        raise Permanent(
            f"chrony does not read {chrony.DIRECTORY}; add the line `sourcedir {chrony.DIRECTORY}` to"
            f" {chrony.CONFIGURATION} and restart chrony",
            code="not_read",
        )
    return files.deploy(wanted(servers), found.file, adopt=adopt, then=(_RELOAD,))
