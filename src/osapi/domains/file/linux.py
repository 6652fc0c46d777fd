"""Uploaded files on any Linux. How a file comes to its place, and goes, is `osapi.deploy`."""

from __future__ import annotations

import posixpath

from osapi.deploy import decisions
from osapi.deploy.deployer import Deployer
from osapi.deploy.wanted import Seen, Wanted
from osapi.domains.file import comparing
from osapi.domains.file.models import FileDeploy, FileDeployed, FilePath, FileStatus, FileUndeployed
from osapi.domains.file.provider import FileProvider
from osapi.host.door import Host


class LinuxFiles:
    """Keeps uploaded files."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._deployer = Deployer(host)

    async def deploy(self, request: FileDeploy, /) -> FileDeployed:
        """Put a file in place, or repair it. A second call changes nothing; see `decisions.deploy` for refusals."""
        wanted = Wanted(
            path=request.path,
            content=await self._deployer.from_object(request.object_name, request.content_type, request.variables),
            mode=int(request.mode, 8),
            owner=request.owner,
            group=request.group,
        )
        plan = decisions.deploy(wanted, await self._deployer.look(wanted), adopt=request.adopt)
        applied = await self._host.apply(plan)
        return FileDeployed(changed=applied.changed, diff=applied.diff, path=request.path, sha256=wanted.content.sha256)

    async def undeploy(self, request: FilePath, /) -> FileUndeployed:
        """Take a file away, or put back what was there before. A second call changes nothing."""
        seen = await self._deployer.look_at(request.path)
        applied = await self._host.apply(decisions.undeploy(seen))
        return FileUndeployed(
            changed=applied.changed,
            diff=applied.diff,
            path=request.path,
            restored=applied.changed and seen.backup is not None,
            left=await self._left(seen) if applied.changed else [],
        )

    async def status(self, request: FilePath, /) -> FileStatus:
        """Compare a file with what was deployed, by looking at it."""
        return comparing.status(await self._deployer.look_at(request.path))

    async def _left(self, seen: Seen) -> list[str]:
        """What a person might have expected to go as well."""
        left = [f"{seen.note.source.object_name} in the store"] if seen.note and seen.note.source else []
        folder = posixpath.dirname(seen.path)
        if folder != "/" and seen.backup is None and not set(await self._host.list_dir(folder)) - self._going(seen):
            left.append(f"the empty directory {folder}")
        return left

    def _going(self, seen: Seen) -> set[str]:
        """In check mode the file is still there."""
        return {posixpath.basename(seen.path)} if self._host.check_mode else set()


def provider(host: Host) -> FileProvider:
    """A provider for one job."""
    return LinuxFiles(host)
