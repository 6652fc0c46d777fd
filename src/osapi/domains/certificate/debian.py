"""Certificate authorities on Debian: files in /usr/local/share/ca-certificates, see update-ca-certificates(8).

Whether a certificate is trusted is decided by looking into the bundle, so a rebuild that failed is repeated.
"""

from __future__ import annotations

from osapi.contract.errors import Conflict, MissingTool, NotManaged
from osapi.contract.operation import Nothing
from osapi.deploy import decisions
from osapi.deploy.deployer import Deployer
from osapi.deploy.wanted import Content, Wanted
from osapi.domains.certificate import pem
from osapi.domains.certificate.models import (
    Certificate,
    CertificateChange,
    CertificateCreate,
    CertificateName,
    Certificates,
    CertificateSource,
    CertificateUpdate,
)
from osapi.domains.certificate.pem import Told
from osapi.domains.certificate.provider import CertificateProvider
from osapi.host.door import Host
from osapi.host.files import FileKind
from osapi.host.managed import ManagedFile
from osapi.host.plan import Plan, Run

PREFIX = "/usr/local/share/ca-certificates/osapi-"
SYSTEM = "/usr/share/ca-certificates"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
CHOICE = "/etc/ca-certificates.conf"
"""Which of the system's own are trusted; a line that begins with `!` is one that is not."""
_SUFFIX = ".crt"
_TOOL = "update-ca-certificates"
_BUNDLE_LIMIT = 8 << 20
_DEPTH = 3
_DEADLINE_S = 100.0


class DebianCertificates:
    """Keeps certificate authorities."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._deployer = Deployer(host)

    async def entries(self, _: Nothing, /) -> Certificates:
        """Those of OSAPI by name, then the system's own."""
        trusted = await self._trusted()
        notes = [note for note in await self._host.managed.below(PREFIX) if note.settled]
        custom = [await self._custom(note, trusted) for note in notes]
        return Certificates(certificates=[*custom, *await self._system()])

    async def create(self, request: CertificateCreate, /) -> CertificateChange:
        """Trust a certificate. A second call changes nothing.

        Raises `Invalid` (code `invalid_certificate`) unless the object is one valid authority, `Conflict` when
        another certificate has this name, or a file that OSAPI did not write, and `MissingTool`.
        """
        content, told = await self._content(request.object_name)
        note = await self._host.managed.get(_path(request.name))
        if note is not None and note.settled and note.sha256 != content.sha256:
            raise Conflict(f"certificate {request.name} is another one; use update to replace it")
        return await self._deploy(request.name, content, told, adopt=request.adopt)

    async def update(self, request: CertificateUpdate, /) -> CertificateChange:
        """Replace a managed certificate. A second call changes nothing."""
        note = await self._host.managed.get(_path(request.name))
        if note is None:
            raise NotManaged(f"certificate {request.name} is not managed by osapi on this host")
        content, told = await self._content(request.object_name)
        return await self._deploy(request.name, content, told)

    async def delete(self, request: CertificateName, /) -> CertificateChange:
        """Remove a managed certificate. A second call changes nothing; a file of somebody else is `NotManaged`."""
        self._need_tool()
        seen = await self._deployer.look_at(_path(request.name))
        plan = decisions.undeploy(seen, then=[_rebuild(fresh=True)])
        applied = await self._host.apply(plan)
        return CertificateChange(changed=applied.changed, diff=applied.diff, name=request.name)

    async def _deploy(self, name: str, content: Content, told: Told, *, adopt: bool = False) -> CertificateChange:
        wanted = Wanted(path=_path(name), content=content, owner="root", group="root")
        plan = decisions.deploy(wanted, await self._deployer.look(wanted), adopt=adopt, then=[_rebuild()])
        if not plan.changes and not await self._is_trusted(content):
            plan = Plan((_rebuild(),), f"{name} is in place and not in {BUNDLE}; the store is built again")
        applied = await self._host.apply(plan)
        return CertificateChange(changed=applied.changed, diff=applied.diff, name=name, fingerprint=told.fingerprint)

    async def _content(self, name: str) -> tuple[Content, Told]:
        """The certificate of an object, checked."""
        self._need_tool()
        content = await self._deployer.from_object(name)
        data = await self._deployer.whole(content)
        pem.body(data, name)
        told = await self._told(data, name)
        pem.check(told, name, self._host.now())
        return content, told

    async def _told(self, data: bytes, name: str) -> Told:
        done = await self._host.run(pem.QUESTION, stdin=data)
        if done.exit_code != 0:
            raise pem.unreadable(name, done.stderr)
        return pem.read(done.stdout.decode("utf-8", "replace"))

    async def _custom(self, note: ManagedFile, trusted: frozenset[bytes]) -> Certificate:
        name = note.path.removeprefix(PREFIX).removesuffix(_SUFFIX)
        source = note.source.object_name if note.source else ""
        seen = await self._deployer.look_at(note.path)
        in_sync = not seen.deviations(note.sha256, note.mode)
        if seen.content is None or not in_sync:
            return Certificate(
                name=name, source=CertificateSource.CUSTOM, trusted=False, object=source, in_sync=in_sync
            )
        told = await self._told(seen.content, source)
        return Certificate(
            name=name,
            source=CertificateSource.CUSTOM,
            trusted=pem.body(seen.content, source) in trusted,
            object=source,
            subject=told.subject,
            issuer=told.issuer,
            fingerprint=told.fingerprint,
            not_after=told.not_after,
        )

    async def _system(self) -> list[Certificate]:
        lines = (await self._host.read(CHOICE) or b"").decode("utf-8", "replace").splitlines()
        refused = {line[1:].strip() for line in lines if line.startswith("!")}
        return [
            Certificate(name=name, source=CertificateSource.SYSTEM, trusted=name not in refused)
            for name in await self._below(SYSTEM, "", _DEPTH)
        ]

    async def _below(self, folder: str, prefix: str, depth: int) -> list[str]:
        """Paths of certificates below a folder, relative to it."""
        found: list[str] = []
        for name in await self._host.list_dir(folder):
            stat = await self._host.stat(f"{folder}/{name}")
            if stat is not None and stat.kind is FileKind.DIRECTORY and depth > 1:
                found += await self._below(f"{folder}/{name}", f"{prefix}{name}/", depth - 1)
            elif name.endswith(_SUFFIX):
                found.append(f"{prefix}{name}")
        return found

    async def _is_trusted(self, content: Content) -> bool:
        return pem.body(await self._deployer.whole(content), "") in await self._trusted()

    async def _trusted(self) -> frozenset[bytes]:
        return pem.bodies(await self._host.read(BUNDLE, _BUNDLE_LIMIT, follow=True) or b"")

    def _need_tool(self) -> None:
        for program in (_TOOL, "openssl"):
            if self._host.which(program) is None:
                raise MissingTool(f"{program} is not installed on this host; install the package ca-certificates")


def _path(name: str) -> str:
    return f"{PREFIX}{name}{_SUFFIX}"


def _rebuild(*, fresh: bool = False) -> Run:
    """`--fresh` also removes links to what is gone."""
    return Run(argv=(_TOOL, *(("--fresh",) if fresh else ())), privileged=True, deadline_s=_DEADLINE_S)


def provider(host: Host) -> CertificateProvider:
    """A provider for one job."""
    return DebianCertificates(host)
