"""A change that may cut the host off, held on trial: it stays only if the controller can be reached afterwards.

Before the change, copies of the files and a script that puts them back (see `undoing`) are on disk, and a timer
of systemd is armed to start it. Then the change; then a round trip over a new connection. If that succeeds,
`pending` is removed and the change stays. If not, or if anything fails, the agent starts the script at once.
If the agent is killed, its next start does; if it does not start either, the timer does.

The folder is used by one change at a time: what is held on trial has one lock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from osapi.contract.errors import Conflict, OsapiError, Permanent
from osapi.host import systemd, trial_units
from osapi.host.door import Host
from osapi.host.ending import to_the_end
from osapi.host.plan import Fetch, Remove, Restore, Try, Write
from osapi.host.trial_units import WINDOW_S
from osapi.host.undoing import PENDING, UNDOING, UNDONE

SETTLE_S = 2.0
"""Time that a change may need to take effect after the program that made it has ended: the backends of netplan
work on by themselves. A round trip counts only if it begins after that."""
REACH_S = 15.0
"""Time in which the round trip must succeed."""
UNDO_S = 60.0
REVERTED = "reverted"
"""Code of a job whose change was undone."""
UNDO_FAILED = "undo_failed"
"""Code of a job whose change could not be undone, or only in part."""

PROGRAMS = ("systemd-run", "systemctl")
"""What holding a change on trial needs, besides what the change itself runs."""

_TOUCHING = (Write, Fetch, Restore, Remove)

T = TypeVar("T")


async def hold(host: Host, trying: Try, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work and let it stay if the controller is reached afterwards. A cancellation undoes it, too.

    Raises `Permanent` with code `reverted`, or what the work raised with its code, when it was undone; with
    code `undo_failed` when that failed as well. Raises `Unsupported` where systemd, whose
    timer is to undo it, does not run.
    """
    await _arm(host, trying)
    try:
        runs = await work()
        doubt = await _doubt(host)
    except OsapiError as problem:
        await _undo_and_tell(host, problem.message, problem.error_code)
    except BaseException:
        await to_the_end(_undo(host, host.task.job_id))
        raise
    if doubt is not None:
        await _undo_and_tell(host, doubt, REVERTED)
    await _attempt(host, trial_units.stop(host.task.job_id))
    await _clear(host)
    return runs


async def settle(host: Host) -> str | None:
    """Undo what an agent that has ended left on trial; the id of its job, or None when there is nothing to undo."""
    for name in (PENDING, UNDOING):
        left = await host.read(_path(host, name))
        if left is not None:
            job_id = left.decode("utf-8", "replace")
            await _undo(host, job_id)
            return job_id
    return None


@dataclass(frozen=True)
class Aftermath:
    """What became of a change that was on trial: a code for machines, and words for people."""

    code: str
    told: str


async def aftermath(host: Host, job_id: str) -> Aftermath | None:
    """What is known of the change of a job that did not come to its end; None when nothing is."""
    endings = {
        UNDONE: Aftermath(REVERTED, "its change was undone"),
        UNDOING: Aftermath(UNDO_FAILED, "its change could be undone only in part"),
    }
    for name, ending in endings.items():
        if await host.read(_path(host, name)) == job_id.encode():
            return ending
    return None


async def _doubt(host: Host) -> str | None:
    """Why the change may not stay; None when it stays from now on."""
    if not await host.reaches_controller(SETTLE_S, REACH_S):
        return f"the controller could not be reached within {REACH_S:g} s after the change"
    if not await host.remove(_path(host, PENDING)):
        return f"the change was not confirmed within {WINDOW_S} s"
    return None


async def _arm(host: Host, trying: Try) -> None:
    await systemd.need(host)
    if (left := await settle(host)) is not None:
        raise Conflict(f"the change of job {left} was on trial still and is undone now; look again, then repeat this")
    await _clear(host)
    copies = await _copy(host, trying)
    await host.write_undo(copies, trying.repair)
    await host.write(_path(host, PENDING), host.task.job_id.encode(), mode=0o600)
    await _start_timer(host)


async def _copy(host: Host, trying: Try) -> dict[str, str | None]:
    """Copy the files that the change touches; the names of the copies, None where there is no file."""
    paths = dict.fromkeys(action.path for action in trying.actions if isinstance(action, _TOUCHING))
    return {path: await _copy_one(host, path, f"copy-{number}") for number, path in enumerate(paths)}


async def _copy_one(host: Host, path: str, name: str) -> str | None:
    content, stat = await host.read(path), await host.stat(path)
    if content is None or stat is None:
        return None
    await host.write(_path(host, name), content, mode=stat.mode, make_parents=True)
    return name


async def _start_timer(host: Host) -> None:
    try:
        done = await host.run(trial_units.arm(host.task.job_id, host.trial_dir), privileged=True)
    except OsapiError:
        await _clear(host)
        raise
    if done.exit_code != 0:
        await _clear(host)
        words = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise Permanent(f"nothing was changed: no timer could be armed to undo it: {words}", code="no_timer")


async def _undo_and_tell(host: Host, problem: str, code: str) -> NoReturn:
    if not await _undo(host, host.task.job_id):
        raise Permanent(f"{problem}; undoing it failed, see {_path(host)} on the host", code=UNDO_FAILED)
    raise Permanent(f"{problem}; the change was undone", code=code)


async def _undo(host: Host, job_id: str) -> bool:
    """Start the script; whether everything is as before. Where its timer is gone, as after a reboot, without it."""
    for argv in (trial_units.start(job_id), trial_units.start_anew(job_id, host.trial_dir)):
        if not await _is_undone(host):
            await _attempt(host, argv)
    if not await _is_undone(host):
        return False
    await _attempt(host, trial_units.stop(job_id))
    await host.reaches_controller(0.0, REACH_S)
    return True


async def _is_undone(host: Host) -> bool:
    return await host.stat(_path(host, UNDONE)) is not None


async def _attempt(host: Host, argv: tuple[str, ...]) -> None:
    """Run a program of which it does not matter here how it ends; what matters is looked at afterwards."""
    with contextlib.suppress(OsapiError):
        await host.run(argv, privileged=True, deadline_s=UNDO_S)


async def _clear(host: Host) -> None:
    for name in await host.list_dir(_path(host)):
        await host.remove(_path(host, name))


def _path(host: Host, *names: str) -> str:
    return "/".join((host.trial_dir, *names))
