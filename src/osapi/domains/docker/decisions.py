"""What to ask the engine for, given what it has. Pure: `Engine.ask` only makes data."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from osapi.contract.errors import Conflict
from osapi.domains.docker import configuration
from osapi.domains.docker.answers import Container, Image
from osapi.domains.docker.engine import Engine
from osapi.domains.docker.models import ContainerCreate, ContainerExec, ContainerRemove
from osapi.host.plan import Plan

STOP_S = 10
"""Seconds that the engine gives a container to end, unless it was made with others."""
ACT_S = 60.0
"""Seconds that the engine may take to do something."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What to do about a container, and how to say it: `started`, `runs already`."""

    plan: Plan
    done: str
    already: str = ""

    def sentence(self, name: str, *, changed: bool, check_mode: bool) -> str:
        """What became of it."""
        if not changed:
            return f"container {name} {self.already}"
        return f"container {name} {'would be' if check_mode else 'was'} {self.done}"


def start(engine: Engine, found: Container) -> Turn:
    """Start a container that does not run. Raises `Conflict` for one that is paused."""
    if found.state.paused:
        raise Conflict(f"container {found.plain_name} is paused, which start does not end; use unpause")
    plan = Plan() if found.state.running else _turn(engine, found, "start", "running")
    return Turn(plan=plan, done="started", already="runs already")


def stop(engine: Engine, found: Container, timeout: int | None) -> Turn:
    """Stop a container that runs, is paused, or is about to be restarted."""
    plan = _turn(engine, found, "stop", "exited", timeout) if found.state.running else Plan()
    return Turn(plan=plan, done="stopped", already="does not run")


def restart(engine: Engine, found: Container, timeout: int | None) -> Turn:
    """Stop a container and start it again, or just start it."""
    return Turn(plan=_turn(engine, found, "restart", "running, restarted", timeout), done="restarted")


def pause(engine: Engine, found: Container) -> Turn:
    """Freeze the processes of a container. Raises `Conflict` when it has none."""
    _refuse_stopped(found, "paused")
    plan = Plan() if found.state.paused else _turn(engine, found, "pause", "paused")
    return Turn(plan=plan, done="paused", already="is paused already")


def unpause(engine: Engine, found: Container) -> Turn:
    """Let the processes of a container go on. Raises `Conflict` when it has none."""
    _refuse_stopped(found, "unpaused")
    plan = _turn(engine, found, "unpause", "running") if found.state.paused else Plan()
    return Turn(plan=plan, done="unpaused", already="is not paused")


def remove(engine: Engine, found: Container, request: ContainerRemove) -> Turn:
    """Remove a container. Raises `Conflict` when it runs and `force` is not set."""
    if found.state.running and not request.force:
        raise Conflict(f"container {found.plain_name} is {found.state.status}; stop it first, or set force")
    query: dict[str, object] = {"force": request.force or None, "v": request.volumes or None}
    ask = engine.ask("DELETE", f"/containers/{found.id}", query=query, deadline_s=ACT_S)
    diff = f"-container {found.plain_name} ({found.state.status}, image {found.config.image})"
    return Turn(plan=Plan((ask,), diff), done="removed")


def create(engine: Engine, request: ContainerCreate) -> Plan:
    """Make a container; it is started afterwards."""
    query: dict[str, object] = {"name": request.name or None}
    ask = engine.ask("POST", "/containers/create", query=query, body=configuration.body(request), deadline_s=ACT_S)
    return Plan((ask,), configuration.described(request))


def converge(engine: Engine, request: ContainerCreate, found: Container, differences: list[str]) -> Plan:
    """What is left to do when a container of this name is there: to start one that never was.

    Raises `Conflict` when it is another one than asked for. One that was stopped stays so.
    """
    if differences:
        raise Conflict(
            f"there is a container {found.plain_name}, and it differs in {', '.join(differences)}; remove it first, "
            "or take another name",
            details={"id": found.id, "differences": differences},
        )
    was_never_started = found.state.status == "created"
    return start(engine, found).plan if request.auto_start and was_never_started else Plan()


def prepare(engine: Engine, found: Container, request: ContainerExec, mark: str) -> Plan:
    """Have the engine prepare a program, with `mark` in its environment. Raises `Conflict` when it cannot run."""
    _refuse_stopped(found, "entered")
    if found.state.paused:
        raise Conflict(f"container {found.plain_name} is paused, so that nothing runs in it; unpause it first")
    settings = {
        "AttachStdout": True,
        "AttachStderr": True,
        "Cmd": request.command,
        "Env": [*request.env, mark],
        "WorkingDir": request.working_dir,
        "User": request.user,
    }
    body = {name: value for name, value in settings.items() if value}
    ask = engine.ask("POST", f"/containers/{found.id}/exec", body=body)
    return Plan((ask,), f"would run in container {found.plain_name}: {shlex.join(request.command)}")


def asked_and_found(request: ContainerCreate, found: Container, named: Image | None, own: Image) -> list[str]:
    """In what a container differs from what is asked for.

    `named` is the image that the request names now, None when it is not on this host; `own` the container's.
    """
    asked = configuration.wanted(request, named or own)
    differences = configuration.differences(asked, configuration.actual(found, own))
    has_other_name = named is None and found.config.image != request.image
    return ["image", *differences] if has_other_name else differences


def _refuse_stopped(found: Container, done: str) -> None:
    if not found.state.running:
        raise Conflict(f"container {found.plain_name} is {found.state.status} and cannot be {done}; start it first")


def _turn(engine: Engine, found: Container, verb: str, becomes: str, timeout: int | None = None) -> Plan:
    grace_s = timeout if timeout is not None else found.config.stop_timeout or STOP_S
    query: dict[str, object] = {"t": timeout}
    ask = engine.ask("POST", f"/containers/{found.id}/{verb}", query=query, deadline_s=ACT_S + grace_s)
    return Plan((ask,), f"container {found.plain_name}: {found.state.status} -> {becomes}")
