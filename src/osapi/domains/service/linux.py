"""Services on any Linux that systemd runs; see systemctl(1).

A name stands for the unit of that name if the host has one, else for the one that OSAPI keeps under it.
"""

from __future__ import annotations

from collections.abc import Sequence

from osapi.contract.errors import CommandFailed, Conflict, NotManaged, Permanent
from osapi.contract.operation import Nothing
from osapi.deploy import decisions as files
from osapi.deploy.deployer import Deployer
from osapi.deploy.wanted import Content, Wanted
from osapi.domains.service import decisions, units
from osapi.domains.service.decisions import Seen
from osapi.domains.service.models import (
    Service,
    ServiceAction,
    ServiceChange,
    ServiceCreate,
    ServiceDelete,
    ServiceName,
    Services,
    ServiceUpdate,
)
from osapi.domains.service.provider import ServiceProvider
from osapi.host import systemd
from osapi.host.acting import failure_of
from osapi.host.door import Host
from osapi.host.plan import Action, Plan
from osapi.host.program import Completed

_NOT_FOUND = "not-found"
_LAST_LINES = ("journalctl", "--no-pager", "--output=cat", "--lines=5", "--unit")


class LinuxServices:
    """Shows and keeps services."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._deployer = Deployer(host)

    async def entries(self, _: Nothing, /) -> Services:
        """Every service that is loaded or has a file, by unit."""
        await systemd.need(self._host)
        loaded, listed = await self._output(units.LOADED), await self._output(units.FILES)
        notes = await self._host.managed.below(f"{units.FOLDER}/{units.OWN}")
        managed = frozenset(note.path.rpartition("/")[2] for note in notes if note.settled)
        return Services(services=units.merged(loaded, listed, managed))

    async def get(self, request: ServiceName, /) -> Service:
        """One service. Raises `NotFound`."""
        seen = await self._look(request.name)
        decisions.refuse_unknown(seen)
        note = await self._host.managed.get(seen.shown.get("FragmentPath", ""))
        return Service(service=units.info(seen.shown, managed=note is not None))

    async def create(self, request: ServiceCreate, /) -> ServiceChange:
        """Put a unit in place. A second call changes nothing.

        Raises `Invalid` (code `invalid_object`) for what is no unit, `Conflict` when the host has another service of
        this name, when a managed one differs, or a file is there that OSAPI did not write.
        """
        await systemd.need(self._host)
        other = await self._ask(units.unit_of(request.name))
        if other.load != _NOT_FOUND and other.unit != units.own_unit(request.name):
            raise Conflict(f"the host has a service {other.unit} already; choose another name")
        content = await self._content(request.object_name)
        note = await self._host.managed.get(units.own_path(request.name))
        if note is not None and note.settled and note.sha256 != content.sha256:
            raise Conflict(f"the unit {units.own_unit(request.name)} is another one; use update to replace it")
        return await self._deploy(request.name, content, adopt=request.adopt)

    async def update(self, request: ServiceUpdate, /) -> ServiceChange:
        """Replace a managed unit. A second call changes nothing."""
        await systemd.need(self._host)
        if await self._host.managed.get(units.own_path(request.name)) is None:
            raise NotManaged(f"{units.own_unit(request.name)} is not managed by osapi on this host")
        content = await self._content(request.object_name)
        then = [decisions.restart_run(units.own_unit(request.name))] if request.restart else []
        return await self._deploy(request.name, content, then=then)

    async def delete(self, request: ServiceDelete, /) -> ServiceChange:
        """Stop, disable and remove a managed unit. A second call changes nothing."""
        await systemd.need(self._host)
        unit = units.own_unit(request.name)
        file = await self._deployer.look_at(units.own_path(request.name))
        seen = await self._ask(unit)
        first, said = decisions.before_delete(seen) if file.note is not None else ([], "")
        return await self._act(seen, files.undeploy(file, first=first, then=[decisions.RELOAD], said=said))

    async def start(self, request: ServiceAction, /) -> ServiceChange:
        """Start a service. A second call changes nothing."""
        seen = await self._look(request.name)
        return await self._act(seen, decisions.start(seen))

    async def stop(self, request: ServiceAction, /) -> ServiceChange:
        """Stop a service. A second call changes nothing."""
        seen = await self._look(request.name)
        return await self._act(seen, decisions.stop(seen, force=request.force))

    async def restart(self, request: ServiceAction, /) -> ServiceChange:
        """Restart a service. A second call restarts it again."""
        seen = await self._look(request.name)
        return await self._act(seen, decisions.restart(seen, force=request.force))

    async def reload(self, request: ServiceAction, /) -> ServiceChange:
        """Let a service read its configuration again. A second call does so again."""
        seen = await self._look(request.name)
        return await self._act(seen, decisions.reload(seen))

    async def enable(self, request: ServiceAction, /) -> ServiceChange:
        """Start a service at boot. A second call changes nothing."""
        seen = await self._look(request.name)
        return await self._act(seen, decisions.enable(seen))

    async def disable(self, request: ServiceAction, /) -> ServiceChange:
        """Start a service at boot no longer. A second call changes nothing."""
        seen = await self._look(request.name)
        return await self._act(seen, decisions.disable(seen, force=request.force))

    async def mask(self, request: ServiceAction, /) -> ServiceChange:
        """Make it impossible to start a service. A second call changes nothing."""
        seen = await self._look(request.name)
        return await self._act(seen, decisions.mask(seen, force=request.force))

    async def unmask(self, request: ServiceAction, /) -> ServiceChange:
        """Make it possible again. A second call changes nothing."""
        seen = await self._look(request.name)
        return await self._act(seen, decisions.unmask(seen))

    async def _deploy(
        self, name: str, content: Content, *, adopt: bool = False, then: Sequence[Action] = ()
    ) -> ServiceChange:
        wanted = Wanted(path=units.own_path(name), content=content, owner="root", group="root")
        file = await self._deployer.look(wanted)
        plan = files.deploy(wanted, file, adopt=adopt, then=[decisions.RELOAD, *then])
        return await self._act(await self._ask(units.own_unit(name)), plan)

    async def _act(self, seen: Seen, plan: Plan) -> ServiceChange:
        """Carry out a plan. A service that did not do as it was told says why in its journal."""
        try:
            applied = await self._host.apply(plan)
        except CommandFailed as problem:
            raise await self._explained(seen.unit, problem) from problem
        state = seen.state
        if applied.changed and not self._host.check_mode:
            state = (await self._ask(seen.unit)).state
        return ServiceChange(changed=applied.changed, diff=applied.diff, name=seen.unit, state=state)

    async def _explained(self, unit: str, problem: CommandFailed) -> Permanent:
        seen = await self._ask(unit)
        said = await self._host.run((*_LAST_LINES, unit)) if self._host.which("journalctl") else None
        lines = said.stdout.decode("utf-8", "replace").strip() if said else ""
        result = seen.shown.get("Result", "")
        text = f"{problem.message}; {unit} is {seen.state} ({result})" + (
            f"; its journal ends with: {lines}" if lines else ""
        )
        return CommandFailed(text)

    async def _look(self, name: str) -> Seen:
        """The unit that a name stands for."""
        await systemd.need(self._host)
        seen = await self._ask(units.unit_of(name))
        if seen.load == _NOT_FOUND and await self._host.managed.get(units.own_path(name)) is not None:
            return await self._ask(units.own_unit(name))
        return seen

    async def _ask(self, unit: str) -> Seen:
        shown = units.properties((await self._output(units.question(unit))).decode("utf-8", "replace"))
        return Seen(shown.get("Id", unit), shown)

    async def _output(self, argv: tuple[str, ...]) -> bytes:
        done: Completed = await self._host.run(argv)
        if done.exit_code != 0:
            raise failure_of(done)
        return done.stdout

    async def _content(self, name: str) -> Content:
        """The unit of an object, checked."""
        content = await self._deployer.from_object(name)
        decisions.check_unit(await self._deployer.whole(content), name)
        return content


def provider(host: Host) -> ServiceProvider:
    """A provider for one job."""
    return LinuxServices(host)
