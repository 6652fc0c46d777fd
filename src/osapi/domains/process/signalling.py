"""Whether a signal may be sent. Pure."""

from __future__ import annotations

import signal

from osapi.contract.errors import Conflict, Protected
from osapi.domains.process.models import ProcessSignal
from osapi.domains.process.table import full_name
from osapi.host.plan import Plan, Signal
from osapi.host.processes import HostProcess

INIT = 1


def decide(request: ProcessSignal, found: HostProcess, agent: frozenset[int]) -> Plan:
    """Send the signal to exactly this process, or nothing where it has no effect. `agent` is OSAPI's own line.

    Raises `Protected` for init, the agent, what the agent descends from and threads of the kernel, and
    `Conflict` when the process has another name than the caller assumes.
    """
    name = full_name(found)
    _refuse_protected(found, name, agent)
    if request.name and request.name not in (name, found.name):
        raise Conflict(
            f"process {found.pid} is {name!r}, not {request.name!r}; look for the right one with process list",
            details={"pid": found.pid, "name": name, "expected": request.name},
        )
    if found.is_dead or (request.signal == "STOP" and found.state == "T"):
        return Plan()
    number = signal.Signals[f"SIG{request.signal}"]
    owner = f", user {found.user}" if found.user else ""
    action = Signal(pid=found.pid, start_ticks=found.start_ticks, number=number)
    return Plan((action,), f"{number.name} to process {found.pid} ({name}{owner})")


def _refuse_protected(found: HostProcess, name: str, agent: frozenset[int]) -> None:
    if found.pid == INIT:
        raise Protected("process 1 is the init of the system; to restart or stop the host use the power operations")
    if found.pid in agent:
        raise Protected(f"process {found.pid} ({name}) is the OSAPI agent or one it descends from; use its service")
    if found.is_kernel:
        raise Protected(f"process {found.pid} ({name}) is a thread of the kernel, which heeds no signals")
