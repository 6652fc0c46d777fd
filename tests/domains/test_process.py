"""What is told of processes, where a host in memory cannot show it: time that goes by, and a great many of them."""

from __future__ import annotations

import msgspec

from osapi.domains.process import table
from osapi.domains.process.models import ProcessFilter
from osapi.domains.process.table import Before, Machine
from osapi.host.processes import TICKS_PER_SECOND, HostProcess

MACHINE = Machine(uptime_s=1000.0, booted=None, memory=None)


def process(pid: int = 42, *, start_s: int = 0, cpu_s: float = 0, command: str = "") -> HostProcess:
    return HostProcess(
        pid=pid,
        parent=1,
        name="web",
        state="S",
        start_ticks=start_s * TICKS_PER_SECOND,
        cpu_ticks=round(cpu_s * TICKS_PER_SECOND),
        threads=1,
        is_kernel=False,
        command=(command,),
    )


def before(found: HostProcess, uptime_s: float) -> Before:
    return Before(uptime_s=uptime_s, cpu_ticks={(found.pid, found.start_ticks): found.cpu_ticks})


def test_a_sample_counts_what_was_used_between_its_ends() -> None:
    earlier = before(process(cpu_s=100), 998.0)
    assert table.cpu_percent(process(cpu_s=103), 1000.0, earlier) == 150.0


def test_one_that_started_during_the_sample_is_measured_from_its_start() -> None:
    assert table.cpu_percent(process(start_s=999, cpu_s=0.5), 1000.0, before(process(43), 998.0)) == 50.0


def test_a_number_that_was_given_to_another_process_is_not_mixed_up() -> None:
    earlier = before(process(start_s=5, cpu_s=900), 998.0)
    assert table.cpu_percent(process(start_s=999, cpu_s=0.25), 1000.0, earlier) == 25.0


def test_a_process_of_this_very_moment_has_used_nothing() -> None:
    assert table.cpu_percent(process(start_s=1000, cpu_s=0), 1000.0, None) == 0.0


def test_a_long_command_line_is_cut() -> None:
    assert len(table.entry(process(command="x" * 100_000), MACHINE, None).command) == table.COMMAND_LIMIT


def test_a_great_many_processes_fit_into_a_message_and_none_is_uncounted() -> None:
    entries = [table.entry(process(pid, command="x" * 4000), MACHINE, None) for pid in range(1, 2001)]
    answer = table.listed(ProcessFilter(), entries)
    assert answer.total == 2000
    assert [one.pid for one in answer.processes] == list(range(1, len(answer.processes) + 1))
    assert table.JSON_LIMIT - 8192 < len(msgspec.json.encode(answer)) < table.JSON_LIMIT + 64


def test_a_unit_is_the_innermost_service_or_scope() -> None:
    assert table.unit("/user.slice/user-0.slice/user@0.service/app.slice/web.service") == "web.service"
    assert table.unit("/system.slice/docker-1.scope/inner") == "docker-1.scope"
    assert table.unit("/") == ""
