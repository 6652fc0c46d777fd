"""Containers from their making to their removal."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from osapi.contract.errors import NotFound, OsapiError, Permanent
from osapi.domains.docker import decisions, notation, shown
from osapi.domains.docker.answers import Container, Image, Listed, Made, full_id
from osapi.domains.docker.decisions import Turn
from osapi.domains.docker.engine import Engine, connect, read
from osapi.domains.docker.models import (
    ContainerChange,
    ContainerCreate,
    ContainerCreated,
    ContainerDetail,
    ContainerFilter,
    ContainerKey,
    ContainerList,
    ContainerRemove,
    ContainerStop,
)
from osapi.domains.docker.using import EngineUser
from osapi.host.ending import to_the_end
from osapi.host.plan import Applied, Plan


class Lifecycle(EngineUser):
    """Shows, makes, turns on and off, and removes containers."""

    async def containers(self, request: ContainerFilter, /) -> ContainerList:
        """The containers in the states asked for."""
        engine = await connect(self._host)
        found = await engine.get("list the containers", list[Listed], "/containers/json", all=True)
        return shown.containers(request, found)

    async def inspect(self, request: ContainerKey, /) -> ContainerDetail:
        """One container. Raises `NotFound`."""
        return shown.container(await (await connect(self._host)).container(request.id))

    async def create(self, request: ContainerCreate, /) -> ContainerCreated:
        """Make a container, and start it if asked to; nothing stays of one that cannot be started.

        One of this name that is as asked for is left alone. Raises `Conflict` when it is another one, and
        `NotFound` when the image is not on this host.
        """
        engine = await connect(self._host)
        image = await engine.find_image(request.image)
        found = await self._named(engine, request.name)
        if found is not None:
            return await self._converge(engine, request, found, image)
        if image is None:
            raise NotFound(f"image {request.image} is not on this host; pull it first")
        await self._refuse_missing_sources(request)
        return await self._make(engine, request)

    async def start(self, request: ContainerKey, /) -> ContainerChange:
        """Start a container; nothing when it runs."""
        return await self._turn(request.id, "start", decisions.start)

    async def stop(self, request: ContainerStop, /) -> ContainerChange:
        """Stop a container; nothing when it does not run."""
        return await self._turn(
            request.id, "stop", lambda engine, found: decisions.stop(engine, found, request.timeout)
        )

    async def restart(self, request: ContainerStop, /) -> ContainerChange:
        """Stop a container and start it again. Each call does."""
        return await self._turn(
            request.id, "restart", lambda engine, found: decisions.restart(engine, found, request.timeout)
        )

    async def pause(self, request: ContainerKey, /) -> ContainerChange:
        """Freeze the processes of a container; nothing when they are frozen."""
        return await self._turn(request.id, "pause", decisions.pause)

    async def unpause(self, request: ContainerKey, /) -> ContainerChange:
        """Let the processes of a container go on; nothing when they do."""
        return await self._turn(request.id, "unpause", decisions.unpause)

    async def remove(self, request: ContainerRemove, /) -> ContainerChange:
        """Remove a container; nothing when there is none."""
        engine = await connect(self._host)
        found = await engine.find_container(request.id)
        if found is None:
            return ContainerChange(changed=False, id=request.id, message=f"there is no container {request.id}")
        return await self._carry_out(found, decisions.remove(engine, found, request), "remove")

    async def _named(self, engine: Engine, name: str) -> Container | None:
        """The container of exactly this name; the engine would also take the beginning of an id."""
        if not name:
            return None
        found = await engine.find_container(name)
        return found if found is not None and found.plain_name == name else None

    async def _turn(self, container: str, verb: str, decide: Callable[[Engine, Container], Turn]) -> ContainerChange:
        engine = await connect(self._host)
        found = await engine.container(container)
        return await self._carry_out(found, decide(engine, found), verb)

    async def _carry_out(self, found: Container, turn: Turn, verb: str) -> ContainerChange:
        applied = await self._apply(turn.plan, f"{verb} container {found.plain_name}")
        words = turn.sentence(found.plain_name, changed=applied.changed, check_mode=self._host.check_mode)
        return ContainerChange(changed=applied.changed, diff=applied.diff, id=found.id, message=words)

    async def _converge(
        self, engine: Engine, request: ContainerCreate, found: Container, image: Image | None
    ) -> ContainerCreated:
        own = image if image is not None and image.full_id == full_id(found.image) else None
        if own is None:
            path = f"/images/{full_id(found.image)}/json"
            own = await engine.get(f"look at the image of container {request.name}", Image, path)
        differences = decisions.asked_and_found(request, found, image, own)
        plan = decisions.converge(engine, request, found, differences)
        applied = await self._apply(plan, f"start container {request.name}")
        return _created(request, await engine.container(found.id) if applied.answers else found, applied)

    async def _refuse_missing_sources(self, request: ContainerCreate) -> None:
        """Raise `NotFound` for a path that is not on this host; Podman would make a directory of it.

        What is behind a symbolic link is left to the engine, which may follow where we do not.
        """
        for volume in notation.volumes(request.volumes):
            if not volume.is_bind:
                continue
            with contextlib.suppress(Permanent):
                if await self._host.stat(volume.source) is None:
                    raise NotFound(
                        f"volumes: there is no {volume.source} on this host; make it first, or name a volume"
                    )

    async def _make(self, engine: Engine, request: ContainerCreate) -> ContainerCreated:
        what = f"make container {request.name}".rstrip()
        applied = await self._apply(decisions.create(engine, request), what)
        if not applied.answers:
            return ContainerCreated(changed=True, diff=applied.diff, name=request.name, image=request.image)
        made = read(applied.answers[0], what, Made)
        if request.auto_start:
            await self._start_or_remove(engine, made.id, what)
        return _created(request, await engine.container(made.id), applied, made.warnings)

    async def _start_or_remove(self, engine: Engine, container: str, what: str) -> None:
        found = await engine.container(container)
        try:
            await self._apply(decisions.start(engine, found).plan, what)
        except BaseException:
            removal = engine.ask("DELETE", f"/containers/{container}", query={"force": True, "v": True})
            with contextlib.suppress(OsapiError):
                await to_the_end(self._host.apply(Plan((removal,))))
            raise


def _created(
    request: ContainerCreate, found: Container, applied: Applied, warnings: list[str] | None = None
) -> ContainerCreated:
    return ContainerCreated(
        changed=applied.changed,
        diff=applied.diff,
        id=found.id,
        name=found.plain_name,
        image=request.image,
        state=found.state.status,
        created=found.created,
        warnings=warnings or [],
    )
