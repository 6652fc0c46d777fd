"""Jobs of cron on Debian: files in /etc/cron.d and /etc/cron.<interval>, put there by the deployer.

Cron reads files that belong to root and that nobody else may write; it notices changes by itself, see cron(8).
"""

from __future__ import annotations

from dataclasses import replace

from osapi.contract.errors import Conflict, Invalid, MissingTool, NotManaged
from osapi.contract.files import ContentType
from osapi.contract.operation import Nothing
from osapi.deploy import decisions
from osapi.deploy.deployer import Deployer
from osapi.deploy.wanted import Content, Seen, Wanted
from osapi.domains.cron import crontab, places
from osapi.domains.cron.models import CronChange, CronCreate, CronEntry, CronName, CronUpdate
from osapi.domains.cron.places import Noted
from osapi.domains.cron.provider import CronProvider
from osapi.host.door import Host
from osapi.host.managed import ManagedFile
from osapi.host.plan import Plan

_PROGRAMS = ("cron", "crond")
_MODE, _PROGRAM_MODE = 0o644, 0o755


class DebianCron:
    """Keeps jobs of cron."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._deployer = Deployer(host)

    async def entries(self, _: Nothing, /) -> list[CronEntry]:
        """Every managed job, by name."""
        notes = [note for folder in places.folders() for note in await self._host.managed.below(folder) if note.settled]
        return sorted([await self._entry(note) for note in notes], key=lambda entry: entry.name)

    async def get(self, request: CronName, /) -> CronEntry:
        """One managed job. Raises `NotManaged` for any other."""
        return await self._entry(await self._managed(request.name))

    async def create(self, request: CronCreate, /) -> CronChange:
        """Put a job in place. A second call changes nothing.

        Raises `MissingTool` without cron, `Conflict` when a job of that name is kept elsewhere or differently, or
        a file is there that OSAPI did not write, `Invalid` for what cron would not run.
        """
        self._need_cron()
        job = Noted(schedule=request.schedule or "", interval=request.interval, user=request.user)
        await self._refuse_namesake(request, job)
        content = await self._deployer.from_object(request.object_name, request.content_type, request.variables)
        return await self._deploy(request.name, job, content, adopt=request.adopt)

    async def update(self, request: CronUpdate, /) -> CronChange:
        """Change a managed job. Raises `NotManaged`, and `Invalid` when an interval cannot be what is asked for."""
        self._need_cron()
        note = await self._managed(request.name)
        before = places.noted(note)
        if before.interval is not None and (request.schedule or request.user):
            raise Invalid(f"cron job {request.name} runs {before.interval.value}; delete it to give it a schedule")
        job = Noted(
            schedule=request.schedule or before.schedule, interval=before.interval, user=request.user or before.user
        )
        return await self._deploy(request.name, job, await self._content(request, note))

    async def delete(self, request: CronName, /) -> CronChange:
        """Remove a managed job. A second call changes nothing; a file of somebody else is `NotManaged`."""
        plans: list[Plan] = []
        for path in places.candidates(request.name):
            seen = await self._deployer.look_at(path)
            if seen.note is not None:
                plans.append(decisions.undeploy(seen))
        if not plans:
            await self._refuse_foreign(request.name)
        program = await self._deployer.look_at(places.program(request.name))
        if program.note is not None:
            plans.append(decisions.undeploy(program))
        return await self._apply(request.name, *plans)

    async def _deploy(self, name: str, job: Noted, content: Content, *, adopt: bool = False) -> CronChange:
        await self._host.owner_ids(job.user, None)
        if job.interval is not None:
            return await self._deploy_periodic(name, job, content, adopt=adopt)
        timing = crontab.Timing(schedule=job.schedule, user=job.user)
        data = await self._deployer.whole(content)
        if crontab.is_program(data):
            return await self._deploy_program(name, job, timing, content, adopt=adopt)
        lines = crontab.compose(data, timing, _source(content))
        job = replace(job, runs_as=crontab.users(lines))
        plan = await self._plan(places.crontab(name), Content.of(lines, content.source), _MODE, job, adopt=adopt)
        left = await self._deployer.look_at(places.program(name))
        return await self._apply(name, plan, *([decisions.undeploy(left)] if left.note else []))

    async def _deploy_program(
        self, name: str, job: Noted, timing: crontab.Timing, content: Content, *, adopt: bool
    ) -> CronChange:
        """The program first: cron may read the line at any moment."""
        path = places.program(name)
        job = replace(job, runs_as=job.user or places.DEFAULT_USER, has_program=True)
        line = Content.of(crontab.calling(path, timing), content.source)
        return await self._apply(
            name,
            await self._plan(path, content, _PROGRAM_MODE, job, adopt=adopt),
            await self._plan(places.crontab(name), line, _MODE, job, adopt=adopt),
        )

    async def _deploy_periodic(self, name: str, job: Noted, content: Content, *, adopt: bool) -> CronChange:
        assert job.interval is not None  # noqa: S101 - asked before
        if not crontab.is_program(await self._deployer.whole(content)):
            text = f"object {_source(content)}: what runs {job.interval.value} must begin with #!, else run-parts(8) cannot start it"
            raise Invalid(text, code="invalid_object")
        plan = await self._plan(places.periodic(name, job.interval), content, _PROGRAM_MODE, job, adopt=adopt)
        return await self._apply(name, plan)

    async def _plan(self, path: str, content: Content, mode: int, job: Noted, *, adopt: bool) -> Plan:
        wanted = Wanted(path=path, content=content, mode=mode, owner="root", group="root", metadata=job.metadata)
        return decisions.deploy(wanted, await self._deployer.look(wanted), adopt=adopt)

    async def _apply(self, name: str, *plans: Plan) -> CronChange:
        applied = await self._host.apply(Plan.of(*plans))
        return CronChange(changed=applied.changed, diff=applied.diff, name=name)

    async def _content(self, request: CronUpdate, note: ManagedFile) -> Content:
        """From what is asked for; else from what the job was made of before."""
        source = note.source
        if request.object_name is None and source is None:
            raise Invalid(f"cron job {request.name} was not made from an uploaded file; name one as object")
        name = request.object_name or (source.object_name if source else "")
        kept = source if source is not None and request.object_name is None else None
        kind = request.content_type or (ContentType(kept.content_type) if kept else None)
        variables = request.variables if request.variables is not None else (kept.vars if kept else None)
        return await self._deployer.from_object(name, kind, variables)

    async def _managed(self, name: str) -> ManagedFile:
        for path in places.candidates(name):
            note = await self._host.managed.get(path)
            if note is not None and note.settled:
                return note
        raise NotManaged(f"cron job {name} is not managed by osapi on this host")

    async def _refuse_namesake(self, request: CronCreate, job: Noted) -> None:
        """A job of that name in another folder, or with another schedule, is another job: update it."""
        path = places.periodic(request.name, job.interval) if job.interval else places.crontab(request.name)
        for candidate in places.candidates(request.name):
            note = await self._host.managed.get(candidate)
            if note is None or not note.settled:
                continue
            known = places.noted(note)
            if candidate != path or (known.schedule, known.user) != (job.schedule, job.user):
                raise Conflict(
                    f"cron job {request.name} exists and runs differently; use update, or delete it first",
                    details={"schedule": known.schedule, "user": known.runs_as, "path": candidate},
                )

    async def _refuse_foreign(self, name: str) -> None:
        for path in places.candidates(name):
            if await self._host.stat(path) is not None:
                raise NotManaged(f"{path} exists and is not managed by osapi; it is left alone")

    async def _entry(self, note: ManagedFile) -> CronEntry:
        job, name = places.noted(note), note.path.rpartition("/")[2]
        seen = [await self._deployer.look_at(note.path)]
        if job.has_program:
            seen.append(await self._deployer.look_at(places.program(name)))
        return CronEntry(
            name=name,
            object=note.source.object_name if note.source else "",
            schedule=job.schedule,
            interval=job.interval,
            source=job.interval.value if job.interval else "cron.d",
            user=job.runs_as,
            path=note.path,
            in_sync=all(_is_right(one) for one in seen),
        )

    def _need_cron(self) -> None:
        if not any(self._host.which(program) for program in _PROGRAMS):
            raise MissingTool("cron is not installed on this host, so nothing would run; install the package cron")


def _is_right(seen: Seen) -> bool:
    return seen.note is not None and not seen.deviations(seen.note.sha256, seen.note.mode)


def _source(content: Content) -> str:
    return content.source.object_name if content.source else ""


def provider(host: Host) -> CronProvider:
    """A provider for one job."""
    return DebianCron(host)
