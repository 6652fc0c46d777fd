"""Carries out what a provider decided. The same for every kind of host."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import aclosing

from osapi.contract.errors import CommandFailed, MissingTool, Permanent
from osapi.host import trial
from osapi.host.door import Host
from osapi.host.managed import ManagedFile
from osapi.host.plan import (
    Action,
    Applied,
    Fetch,
    FileAction,
    Forget,
    Intend,
    Keep,
    Link,
    NoteAction,
    Plan,
    Remember,
    Remove,
    Restore,
    Run,
    SetKernelValue,
    Signal,
    Try,
    Write,
)
from osapi.host.program import Completed
from osapi.host.service import Answered, Ask
from osapi.host.taking import taking

_LAST_WORDS = 2048
"""Bytes of standard error that a failure carries."""


Told = Completed | Answered
"""What a program or a service had to say."""


async def apply(host: Host, plan: Plan) -> Applied:
    """Do the actions in order, up to the first failure, which is raised. In check mode, do nothing."""
    if host.check_mode:
        return Applied(changed=plan.changes, diff=plan.diff)
    _need_programs(host, plan.actions)
    told = await _perform_all(host, plan.actions)
    return Applied(
        changed=plan.changes,
        diff=plan.diff,
        runs=tuple(one for one in told if isinstance(one, Completed)),
        answers=tuple(one for one in told if isinstance(one, Answered)),
    )


def _need_programs(host: Host, actions: Iterable[Action]) -> None:
    """Raise `MissingTool` before anything is done when something that will be run is not installed."""
    for program in _programs(actions):
        if not program.startswith("/") and host.which(program) is None:
            raise MissingTool(f"{program} is not installed on this host; nothing was changed")


def _programs(actions: Iterable[Action]) -> Iterator[str]:
    for action in actions:
        if isinstance(action, Run):
            yield action.argv[0]
        elif isinstance(action, Try):
            yield from (*trial.PROGRAMS, *_programs(action.actions))


async def _perform_all(host: Host, actions: Iterable[Action]) -> list[Told]:
    """Do the actions in order; what programs and services had to say."""
    return [told for action in actions for told in await _perform(host, action)]


async def _perform(host: Host, action: Action) -> list[Told]:
    match action:
        case Run():
            return [await _run(host, action)]
        case Ask():
            return [await host.ask(action)]
        case Signal():
            await host.send_signal(action.pid, action.start_ticks, action.number)
        case SetKernelValue():
            await _set_kernel_value(host, action)
        case Try():
            return await trial.hold(host, action, lambda: _perform_all(host, action.actions))
        case Remember() | Intend() | Forget():
            await _take_note(host, action)
        case _:
            await _change_file(host, action)
    return []


async def _change_file(host: Host, action: FileAction) -> None:
    match action:
        case Write():
            await _write(host, action)
        case Fetch():
            await _fetch(host, action)
        case Keep(path=path):
            await host.backups.keep(path)
        case Restore(path=path):
            await host.backups.restore(path)
        case Remove(path=path):
            await host.remove(path)
        case Link(path=path, target=target):
            await host.link(path, target)


async def _take_note(host: Host, action: NoteAction) -> None:
    """A note and the copy of what was there before are dropped together, the note first: it tells of the copy."""
    match action:
        case Remember():
            await host.managed.put(_note(host, action))
        case Intend(path=path, sha256=digest):
            await host.managed.intend(path, digest)
        case Forget(path=path, restored=restored):
            await host.managed.forget(path, host.now(), restored)
            await host.backups.drop(path)


async def _write(host: Host, action: Write) -> None:
    await host.write(
        action.path,
        action.content,
        mode=action.mode,
        owner=action.owner,
        group=action.group,
        make_parents=action.make_parents,
    )


async def _fetch(host: Host, action: Fetch) -> None:
    async with aclosing(host.objects.read(action.object)) as content:
        await host.write_from(
            action.path,
            content,
            sha256=action.object.sha256,
            mode=action.mode,
            owner=action.owner,
            group=action.group,
            make_parents=action.make_parents,
        )


async def _set_kernel_value(host: Host, action: SetKernelValue) -> None:
    try:
        await host.set_kernel_value(action.path, action.value)
    except Permanent:
        if action.required:
            raise


async def _run(host: Host, action: Run) -> Completed:
    async with taking(host.task, live=action.live, keep=action.keep) as output:
        completed = await output.complete(
            host.run(
                action.argv,
                stdin=action.stdin,
                deadline_s=action.deadline_s,
                env=action.env,
                cwd=action.cwd,
                user=action.user,
                privileged=action.privileged,
                output_limit=action.output_limit,
                on_output=output.taker,
            ),
            action.deadline_s,
        )
    if action.accept is not None and completed.exit_code not in action.accept:
        raise failure_of(completed, action.failure)
    return completed


def failure_of(completed: Completed, code: str = CommandFailed.code) -> CommandFailed:
    """The failure to tell about a program: its name, how it ended, its last words."""
    ended = f"status {completed.exit_code}"
    if completed.signal is not None:
        ended = f"signal {signal.Signals(completed.signal).name}"
    words = (completed.stderr or completed.stdout)[-_LAST_WORDS:].decode("utf-8", "replace").strip()
    return CommandFailed(f"{completed.argv[0]} ended with {ended}" + (f": {words}" if words else ""), code=code)


def _note(host: Host, action: Remember) -> ManagedFile:
    return ManagedFile(
        path=action.path,
        sha256=action.sha256,
        operation=host.task.operation,
        job_id=host.task.job_id,
        recorded=host.now(),
        settled=action.settled,
        mode=action.mode,
        owner=action.owner,
        group=action.group,
        source=action.source,
        metadata=action.metadata,
    )
