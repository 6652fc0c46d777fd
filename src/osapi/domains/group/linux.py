"""Groups in /etc/group, changed by the programs of shadow: groupadd(8), gpasswd(1), groupdel(8)."""

from __future__ import annotations

from osapi.contract.errors import MissingTool, NotFound
from osapi.contract.operation import Nothing
from osapi.domains.group import decisions
from osapi.domains.group.decisions import Seen
from osapi.domains.group.models import (
    Group,
    GroupChange,
    GroupCreate,
    GroupDelete,
    GroupName,
    GroupReport,
    GroupUpdate,
)
from osapi.domains.group.provider import GroupProvider
from osapi.host import account_files
from osapi.host.account_files import GroupLine
from osapi.host.door import Host
from osapi.host.plan import Plan, Run

_LIMIT = 64 << 20
"""Bytes an account file may have."""


class LinuxGroup:
    """Keeps groups."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def groups(self, _: Nothing, /) -> GroupReport:
        """Every group of /etc/group."""
        return GroupReport(groups=[_told(group) for group in (await self._look()).groups])

    async def get(self, request: GroupName, /) -> GroupReport:
        """One group. Raises `NotFound`."""
        group = (await self._look()).group(request.name)
        if group is None:
            raise NotFound(f"there is no group {request.name} on this host")
        return GroupReport(groups=[_told(group)])

    async def create(self, request: GroupCreate, /) -> GroupChange:
        """Make a group. A second call changes nothing; see `decisions.create` for refusals."""
        return await self._apply(request.name, decisions.create(request, await self._look()))

    async def update(self, request: GroupUpdate, /) -> GroupChange:
        """Set the members. A second call changes nothing; see `decisions.update` for refusals."""
        return await self._apply(request.name, decisions.update(request, await self._look()))

    async def delete(self, request: GroupDelete, /) -> GroupChange:
        """Remove a group. A second call changes nothing; see `decisions.delete` for refusals."""
        return await self._apply(request.name, decisions.delete(request, await self._look()))

    async def _apply(self, name: str, plan: Plan) -> GroupChange:
        for action in plan.actions:
            if isinstance(action, Run) and self._host.which(action.argv[0]) is None:
                raise MissingTool(f"{action.argv[0]} is not installed on this host")
        applied = await self._host.apply(plan)
        return GroupChange(changed=applied.changed, diff=applied.diff, name=name)

    async def _look(self) -> Seen:
        groups = await self._host.read(account_files.GROUPS, _LIMIT)
        accounts = await self._host.read(account_files.ACCOUNTS, _LIMIT)
        return Seen(groups=account_files.groups(groups or b""), accounts=account_files.passwd(accounts or b""))


def _told(group: GroupLine) -> Group:
    return Group(name=group.name, gid=group.gid, members=list(group.members))


def provider(host: Host) -> GroupProvider:
    """A provider for one job."""
    return LinuxGroup(host)
