"""Processes of the real system: what is read, and who gets a signal."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from osapi.contract.errors import NotFound, OsapiError, Permanent
from osapi.host import accounts, processes
from osapi.host.files import FileTree

FILES = FileTree()
NOBODY = 65534
DENIED = 7
SLEEP = ("/bin/sleep", "4712")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(SLEEP) as made:
        yield made
        made.kill()


def look(pid: int) -> processes.HostProcess:
    found = processes.read_one(FILES, pid, accounts.user_names())
    assert found is not None
    return found


def test_a_child_is_read_whole(child: subprocess.Popen[bytes]) -> None:
    eventually(lambda: look(child.pid).name == "sleep")
    found = look(child.pid)
    assert (found.pid, found.parent, found.command, found.threads) == (child.pid, os.getpid(), SLEEP, 1)
    assert found.user == accounts.user_names()(os.getuid())
    assert (found.resident or 0) > 0
    assert not found.is_kernel
    assert not found.is_dead


def test_all_processes_are_listed_by_number(child: subprocess.Popen[bytes]) -> None:
    numbers = [found.pid for found in processes.read_all(FILES, str)]
    assert numbers == sorted(numbers)
    assert {os.getpid(), child.pid} <= set(numbers)


def test_processor_time_grows() -> None:
    before = look(os.getpid()).cpu_ticks
    eventually(lambda: look(os.getpid()).cpu_ticks > before)


def test_a_number_without_process_is_none(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    assert processes.read_one(FILES, child.pid, str) is None


def test_one_that_has_ended_and_was_not_waited_for_is_dead(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    eventually(lambda: look(child.pid).is_dead)
    assert look(child.pid).resident is None


def test_a_signal_reaches_its_process(child: subprocess.Popen[bytes]) -> None:
    processes.send(FILES, child.pid, look(child.pid).start_ticks, signal.SIGTERM)
    assert child.wait(timeout=10) == -signal.SIGTERM


def test_a_process_of_the_same_number_with_another_start_is_spared(child: subprocess.Popen[bytes]) -> None:
    with pytest.raises(NotFound, match="has ended meanwhile"):
        processes.send(FILES, child.pid, look(child.pid).start_ticks + 1, signal.SIGKILL)
    assert child.poll() is None


def test_one_that_has_ended_cannot_be_reached(child: subprocess.Popen[bytes]) -> None:
    start = look(child.pid).start_ticks
    child.kill()
    child.wait()
    with pytest.raises(NotFound, match="has ended meanwhile"):
        processes.send(FILES, child.pid, start, signal.SIGTERM)


@pytest.mark.parametrize("missing", [None, OSError(38, "Function not implemented")], ids=["pidfd", "kill"])
def test_without_descriptors_of_processes_the_number_is_used(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, missing: OSError | None
) -> None:
    if missing is not None:

        def refuse(_: int) -> int:
            raise missing

        monkeypatch.setattr(os, "pidfd_open", refuse)
    start = look(child.pid).start_ticks
    with pytest.raises(NotFound):
        processes.send(FILES, child.pid, start + 1, signal.SIGKILL)
    processes.send(FILES, child.pid, start, signal.SIGKILL)
    assert child.wait(timeout=10) == -signal.SIGKILL


def test_a_signal_without_the_right_is_denied() -> None:
    """Process 1 belongs to root; who is root becomes somebody else first. Nothing but 0, the signal that is none."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(PermissionError):
            os.setuid(NOBODY)
        os._exit(_exit_status(lambda: processes.send(FILES, 1, look(1).start_ticks, 0)))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == DENIED


def _exit_status(work: Callable[[], None]) -> int:
    try:
        work()
    except OsapiError as err:
        return DENIED if isinstance(err, Permanent) and err.error_code == "denied" else 1
    return 0


@pytest.mark.parametrize("text", ["", "12", "12 (sh", "12 sh) S", "12 (sh) S 1 2"])
def test_what_is_no_line_of_figures_is_none(text: str) -> None:
    assert processes.parse_stat(text) is None


def test_a_name_may_hold_parentheses_and_blanks() -> None:
    line = "12 (a) R (b c) S " + " ".join(str(number) for number in range(4, 53))
    fields = processes.parse_stat(line)
    assert fields is not None
    assert (fields[1], fields[2], fields[3], fields[4], fields[22]) == ("12", "a) R (b c", "S", "4", "22")


def eventually(holds: Callable[[], object], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline
