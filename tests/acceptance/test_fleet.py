"""What operators see of a fleet in which things go wrong, on real hosts. Each test prints how long it took until it showed."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from tests.acceptance.fleet import ROOT, Fleet, authority, eventually, readiness, start_agent
from tests.acceptance.witness import Witness
from tests.figures import figures

from osapi.config.client import load

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

DROP_IN = "/run/systemd/system/osapi-agent.service.d/test.conf"
GO_ON = "/run/osapi-go-on"
SMALL = "/srv/small"
TTL_S = 30


def restart(fleet: Fleet, host: int) -> None:
    fleet.bed("enter", host, "sh", "-c", "systemctl daemon-reload && systemctl restart osapi-agent")


@contextmanager
def settings(fleet: Fleet, host: int, *lines: str) -> Iterator[Witness]:
    """Lines for the unit of the agent, and the agent started with them; as it was afterwards."""
    witness = Witness(fleet, host)
    fleet.bed.write(host, DROP_IN, "\n".join(("[Service]", *lines, "")).encode())
    restart(fleet, host)
    try:
        eventually(lambda: "started" in witness.timeline(), "the agent is not back")
        yield witness
    finally:
        fleet.bed("enter", host, "rm", DROP_IN)
        began = Witness(fleet, host)
        restart(fleet, host)
        eventually(lambda: "started" in began.timeline(), "the agent is not back")


def works(fleet: Fleet, name: str) -> bool:
    return fleet.client("node", "uptime", "get", "-T", name).status == 0


# -- gone --------------------------------------------------------------------------------------


def test_a_host_that_loses_its_cable_is_unreachable_and_back_by_itself(fleet: Fleet) -> None:
    witness = Witness(fleet, 2)
    name = witness.name
    fleet.bed("cut", 2)
    try:
        gone_s = witness.after(lambda: not witness.agent()["reachable"], "the host is not missed")
        witness.after(lambda: witness.timeline() == ["unreachable"], "the timeline does not tell")
        refused = fleet.client("node", "uptime", "get", "-T", name)
        assert refused.status == 1
        assert "its last heartbeat is of" in refused.stdout + refused.stderr
        listed = fleet.client("agent", "list", "--unreachable").json["agents"]
        assert [one["hostname"] for one in listed] == [name]
        told_s = witness.after(lambda: witness.notices() == ["unreachable"], "nobody is notified")
    finally:
        fleet.bed("heal", 2)
    back_s = witness.after(lambda: witness.agent()["reachable"], "the host is not seen again")
    witness.after(lambda: witness.timeline() == ["unreachable", "returned"], "the timeline does not tell")
    witness.after(lambda: witness.notices() == ["unreachable", "reachable again"], "nobody is notified")
    assert works(fleet, name)
    figures(
        "row fleet, cable cut",
        seconds_to_unreachable=gone_s,
        seconds_to_reachable=back_s,
        seconds_to_message=told_s,
        ttl_s=TTL_S,
    )
    assert TTL_S - 15 < gone_s < TTL_S + 5
    assert back_s < 15


def test_a_host_whose_packets_are_lost_silently_is_noticed_as_soon(fleet: Fleet) -> None:
    witness = Witness(fleet, 2)
    fleet.bed("drop", 2)
    try:
        gone_s = witness.after(lambda: not witness.agent()["reachable"], "the host is not missed")
        witness.after(lambda: witness.timeline() == ["unreachable"], "the timeline does not tell")
    finally:
        fleet.bed("undrop", 2)
    back_s = witness.after(lambda: witness.agent()["reachable"], "the host is not seen again")
    witness.after(lambda: witness.timeline() == ["unreachable", "returned"], "the timeline does not tell")
    figures("row fleet, packets dropped", seconds_to_unreachable=gone_s, seconds_to_reachable=back_s, ttl_s=TTL_S)


def test_an_agent_that_is_killed_is_started_again_and_that_is_told(fleet: Fleet) -> None:
    witness = Witness(fleet, 3)
    fleet.bed("enter", 3, "systemctl", "kill", "-s", "KILL", "osapi-agent")
    back_s = witness.after(lambda: witness.timeline() == ["started"], "the new start is not told")
    assert witness.agent()["status"] == "Ready"
    assert witness.notices() == []  # it was back before anybody could miss it
    figures("row fleet, agent killed", seconds_to_started=back_s)


def test_an_agent_that_stays_dead_is_unreachable_until_it_is_removed(fleet: Fleet) -> None:
    witness = Witness(fleet, 3)
    name = witness.name
    kill = f"mkdir -p $(dirname {DROP_IN}); printf '[Service]\\nRestart=no\\n' > {DROP_IN}"
    fleet.bed("enter", 3, "sh", "-c", f"{kill}; systemctl daemon-reload; systemctl kill -s KILL osapi-agent")
    gone_s = witness.after(lambda: witness.timeline() == ["unreachable"], "the agent is not missed")
    told = witness.agent()
    assert (told["reachable"], told["status"]) == (False, "NotReady")
    eventually(lambda: witness.notices() == ["unreachable"], "nobody is notified")
    assert fleet.client("agent", "delete", "--hostname", name).status == 0
    eventually(lambda: fleet.client("agent", "get", "--hostname", name).status == 1, "it is still listed")
    fleet.bed("enter", 3, "sh", "-c", f"rm {DROP_IN}; systemctl daemon-reload; systemctl start osapi-agent")
    assert fleet.client("agent", "get", "--hostname", name).status == 1, "it came back by itself"
    join = fleet.client("agent", "join-token").json["token"]
    fleet.bed("enter", 3, "systemctl", "stop", "osapi-agent")
    start_agent(fleet.bed, 3, join, authority(fleet.data))
    eventually(lambda: works(fleet, name), "it does not join again")
    witness.after(lambda: witness.timeline() == ["started"], "the new start is not told")
    assert witness.audited() == [("deleteAgent", 200), ("createJoinToken", 201)]
    figures("row fleet, agent dead", seconds_to_unreachable=gone_s, ttl_s=TTL_S)


# -- pressure ----------------------------------------------------------------------------------


def test_a_disk_that_fills_is_told_and_so_is_the_room_that_comes_back(fleet: Fleet) -> None:
    """The agent sees a root whose changes are kept on a tmpfs of 32 MiB."""
    made = (
        f"mkdir -p {SMALL} && mount -t tmpfs -o size=32m none {SMALL} && mkdir {SMALL}/up {SMALL}/work {SMALL}/root &&"
        f" mount -t overlay overlay -o lowerdir=/,upperdir={SMALL}/up,workdir={SMALL}/work {SMALL}/root"
    )
    fleet.bed("enter", 1, "sh", "-c", made)
    lines = (
        f"RootDirectory={SMALL}/root",
        "MountAPIVFS=yes",
        f"BindReadOnlyPaths={ROOT}",
        "BindPaths=/var/lib/osapi /run",
        "Environment=OSAPI_AGENT_HEARTBEAT_INTERVAL=2s",
    )
    try:
        with settings(fleet, 1, *lines) as witness:
            eventually(lambda: witness.condition("DiskPressure"), "nothing is known of the disk")
            assert not witness.holds("DiskPressure")
            fleet.bed("enter", 1, "sh", "-c", f"head -c 30M /dev/zero > {SMALL}/root/srv/ballast")
            full_s = witness.after(lambda: witness.holds("DiskPressure"), "the full disk is not told")
            told = witness.condition("DiskPressure")
            listed = fleet.client("agent", "list", "--condition", "DiskPressure").json["agents"]
            assert [one["hostname"] for one in listed] == [witness.name]
            assert "disk / 9" in told["reason"]
            assert "threshold 90 %" in told["reason"]
            assert _moment(told["last_transition_time"]) >= witness.began
            fleet.bed("enter", 1, "rm", f"{SMALL}/root/srv/ballast")
            free_s = witness.after(lambda: not witness.holds("DiskPressure"), "the room is not told")
            assert "reason" not in witness.condition("DiskPressure")
            eventually(lambda: witness.notices() == ["DiskPressure", "DiskPressure resolved"], "nobody is notified")
            figures("row fleet, disk full", seconds_to_condition=full_s, seconds_to_end=free_s, beat_s=2)
    finally:
        fleet.bed("enter", 1, "umount", f"{SMALL}/root", SMALL)


def test_load_that_rises_is_told(fleet: Fleet) -> None:
    cpus = int(fleet.bed("enter", 1, "nproc"))
    one_minute = float(fleet.bed("enter", 1, "cut", "-d ", "-f1", "/proc/loadavg"))
    threshold = one_minute * 1.3 + 0.5
    multiplier = threshold / cpus
    busy = int(2 * threshold) + 8  # enough to get there within a minute, whatever else runs
    lines = (
        f"Environment=OSAPI_AGENT_HEARTBEAT_INTERVAL=2s OSAPI_AGENT_CONDITIONS_HIGH_LOAD_MULTIPLIER={multiplier:.3f}"
    )
    with settings(fleet, 1, lines) as witness:
        fleet.bed(
            "enter",
            1,
            "systemd-run",
            "--unit=busy",
            "sh",
            "-c",
            f"for i in $(seq {busy}); do yes >/dev/null & done; wait",
        )
        try:
            high_s = witness.after(lambda: witness.holds("HighLoad"), "the load is not told")
        finally:
            fleet.bed("enter", 1, "systemctl", "stop", "busy")
        told = witness.condition("HighLoad")
        eventually(lambda: witness.notices() == ["HighLoad"], "nobody is notified")
        assert f"{cpus} processors x" in told["reason"]
        figures("row fleet, load high", seconds_to_condition=high_s, reason=repr(told["reason"]), beat_s=2)
    lines = "Environment=OSAPI_AGENT_HEARTBEAT_INTERVAL=2s OSAPI_AGENT_CONDITIONS_HIGH_LOAD_MULTIPLIER=1000"
    with settings(fleet, 1, lines) as witness:
        eventually(lambda: not witness.holds("HighLoad"), "the condition does not end")


def test_memory_above_its_threshold_is_told_and_the_agents_own_too(fleet: Fleet) -> None:
    low = (
        "Environment=OSAPI_AGENT_HEARTBEAT_INTERVAL=2s OSAPI_AGENT_CONDITIONS_MEMORY_PRESSURE_THRESHOLD=1"
        " OSAPI_AGENT_PROCESS_CONDITIONS_MEMORY_PRESSURE_BYTES=1000000"
    )
    with settings(fleet, 2, low) as witness:
        both = ("MemoryPressure", "ProcessMemoryPressure")
        told_s = witness.after(lambda: all(witness.holds(kind) for kind in both), "the memory is not told")
        assert "threshold 1 %" in witness.condition("MemoryPressure")["reason"]
        figures("row fleet, memory high", seconds_to_conditions=told_s, beat_s=2)
    after = Witness(fleet, 2)
    eventually(lambda: not after.holds("MemoryPressure"), "the condition does not end")


# -- drained -----------------------------------------------------------------------------------


def test_row_27_a_drain_during_a_long_job_keeps_the_heartbeat_and_takes_nothing_new(fleet: Fleet) -> None:
    """The job may last five minutes and ends when it is told to."""
    with settings(fleet, 1, "Environment=OSAPI_AGENT_HEARTBEAT_INTERVAL=1s") as witness:
        name = witness.name
        long = f"touch /root/begun; while [ ! -e {GO_ON} ]; do sleep 0.1; done; echo done >> /root/effect"
        words = ("node", "command", "shell", "-T", name, "--command", long, "--timeout", "300", "--async")
        job = fleet.client(*words).json["job_id"]
        eventually(lambda: fleet.bed("enter", 1, "ls", "/root/begun", check=False), "the job does not begin")
        drained = Witness(fleet, 1)
        assert fleet.client("agent", "drain", "--hostname", name, "--reason", "new disk").status == 0
        draining_s = drained.after(lambda: drained.agent()["state"] == "Draining", "it is not drained")
        refused = fleet.client("node", "uptime", "get", "-T", name)
        assert refused.status == 1
        assert "new disk" in refused.stdout + refused.stderr
        gap_s = longest_gap_s(drained, beats=12)
        assert fleet.client("agent", "drain", "--hostname", name).status == 1
        assert drained.agent()["state"] == "Draining"
        assert fleet.bed("enter", 1, "ls", "/root/effect", check=False) == ""
        fleet.bed("enter", 1, "touch", GO_ON)
        cordoned_s = drained.after(lambda: drained.agent()["state"] == "Cordoned", "it is not cordoned")
        ended = fleet.client("job", "get", "--job-id", job).json
        assert (ended["status"], fleet.bed("enter", 1, "cat", "/root/effect")) == ("completed", "done")
        restart(fleet, 1)
        eventually(lambda: "started" in drained.timeline(), "the agent is not back")
        assert drained.agent()["state"] == "Cordoned"
        assert fleet.client("agent", "undrain", "--hostname", name).status == 0
        ready_s = drained.after(lambda: works(fleet, name), "it does not work again")
        told = [event for event in drained.timeline() if event not in {"started", "stopped"}]
        assert told == ["drain", "cordoned", "undrain"]
        asked = [entry for entry in drained.audited() if entry[0] in {"drainAgent", "undrainAgent"}]
        assert asked == [("drainAgent", 200), ("drainAgent", 409), ("undrainAgent", 200)]
        figures(
            "row 27, on a host",
            seconds_to_draining=draining_s,
            beat_s=1,
            longest_gap_s=gap_s,
            missed_beats=int(gap_s // 2),
            seconds_to_cordoned=cordoned_s,
            seconds_to_ready=ready_s,
        )
        assert gap_s < 3
    fleet.bed("enter", 1, "rm", GO_ON, "/root/begun", "/root/effect")


def longest_gap_s(witness: Witness, beats: int) -> float:
    """The longest time between two heartbeats, of so many."""
    seen: list[datetime] = []
    while len(seen) < beats:
        beat = _moment(witness.agent()["heartbeat_at"])
        if beat not in seen:
            seen.append(beat)
    return round(max((after - before).total_seconds() for before, after in itertools.pairwise(seen)), 1)


# -- the broker --------------------------------------------------------------------------------


def test_a_broker_that_restarts_is_told_and_the_fleet_is_back_by_itself(fleet: Fleet, tmp_path: Path) -> None:
    witnesses = [Witness(fleet, host) for host in (1, 2, 3)]
    url = load(fleet.environ).url
    os.kill(broker_pid(fleet), signal.SIGKILL)
    killed = time.monotonic()
    seen: list[tuple[float, int]] = [(0.0, 200)]
    while len(seen) < 3:
        status = readiness(url, authority(fleet.data))
        if status != seen[-1][1]:
            seen.append((round(time.monotonic() - killed, 1), status))
        assert time.monotonic() - killed < 30, seen
        time.sleep(0.05)  # one address may ask 100 times a second
    assert [status for _, status in seen] == [200, 503, 200]
    back = [witness.after(lambda witness=witness: heard_since(witness), "a host is not back") for witness in witnesses]
    assert all(works(fleet, witness.name) for witness in witnesses)
    assert [witness.timeline() for witness in witnesses] == [[], [], []]
    assert [witness.notices() for witness in witnesses] == [[], [], []]
    assert fleet.client("audit", "verify", "--anchor", str(tmp_path / "anchor.json")).json["whole"] is True
    red, green = seen[1][0], seen[2][0]
    figures("row fleet, broker killed", seconds_to_red=red, seconds_to_green=green, seconds_to_last_host=max(back))
    assert red < 5


def heard_since(witness: Witness) -> bool:
    return _moment(witness.agent()["heartbeat_at"]) > witness.began


def broker_pid(fleet: Fleet) -> int:
    """The nats-server of this fleet, by its settings file; see proc(5)."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"nats-server") and any(word.startswith(bytes(fleet.data)) for word in words):
            return int(folder.name)
    raise AssertionError("there is no nats-server")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
