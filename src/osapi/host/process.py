"""Runs one program to its end: argument lists only, its own session, bounded output, an end in bounded time.

A program and everything it starts share a process group, which is killed as a whole when time runs out or
the caller is cancelled. What left the group (setsid(2)) is found by a mark in its environment, or by its
ancestors while they live. A process that left the group *and* wiped its environment *and* outlived its
parents is not found; only a control group could hold it. A program that ends in time may leave processes
behind, as with `nohup`, provided that they have let go of its output.

The end is awaited by pidfd_open(2) and the child stays a zombie until everything is over, so that its
process id, which is the group's too, cannot come to mean somebody else in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from osapi.contract.errors import Invalid, MissingTool, NotFound, OsapiError, Permanent
from osapi.host import strays
from osapi.host.accounts import Account
from osapi.host.ending import own_thread, to_the_end
from osapi.host.failures import from_os
from osapi.host.pipes import InputPipe, OutputPipe
from osapi.host.program import DEADLINE_S, OUTPUT_LIMIT, Completed, OnOutput, Stream, TimedOut, check_argv

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for. The agent's own PATH does not matter."""
MARK = "OSAPI_RUN_ID"
"""Variable that marks every process of one run."""
GRACE_S = 0.7
"""Time between SIGTERM and SIGKILL."""
CROWD = 64
"""A run with more processes than this gets no grace: it may be starting them faster than we can look."""
KILL_S = 1.0
"""Time the caller waits for all to be killed. With `GRACE_S` less than `program.OVERRUN_S`."""
PURSUIT_S = 60.0
"""Time after which the hunt for what is left is given up, the caller having gone on long since."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run. `account` None means the agent's own."""

    argv: Sequence[str]
    stdin: bytes | None = field(default=None, repr=False)
    deadline_s: float = DEADLINE_S
    env: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    cwd: str = "/"
    account: Account | None = None
    output_limit: int = OUTPUT_LIMIT
    on_output: OnOutput | None = None


async def run(program: Program) -> Completed:
    """Run the program; see `Host.run` for what is raised."""
    check_argv(program.argv)
    running = _Running(program)
    try:
        async with asyncio.timeout(program.deadline_s):
            await running.ended.wait()
    except TimeoutError:
        await to_the_end(running.kill())
        words = f"{program.argv[0]} took longer than {program.deadline_s:g} s and was stopped"
        raise TimedOut(words, running.completed()) from None
    except asyncio.CancelledError:
        await to_the_end(running.kill())
        raise
    finally:
        running.close()
    return running.completed()


