"""Real programs: what they inherit, how they end, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from osapi.contract.errors import Invalid, Permanent
from osapi.host.accounts import account
from osapi.host.process import Program, run
from osapi.host.program import OVERRUN_S, Completed, TimedOut

pytestmark = pytest.mark.anyio

BUSY = 5
"""How many times later than promised is still taken for the fault of a busy machine."""
LATEST_S = BUSY * OVERRUN_S


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """The loop that the agent uses."""
    return "asyncio", {"use_uvloop": True}


class Nap:
    """A `sleep` of a length that nobody else sleeps, to find its processes again."""

    def __init__(self) -> None:
        self.seconds = f"97.{secrets.randbelow(10**9):09}"

    def pids(self) -> list[int]:
        found: list[int] = []
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdecimal() else []
            except OSError:
                continue
            if words[:2] == [b"sleep", self.seconds.encode()]:
                found.append(int(entry.name))
        return found

    def end(self) -> None:
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
async def nap() -> AsyncIterator[Nap]:
    made = Nap()
    yield made
    made.end()


async def shell(text: str, **options: Any) -> Completed:
    return await run(Program(argv=("/bin/sh", "-c", text), **options))


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def until(condition: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)


class TestSurroundings:
    async def test_nothing_of_our_environment_is_inherited(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OSAPI_SECRET", "hush")
        monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
        done = await run(Program(argv=("env",), env={"GIVEN": "yes"}))
        variables = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
        assert variables.pop("OSAPI_RUN_ID")
        assert variables == {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "HOME": "/root" if os.geteuid() == 0 else "/",
            "GIVEN": "yes",
        }

    async def test_input_is_nothing_unless_given(self) -> None:
        assert (await run(Program(argv=("cat",)))).stdout == b""
        assert (await run(Program(argv=("cat",), stdin=b"given"))).stdout == b"given"

    async def test_input_that_nobody_reads_does_not_hold_it_up(self) -> None:
        assert (await run(Program(argv=("true",), stdin=b"x" * 3_000_000))).exit_code == 0

    async def test_long_input_and_output_flow_at_the_same_time(self) -> None:
        content = os.urandom(700_000)
        assert (await run(Program(argv=("cat",), stdin=content))).stdout == content

    async def test_it_runs_in_the_given_directory(self, tmp_path: Path) -> None:
        assert (await run(Program(argv=("pwd",), cwd=str(tmp_path)))).stdout.decode().strip() == str(tmp_path)

    async def test_no_descriptor_of_ours_is_inherited(self, tmp_path: Path) -> None:
        with (tmp_path / "open").open("w"):
            done = await shell("ls /proc/$$/fd")
        assert done.stdout.split() == [b"0", b"1", b"2"]

    async def test_it_runs_as_another_account_where_that_is_allowed(self) -> None:
        nobody = account("nobody")
        program = Program(argv=("/bin/sh", "-c", "id -u; id -G; echo $USER"), account=nobody)
        if os.geteuid() == 0:
            uid, groups, user = (await run(program)).stdout.decode().splitlines()
            assert (uid, user) == (str(nobody.uid), "nobody")
            assert "0" not in groups.split()
        else:
            with pytest.raises(Permanent) as caught:
                await run(program)
            assert caught.value.error_code == "denied"

    @pytest.mark.parametrize("env", [{"A": "b\0c"}, {"A=B": "c"}])
    async def test_an_environment_that_cannot_be_is_invalid(self, env: dict[str, str]) -> None:
        with pytest.raises(Invalid):
            await run(Program(argv=("true",), env=env))

    async def test_a_file_that_is_no_program_is_denied(self, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("hello")
        with pytest.raises(Permanent) as caught:
            await run(Program(argv=(str(tmp_path / "text"),)))
        assert caught.value.error_code == "denied"
        assert "is it a program, and may this account run it?" in caught.value.message

    async def test_no_descriptor_is_lost(self) -> None:
        before = open_descriptors()
        for _ in range(5):
            await run(Program(argv=("cat",), stdin=b"x"))
            with pytest.raises(TimedOut):
                await run(Program(argv=("sleep", "9"), deadline_s=0.02))
            with pytest.raises(Permanent):
                await run(Program(argv=("/etc/passwd",), stdin=b"x"))
        assert open_descriptors() == before


class TestTheEnd:
    async def timed_out(self, text: str, deadline_s: float = 0.3) -> tuple[Completed, float]:
        started = time.monotonic()
        with pytest.raises(TimedOut) as caught:
            await shell(text, deadline_s=deadline_s)
        return caught.value.partial, time.monotonic() - started - deadline_s

    async def test_a_grandchild_that_holds_the_output_is_killed_too(self, nap: Nap) -> None:
        partial, overrun = await self.timed_out(f"sleep {nap.seconds} & echo x")
        assert partial.stdout == b"x\n"
        assert partial.exit_code == 0
        assert overrun < LATEST_S
        assert nap.pids() == []

    async def test_who_ignores_the_warning_is_killed(self, nap: Nap) -> None:
        partial, overrun = await self.timed_out(f"trap '' TERM; echo x; sleep {nap.seconds} & wait; wait")
        assert (partial.stdout, partial.signal) == (b"x\n", signal.SIGKILL)
        assert overrun < LATEST_S
        assert nap.pids() == []

    async def test_who_heeds_the_warning_may_say_goodbye(self) -> None:
        partial, _ = await self.timed_out("trap 'echo bye; exit 7' TERM; echo x; sleep 60 & wait")
        assert (partial.stdout, partial.exit_code) == (b"x\nbye\n", 7)

    async def test_who_left_the_group_is_found_by_its_mark(self, nap: Nap) -> None:
        _, overrun = await self.timed_out(f"setsid -f sleep {nap.seconds}; sleep 60")
        assert overrun < LATEST_S
        assert nap.pids() == []

    async def test_who_wiped_its_environment_is_found_by_its_ancestors(self, nap: Nap) -> None:
        _, overrun = await self.timed_out(f"env -i setsid -w sleep {nap.seconds}")
        assert overrun < LATEST_S
        assert nap.pids() == []

    async def test_processes_started_without_end_are_all_killed(self, nap: Nap) -> None:
        _, overrun = await self.timed_out(f"trap '' TERM; while :; do setsid sleep {nap.seconds} & done", 0.2)
        assert overrun < LATEST_S
        await until(lambda: nap.pids() == [], 30.0)

    async def test_being_cancelled_kills_as_well(self, nap: Nap) -> None:
        task = asyncio.ensure_future(shell(f"sleep {nap.seconds} & sleep {nap.seconds}"))
        await until(lambda: len(nap.pids()) == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert nap.pids() == []

    async def test_being_cancelled_twice_still_kills(self, nap: Nap) -> None:
        task = asyncio.ensure_future(shell(f"trap '' TERM; sleep {nap.seconds} & wait; sleep {nap.seconds}"))
        await until(lambda: len(nap.pids()) == 1)
        task.cancel()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert nap.pids() == []

    async def test_who_lets_go_of_the_output_may_stay_after_a_good_end(self, nap: Nap) -> None:
        done = await shell(f"nohup sleep {nap.seconds} >/dev/null 2>&1 & echo started")
        assert done.stdout == b"started\n"
        await until(lambda: len(nap.pids()) == 1)

    async def test_runs_at_the_same_time_do_not_disturb_each_other(self, nap: Nap) -> None:
        lasting = asyncio.ensure_future(shell(f"sleep {nap.seconds} & sleep 0.8; echo alive; kill $!"))
        await self.timed_out("sleep 60 & wait", 0.1)
        assert (await lasting).stdout == b"alive\n"

    async def test_no_zombie_is_left(self) -> None:
        await asyncio.gather(*(run(Program(argv=("true",))) for _ in range(10)))
        assert zombies() == []


def zombies() -> list[str]:
    """Children of ours that have ended and were not waited for; see proc_pid_stat(5)."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [child for child in children if ") Z " in Path(f"/proc/{child}/stat").read_text()]


