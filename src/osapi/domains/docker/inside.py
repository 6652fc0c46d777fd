"""What goes on inside a container: programs to run there, what it writes, what it uses."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec

from osapi.contract.errors import Conflict, DeadlineExceeded, Unavailable
from osapi.domains.docker import decisions, refusals, since, usage
from osapi.domains.docker.answers import Container, ExecState, Made
from osapi.domains.docker.engine import Engine, connect, read, refuse
from osapi.domains.docker.following import Follower
from osapi.domains.docker.frames import Frames
from osapi.domains.docker.lines import Lines
from osapi.domains.docker.models import (
    ContainerExec,
    ContainerKey,
    ContainerLog,
    ContainerLogQuery,
    ContainerStats,
    ExecResult,
)
from osapi.domains.docker.output import Output
from osapi.domains.docker.using import EngineUser
from osapi.host.plan import Plan
from osapi.host.service import Heard

LOG_S = 25.0
STOP_S = 1.5
"""Seconds in which a program is stopped that ran out of time; the agent waits a little longer."""
_LOOK_S = 0.05
_NEVER_STARTED = (126, 127)


class Inside(EngineUser):
    """Runs programs in containers, and tells what these write and use."""

    async def execute(self, request: ContainerExec, /) -> ExecResult:
        """Run a program in a container. When time runs out it is killed, and the failure carries its output."""
        engine = await connect(self._host)
        found, what = await engine.container(request.id), f"run {request.command[0]} in container {request.id}"
        mark = f"OSAPI_JOB_ID={self._host.task.job_id}"
        prepared = await self._apply(decisions.prepare(engine, found, request, mark), what)
        if not prepared.answers:
            return ExecResult(changed=True, diff=prepared.diff, stdout="", stderr="")
        program = read(prepared.answers[0], what, Made).id
        output = Output(self._host.task.live)
        try:
            async with asyncio.timeout(request.timeout):
                state = await self._run(engine, program, output, request.timeout, what)
        except (TimeoutError, DeadlineExceeded) as late:
            ending = "was stopped" if await self._stop(engine, program, mark) else "may still run there"
            words = f"{request.command[0]} in container {request.id} took longer than {request.timeout} s and {ending}"
            raise DeadlineExceeded(words, details=msgspec.to_builtins(output.result(None))) from late
        except asyncio.CancelledError:
            await self._stop(engine, program, mark)
            raise
        except Unavailable:
            await self._host.kill_marked(mark)
            raise
        if state.pid == 0 and state.exit_code in _NEVER_STARTED:
            raise refusals.refusal(0, output.text, what)
        return output.result(state.exit_code)

    async def log(self, request: ContainerLogQuery, /) -> ContainerLog:
        """The latest lines that a container has written, or these and what comes, as it comes."""
        engine = await connect(self._host)
        found = await engine.container(request.id)
        if request.follow:
            return await self._follow(engine, found, request)
        lines = Lines()
        await self._hear(engine, found, request, LOG_S, Frames(lines.add, terminal=found.config.tty).add)
        return lines.told()

    async def stats(self, request: ContainerKey, /) -> ContainerStats:
        """What a container uses; takes the engine about a second. Raises `Conflict` for one that does not run."""
        engine = await connect(self._host)
        found = await engine.container(request.id)
        if not found.state.running:
            raise Conflict(f"container {found.plain_name} is {found.state.status} and uses nothing; start it first")
        what, path = f"measure container {request.id}", f"/containers/{found.id}/stats"
        figures = await engine.get(what, usage.Figures, path, stream=False)
        return usage.told(found.id, found.plain_name, figures)

    async def _follow(self, engine: Engine, found: Container, request: ContainerLogQuery) -> ContainerLog:
        """Pass lines on until the container ends or the time is over; whoever leaves earlier cancels the job."""
        follower = Follower(self._host.task.live, terminal=found.config.tty)
        with contextlib.suppress(DeadlineExceeded):
            await self._hear(engine, found, request, float(request.duration), follower.hear)
        await follower.end()
        return ContainerLog(lines=[], followed=follower.count)

    async def _hear(
        self, engine: Engine, found: Container, request: ContainerLogQuery, deadline_s: float, heard: Heard
    ) -> None:
        query: dict[str, object] = {"stdout": True, "stderr": True, "timestamps": True, "tail": request.tail}
        if request.since:
            query["since"] = since.seconds(request.since, self._host.now())
        if request.follow:
            query["follow"] = True
        ask = engine.ask("GET", f"/containers/{found.id}/logs", query=query, deadline_s=deadline_s, heard=heard)
        refuse(await self._host.ask(ask), f"read what container {request.id} has written")

    async def _run(self, engine: Engine, program: str, output: Output, timeout: int, what: str) -> ExecState:
        """Start it and hear its output; the output may end before the program does."""
        ask = engine.ask(
            "POST",
            f"/exec/{program}/start",
            body={"Detach": False, "Tty": False},
            deadline_s=float(timeout),
            heard=Frames(output.add).add,
        )
        await self._apply(Plan((ask,)), what)
        while (state := await self._state(engine, program)).running:  # noqa: ASYNC110 - the engine tells no event
            await asyncio.sleep(_LOOK_S)
        return state

    async def _state(self, engine: Engine, program: str) -> ExecState:
        return await engine.get("look at a program in a container", ExecState, f"/exec/{program}/json")

    async def _stop(self, engine: Engine, program: str, mark: str) -> bool:
        """Kill it with all it started, known by its mark, since the engine can stop none. Whether it is gone."""
        try:
            async with asyncio.timeout(STOP_S):
                while True:
                    await self._host.kill_marked(mark)
                    if not (await self._state(engine, program)).running:
                        return True
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            return False