def clean_environment(account: Account | None, extra: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a program: nothing of the agent's own, no translations."""
    env = {"PATH": PATH, "LC_ALL": "C.UTF-8", "HOME": "/root" if os.geteuid() == 0 else "/"}
    if account is not None:
        env |= {"HOME": account.home, "USER": account.name, "LOGNAME": account.name, "SHELL": account.shell}
    return env | dict(extra)


class _Running:
    """A program that was started. `ended` is set when it is gone and nobody holds its output open."""

    def __init__(self, program: Program) -> None:
        self.ended = asyncio.Event()
        self._program = program
        self._started = time.monotonic()
        self._token = secrets.token_hex(16)
        self._outputs = {stream: self._output(stream) for stream in ("stdout", "stderr")}
        self._input = None if program.stdin is None else InputPipe(program.stdin)
        self._end: os.waitid_result | None = None
        self._hunt: Future[bool] | None = None
        self._child = self._spawn()
        self._pidfd = os.pidfd_open(self._child.pid)
        for pipe in self._pipes():
            pipe.start()
        asyncio.get_running_loop().add_reader(self._pidfd, self._on_exit)

    async def kill(self) -> None:
        """End everything: SIGTERM to the group, a moment of grace, SIGKILL to all that is left.

        Before that the group is stopped and it is noted who belongs to the run, while nobody starts others
        and all parents live by whom that can be told.
        """
        self._signal_group(signal.SIGSTOP)
        run = strays.Run(self._child.pid, f"{MARK}={self._token}".encode())
        known = await asyncio.wrap_future(own_thread(lambda: strays.find(run), "find strays"))
        if len(known) <= CROWD:
            await self._warn()
        until = time.monotonic() + PURSUIT_S
        self._hunt = own_thread(lambda: strays.kill_all(run, known, until), "kill strays")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KILL_S):
                await asyncio.shield(asyncio.wrap_future(self._hunt))
        self._on_exit()
        for output in self._outputs.values():
            output.take_rest()

    async def _warn(self) -> None:
        self._signal_group(signal.SIGTERM)
        self._signal_group(signal.SIGCONT)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                await self.ended.wait()

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, number)

    def completed(self) -> Completed:
        """What is known now."""
        captures = {stream: output.capture for stream, output in self._outputs.items()}
        by_signal = self._end is not None and self._end.si_code != os.CLD_EXITED
        status = None if self._end is None else self._end.si_status
        return Completed(
            argv=tuple(self._program.argv),
            stdout=captures["stdout"].content(),
            stderr=captures["stderr"].content(),
            exit_code=None if by_signal else status,
            signal=status if by_signal else None,
            duration_s=time.monotonic() - self._started,
            truncated=any(capture.left_out for capture in captures.values()),
        )

    def close(self) -> None:
        """Let go of the pipes and of the child, whose process id is free from now on, or once all are killed."""
        for pipe in self._pipes():
            pipe.close()
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        is_over = self._hunt is None or self._hunt.done()
        if not is_over or self._child.poll() is None:
            own_thread(self._reap, "reap")

    def _reap(self) -> None:
        if self._hunt is not None:
            self._hunt.result()
        self._child.wait()

    def _spawn(self) -> subprocess.Popen[bytes]:
        program, account = self._program, self._program.account
        env = clean_environment(account, {**program.env, MARK: self._token})
        try:
            return subprocess.Popen(
                list(program.argv),
                stdin=subprocess.DEVNULL if self._input is None else self._input.theirs,
                stdout=self._outputs["stdout"].theirs,
                stderr=self._outputs["stderr"].theirs,
                env=env,
                cwd=program.cwd,
                start_new_session=True,
                user=None if account is None else account.uid,
                group=None if account is None else account.gid,
                extra_groups=None if account is None else account.groups,
            )
        except (OSError, ValueError) as err:
            for pipe in self._pipes():
                pipe.abandon()
            raise _not_started(program, err) from err

    def _output(self, stream: Stream) -> OutputPipe:
        told = self._program.on_output
        return OutputPipe(self._program.output_limit, told and partial(told, stream), self._note)

    def _pipes(self) -> list[InputPipe | OutputPipe]:
        return [*self._outputs.values(), *([self._input] if self._input else [])]

    def _on_exit(self) -> None:
        if self._end is None:
            self._end = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if self._end is not None:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            self._note()

    def _note(self) -> None:
        if self._end is not None and not any(output.is_open for output in self._outputs.values()):
            self.ended.set()


def _not_started(program: Program, err: OSError | ValueError) -> OsapiError:
    name = program.argv[0]
    if isinstance(err, ValueError):
        return Invalid(f"cannot run {name}: environment and directory may not hold NUL, nor names of variables `=`")
    if isinstance(err, FileNotFoundError | NotADirectoryError) and err.filename == program.cwd:
        return NotFound(f"cannot run {name}: there is no directory {program.cwd}")
    if isinstance(err, FileNotFoundError):
        return MissingTool(f"{name} is not installed on this host")
    failure = from_os(err, f"cannot run {name}")
    if isinstance(err, PermissionError):
        return Permanent(f"{failure.message}; is it a program, and may this account run it?", code=failure.error_code)
    return failure
