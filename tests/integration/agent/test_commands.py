"""Commands that hang, that breed, and that never stop talking: what is left of them, and what they cost the agent."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from tests.figures import figures
from tests.integration.agent.conftest import ReadyAgents
from tests.integration.agent.processes import HOSTNAME, SHELL, Fleet, until

from osapi.contract.operation import Nothing
from osapi.domains.command.models import ShellRequest
from osapi.host.program import OVERRUN_S
from osapi.jobs.record import Ending

pytestmark = pytest.mark.anyio

TIMEOUT_S = 1
BUSY_S = 3.0
"""How much later than promised is still taken for the fault of a busy machine."""
HANGING = {
    "hung child": "echo begun; sleep {nap}",
    "grandchild that holds the output": "echo begun; sleep {nap} & exit 0",
    "child that left the group": "echo begun; setsid -f sleep {nap}; sleep {nap}",
    "child that ignores the warning": "echo begun; trap '' TERM; sleep {nap} & wait; wait; sleep {nap}",
    "children without end": "echo begun; while :; do setsid sleep {nap} & done",
}


def left(nap: str) -> int:
    """How many processes of this machine sleep that long; see proc(5)."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found += (folder / "cmdline").read_bytes() == f"sleep\0{nap}\0".encode()
    return found


@pytest.mark.parametrize("what", HANGING)
async def test_what_hangs_is_killed_in_time_with_all_it_started(
    fleet: Fleet, ready_agents: ReadyAgents, what: str
) -> None:
    await ready_agents()
    nap = f"91.{secrets.randbelow(10**9):09}"
    request = ShellRequest(command=HANGING[what].format(nap=nap), timeout=TIMEOUT_S)
    collected = await fleet.run(SHELL, request, "m0", wait_s=30)
    (response,) = collected.responses
    assert (response.ending, response.code) == (Ending.TIMEOUT, "timeout")
    assert msgspec.json.decode(response.data)["stdout"] == "begun\n"
    assert response.started is not None
    overrun_s = (response.finished - response.started).total_seconds() - TIMEOUT_S
    orphans = left(nap)
    assert overrun_s < OVERRUN_S + BUSY_S
    await until(lambda: left(nap) == 0, 30)
    figures(f"row 23, {what}", overrun_ms=round(overrun_s * 1000), orphans=orphans)
    assert (await fleet.run(HOSTNAME, Nothing(), "m0")).responses


@pytest.mark.timeout(120)
async def test_ten_gigabytes_on_standard_output_cost_the_agent_next_to_nothing(
    fleet: Fleet, ready_agents: ReadyAgents
) -> None:
    (agent,) = await ready_agents()
    await fleet.run(SHELL, ShellRequest(command="true"), "m0")
    before = agent.peak_kb
    request = ShellRequest(command="echo first; head -c 10G /dev/zero; echo last", timeout=100)
    collected = await fleet.run(SHELL, request, "m0", wait_s=110)
    (response,) = collected.responses
    grown_mib = (agent.peak_kb - before) / 1024
    data = msgspec.json.decode(response.data)
    assert response.started is not None
    took_s = (response.finished - response.started).total_seconds()
    figures(
        "row 24, 10 GiB on standard output",
        took_s=round(took_s, 1),
        peak_mib=round(agent.peak_kb / 1024, 1),
        grown_mib=round(grown_mib, 1),
        answer_bytes=len(bytes(response.data)),
    )
    assert (response.ending, data["exit_code"], data["truncated"]) == (Ending.COMPLETED, 0, True)
    assert data["stdout"].startswith("first\n")
    assert data["stdout"].endswith("\0last\n")
    assert "left out" in data["stdout"]
    assert grown_mib < 16