GIANT = """
import asyncio, resource
from osapi.host.process import Program, run

async def main():
    await run(Program(argv=("true",)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = await run(Program(argv=("head", "-c", "1G", "/dev/zero"), deadline_s=60))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(len(done.stdout), done.truncated, grown)

asyncio.run(main())
"""


async def test_a_gigabyte_of_output_is_read_to_the_end_in_bounded_memory() -> None:
    done = await run(Program(argv=(sys.executable, "-c", GIANT), deadline_s=60))
    assert done.stderr == b""
    kept, truncated, grown_kb = done.stdout.decode().split()
    assert 1 << 20 <= int(kept) < (1 << 20) + 100
    assert truncated == "True"
    assert int(grown_kb) < 16 * 1024


async def test_who_takes_the_output_may_hold_up_the_program() -> None:
    """Nothing is lost, and what is not taken stays with the program, in its pipe."""
    taken: list[int] = []
    waiting = asyncio.Event()

    async def take(piece: bytes) -> None:
        await waiting.wait()
        taken.append(len(piece))

    program = Program(argv=("head", "-c", "3000000", "/dev/zero"), on_output=lambda _, piece: take(piece))
    running = asyncio.ensure_future(run(program))
    await asyncio.sleep(0.2)
    assert not running.done()
    waiting.set()
    assert ((await running).exit_code, sum(taken)) == (0, 3_000_000)


async def test_a_program_that_is_held_up_when_its_time_runs_out_is_killed_all_the_same() -> None:
    forever = asyncio.Event()

    async def take() -> None:
        await forever.wait()

    with pytest.raises(TimedOut):
        await run(Program(argv=("yes",), deadline_s=0.2, on_output=lambda *_: take()))


async def test_output_of_a_program_that_never_ends_keeps_its_latest_part() -> None:
    with pytest.raises(TimedOut) as caught:
        await run(Program(argv=("yes",), deadline_s=0.2, output_limit=100))
    assert caught.value.partial.truncated
    assert len(caught.value.partial.stdout) < 200


def test_the_loop_of_the_standard_library_does_as_well() -> None:
    async def work() -> None:
        assert (await run(Program(argv=("cat",), stdin=b"x" * 100_000))).stdout == b"x" * 100_000
        with pytest.raises(TimedOut) as caught:
            await shell("echo x; sleep 60 & wait", deadline_s=0.2)
        assert caught.value.partial.stdout == b"x\n"

    asyncio.run(work())


def test_the_account_of_this_process_is_known() -> None:
    name = pwd.getpwuid(os.getuid()).pw_name
    assert account(name).uid == os.getuid()
