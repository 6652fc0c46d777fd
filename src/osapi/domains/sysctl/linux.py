"""Kernel parameters on any Linux: one file in /etc/sysctl.d each, the value set at once and read back.

The value goes to the kernel first and to the file only when the kernel has taken it, so that nothing wrong
is kept. Before that, the value from before is noted, for `delete` to restore.
"""

from __future__ import annotations

from osapi.contract.errors import NotManaged
from osapi.contract.operation import Nothing
from osapi.deploy.deployer import Deployer
from osapi.domains.sysctl import decisions, keys, precedence
from osapi.domains.sysctl.decisions import Seen
from osapi.domains.sysctl.models import SysctlChange, SysctlCreate, SysctlEntry, SysctlKey, SysctlUpdate
from osapi.domains.sysctl.provider import SysctlProvider
from osapi.host.door import Host
from osapi.host.files import FileKind
from osapi.host.kernel import same, text
from osapi.host.plan import Plan


class LinuxSysctl:
    """Keeps kernel parameters."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._deployer = Deployer(host)

    async def entries(self, _: Nothing, /) -> list[SysctlEntry]:
        """Every managed parameter, by key."""
        records = [record for record in await self._host.managed.below(keys.PREFIX) if record.settled]
        seen = [await self._look(record.metadata["key"]) for record in records]
        return [await self._entry(found) for found in sorted(seen, key=lambda found: found.key)]

    async def get(self, request: SysctlKey, /) -> SysctlEntry:
        """One managed parameter. Raises `NotManaged` for any other."""
        seen = await self._look(keys.canonical(request.key))
        if not seen.is_managed:
            raise NotManaged(f"{seen.key} is not managed by osapi on this host")
        return await self._entry(seen)

    async def create(self, request: SysctlCreate, /) -> SysctlChange:
        """Set a parameter now and at boot. A second call changes nothing; see `decisions.create` for refusals."""
        seen = await self._look(keys.canonical(request.key))
        return await self._apply(seen, decisions.create(request, seen))

    async def update(self, request: SysctlUpdate, /) -> SysctlChange:
        """Give a managed parameter another value. A second call changes nothing."""
        seen = await self._look(keys.canonical(request.key))
        return await self._apply(seen, decisions.update(request, seen))

    async def delete(self, request: SysctlKey, /) -> SysctlChange:
        """Remove the file and restore the value from before. A second call changes nothing."""
        seen = await self._look(keys.canonical(request.key))
        change = await self._apply(seen, decisions.delete(seen))
        if change.changed and not self._host.check_mode:
            change.note = decisions.note_after_delete(seen, change.running)
        return change

    async def _apply(self, seen: Seen, plan: Plan) -> SysctlChange:
        applied = await self._host.apply(plan)
        running = (await self._look(seen.key)).running
        return SysctlChange(changed=applied.changed, diff=applied.diff, key=seen.key, running=running)

    async def _look(self, key: str) -> Seen:
        kernel_path = keys.kernel_path(key)
        stat = await self._host.stat(kernel_path)
        readable = stat is not None and stat.kind is FileKind.FILE and bool(stat.mode & 0o400)
        return Seen(
            key=key,
            file=await self._deployer.look_at(keys.file_path(key)),
            kernel=stat,
            running=text(await self._host.read(kernel_path)) if readable else None,
        )

    async def _entry(self, seen: Seen) -> SysctlEntry:
        desired = seen.desired or ""
        in_sync = seen.persisted == desired and seen.running is not None and same(seen.running, desired)
        return SysctlEntry(
            key=seen.key,
            value=desired if seen.running is None else seen.running,
            desired=desired,
            persisted=seen.persisted,
            running=seen.running,
            previous=seen.previous or "",
            in_sync=in_sync,
            overridden_by=await self._overridden_by(seen.key, desired),
        )

    async def _overridden_by(self, key: str, value: str) -> str | None:
        own = keys.file_path(key).rpartition("/")[2]
        directories = {path: await self._host.list_dir(path) for path in precedence.DIRECTORIES}
        contents: dict[str, str] = {}
        for path in precedence.later_names(own, directories).values():
            contents[path] = (await self._host.read(path, follow=True) or b"").decode("utf-8", "replace")
        return precedence.overriding(key, value, contents)


def provider(host: Host) -> SysctlProvider:
    """A provider for one job."""
    return LinuxSysctl(host)
