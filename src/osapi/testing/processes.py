"""Processes in memory: files below /proc of a fake host, which signals change as the kernel would."""

from __future__ import annotations

import signal

from osapi.contract.errors import NotFound
from osapi.host.files import READ_LIMIT
from osapi.host.processes import NameOf, parse_stat
from osapi.testing.files import FakeFile, FakeFiles

_STATES = {signal.SIGSTOP: "T", signal.SIGCONT: "S"}


def user_names(files: FakeFiles) -> NameOf:
    """Names from the /etc/passwd of the fake host; the number where there is none."""
    lines = (files.read("/etc/passwd", READ_LIMIT) or b"").decode().splitlines()
    names = {int(fields[2]): fields[0] for line in lines if len(fields := line.split(":")) > 2}
    return lambda uid: names.get(uid, str(uid))


def kill_marked(files: FakeFiles, mark: str) -> bool:
    """Take away every process with this mark; none here has descendants."""
    for pid in files.list_dir("/proc"):
        place = f"/proc/{pid}"
        environment = files.snapshot().get(f"{place}/environ", FakeFile()).content
        if mark.encode() in environment.split(b"\0"):
            for name in files.list_dir(place):
                files.put(f"{place}/{name}", None)
    return True


def receive(files: FakeFiles, pid: int, start_ticks: int, number: int) -> None:
    """Do what a signal does by default (signal(7)); nobody notices that a process has ended, so it stays a zombie."""
    path = f"/proc/{pid}/stat"
    text = (files.read(path, READ_LIMIT) or b"").decode()
    fields = parse_stat(text)
    if fields is None or int(fields[22]) != start_ticks:
        raise NotFound(f"process {pid} has ended meanwhile")
    front, _, back = text.rpartition(") ")
    state = _STATES.get(signal.Signals(number), "Z")
    files.put(path, FakeFile(content=f"{front}) {state}{back[1:]}".encode()))
