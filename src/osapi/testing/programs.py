"""Programs that do what a script says instead of running."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from osapi.contract.errors import MissingTool
from osapi.host.output import Capture
from osapi.host.program import Completed, OnOutput, TimedOut


class UnexpectedCommandError(AssertionError):
    """A program was started in a way that no script foresees."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What happens when a program is started with exactly these arguments.

    `hangs` lets it write its output and run until its deadline, without real time going by. `sets` are files
    that it leaves behind; None removes one. With `when`, it only happens while these files hold this; None stands
    for no file. So what a program says can depend on what was done before.
    """

    argv: tuple[str, ...]
    stdout: bytes = b""
    stderr: bytes = b""
    exit_code: int | None = 0
    signal: int | None = None
    hangs: bool = False
    sets: Mapping[str, bytes | None] = field(default_factory=dict[str, bytes | None])
    when: Mapping[str, bytes | None] = field(default_factory=dict[str, bytes | None])


@dataclass(frozen=True, kw_only=True)
class Call:
    """A program that was started."""

    argv: tuple[str, ...]
    stdin: bytes | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    cwd: str = "/"
    user: str | None = None
    privileged: bool = False
    deadline_s: float


class FakePrograms:
    """All programs of a fake host, and what was started so far."""

    def __init__(self, scripts: Sequence[Script], installed: Sequence[str] = ()) -> None:
        """`installed` are programs that are there without being scripted."""
        self._scripts = list(scripts)
        self._installed = {*installed, *(script.argv[0] for script in scripts)}
        self.calls: list[Call] = []

    def has(self, program: str) -> bool:
        return program in self._installed

    async def run(
        self,
        call: Call,
        output_limit: int,
        on_output: OnOutput | None,
        contents: Callable[[str], bytes | None] = lambda _: None,
    ) -> tuple[Script, Completed]:
        """`contents` tells what a file holds, for `Script.when`. Raises `MissingTool` for an unknown program, `TimedOut` for one that hangs."""
        self.calls.append(call)
        script = self._script(call.argv, contents)
        if on_output is not None:
            await _tell(on_output, script)
        completed = _completed(script, output_limit, call.deadline_s if script.hangs else 0.0)
        if script.hangs:
            raise TimedOut(f"{call.argv[0]} took longer than {call.deadline_s:g} s and was stopped", completed)
        return script, completed

    def _script(self, argv: tuple[str, ...], contents: Callable[[str], bytes | None]) -> Script:
        if not self.has(argv[0]):
            raise MissingTool(f"{argv[0]} is not installed on this host")
        for script in self._scripts:
            if script.argv == argv and all(contents(path) == held for path, held in script.when.items()):
                return script
        raise UnexpectedCommandError(f"no script for {argv}; there are {[script.argv for script in self._scripts]}")


async def _tell(on_output: OnOutput, script: Script) -> None:
    for until in (
        on_output("stdout", script.stdout) if script.stdout else None,
        on_output("stderr", script.stderr) if script.stderr else None,
    ):
        if until is not None:
            await until


def _completed(script: Script, limit: int, duration_s: float) -> Completed:
    stdout, stderr = Capture(limit), Capture(limit)
    stdout.add(script.stdout)
    stderr.add(script.stderr)
    return Completed(
        argv=script.argv,
        stdout=stdout.content(),
        stderr=stderr.content(),
        exit_code=None if script.hangs else script.exit_code,
        signal=9 if script.hangs else script.signal,
        duration_s=duration_s,
        truncated=bool(stdout.left_out or stderr.left_out),
    )
