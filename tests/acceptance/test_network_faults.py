"""Row 25 of the fault matrix (docs/reliability.md): a change that cuts a real host off undoes itself, whoever dies.

Whether a host can be reached is looked at from outside, by a TCP connection that it refuses.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.acceptance.fleet import Bed, Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

HOST = 3
NAME = "host3"
UPLINK = "eth0"
OURS = "/etc/netplan/90-osapi-interface-eth0.yaml"
DROP_IN = "/run/systemd/system/osapi-agent.service.d/no-restart.conf"
AWAY = ("--address", "198.51.100.5/24", "--take-over")
"""The address by which the host is reached goes."""
STOLEN = ("--address", "{own}/24", "--address", "{broker}/32", "--take-over")
"""The host takes the broker's address for its own."""

Kill = Callable[[Bed], None]


def nobody(_: Bed) -> None:
    """The agent lives and sees for itself."""


def agent(bed: Bed) -> None:
    """SIGKILL; systemd starts it again."""
    bed("enter", HOST, "systemctl", "kill", "-s", "KILL", "osapi-agent")


def agent_for_good(bed: Bed) -> None:
    """SIGKILL, and nobody starts it again before the host can be reached."""
    bed.write(HOST, DROP_IN, b"[Service]\nRestart=no\n")
    bed("enter", HOST, "systemctl", "daemon-reload")
    agent(bed)


def power(bed: Bed) -> None:
    """The host dies, and its timer with it; it comes back with the disk it has."""
    bed("crash", HOST)
    bed("start", HOST)


def is_reached(address: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.3)
        try:
            probe.connect((address, 9))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    raise AssertionError("the discard port is open")


def files(bed: Bed) -> str:
    return bed("enter", HOST, "sh", "-c", "cd /etc/netplan && for f in *; do stat -c '%n %a' $f; cat $f; done")


def addresses(bed: Bed) -> list[str]:
    return bed("enter", HOST, "ip", "-4", "-br", "address", "show", "dev", UPLINK).split()[2:]


@pytest.fixture
def uplink(fleet: Fleet) -> Iterator[Bed]:
    """The host as it was, and its agent running, whatever became of it."""
    yield fleet.bed
    fleet.bed(
        "enter", HOST, "sh", "-c", f"rm -f {OURS} {DROP_IN}; systemctl daemon-reload; systemctl start osapi-agent"
    )
    eventually(lambda: fleet.client("node", "hostname", "get", "-T", NAME).status == 0, "the host is lost")


def begin(fleet: Fleet, words: tuple[str, ...]) -> str:
    change = ("node", "network", "interface", "create", "--name", UPLINK, *words, "-T", NAME, "--async")
    job: str = fleet.client(*change).json["job_id"]
    return job


def ended(fleet: Fleet, job: str) -> dict[str, Any]:
    """What the host says became of the job."""
    found: dict[str, Any] = {}

    def has_answered() -> bool:
        found.update(fleet.client("job", "get", "--job-id", job).json.get("responses") or {})
        return NAME in found

    eventually(has_answered, "the host has not answered", 60)
    answer: dict[str, Any] = found[NAME]
    return answer


@pytest.mark.parametrize("kill", [nobody, agent, agent_for_good, power])
def test_row_25_a_change_that_cuts_the_host_off_undoes_itself(fleet: Fleet, uplink: Bed, kill: Kill) -> None:
    own = uplink("address", HOST)
    before = files(uplink), addresses(uplink)
    assert is_reached(own)

    job = begin(fleet, AWAY)
    eventually(lambda: not is_reached(own), "the change did not cut the host off", 15)
    cut = time.monotonic()
    kill(uplink)
    eventually(lambda: is_reached(own), "the host is locked out", 90)
    took_s = time.monotonic() - cut
    if kill is agent_for_good:
        uplink("enter", HOST, "systemctl", "start", "osapi-agent")

    answer = ended(fleet, job)
    assert (answer["status"], answer["code"]) == ("failed", "reverted"), answer
    assert answer["error"].endswith("change was undone")
    assert (files(uplink), addresses(uplink)) == before
    assert fleet.client("node", "hostname", "get", "-T", NAME).status == 0
    print(f"row 25, address gone, killed: {kill.__name__}: reached again after {took_s:.1f} s, lock-outs = 0")


def test_row_25_the_broker_s_address_taken_by_the_host_undoes_itself(fleet: Fleet, uplink: Bed) -> None:
    """The host is reached from outside all the time, but no job could reach it any more."""
    own, broker = uplink("address", HOST), uplink("address", 0)
    before = files(uplink), addresses(uplink)
    words = tuple(word.format(own=own, broker=broker) for word in STOLEN)
    began = time.monotonic()
    answer = ended(fleet, begin(fleet, words))
    took_s = time.monotonic() - began
    assert (answer["status"], answer["code"]) == ("failed", "reverted"), answer
    assert (files(uplink), addresses(uplink)) == before
    print(f"row 25, broker's address taken: answered after {took_s:.1f} s, lock-outs = 0")


def test_a_host_that_is_given_another_address_stays_in_touch(fleet: Fleet, uplink: Bed) -> None:
    own = uplink("address", HOST)
    other = own.rpartition(".")[0] + ".200"
    began = time.monotonic()
    change = ("interface", "create", "--name", UPLINK, "--address", f"{other}/24", "--take-over", "-T", NAME)
    assert fleet.client("node", "network", *change).results[NAME]["changed"] is True
    took_s = time.monotonic() - began
    assert addresses(uplink) == [f"{other}/24"]
    assert not is_reached(own)
    back = fleet.client("node", "network", "interface", "delete", "--name", UPLINK, "-T", NAME)
    assert back.results[NAME]["changed"] is True
    assert addresses(uplink) == [f"{own}/24"]
    print(f"row 25, address changed for good: answered after {took_s:.1f} s")


def test_a_change_that_is_cancelled_meanwhile_is_undone(fleet: Fleet, uplink: Bed) -> None:
    before = files(uplink), addresses(uplink)
    job = begin(fleet, ("--mtu", "1400"))
    eventually(lambda: "90-osapi" in files(uplink), "the change did not begin")
    assert fleet.client("job", "cancel", "--job-id", job).status == 0
    answer = ended(fleet, job)
    assert (answer["code"], answer["error"]) == ("reverted", "cancelled while it ran; its change was undone")
    assert (files(uplink), addresses(uplink)) == before
    assert " mtu 1500 " in uplink("enter", HOST, "ip", "link", "show", "dev", UPLINK)
