"""Row 25 of the fault matrix (docs/reliability.md): a change that cuts a real host off undoes itself, whoever dies.

Whether a host can be reached is looked at from outside, by a TCP connection that it refuses.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from tests.acceptance.fleet import HOSTS, Bed, Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

OURS = "/etc/netplan/90-osapi-interface-eth0.yaml"
DROP_IN = "/run/systemd/system/osapi-agent.service.d/no-restart.conf"
AWAY = ("--address", "198.51.100.5/24", "--take-over")
"""The address by which the host is reached goes."""


@dataclass(frozen=True)
class Host:
    """One host, reached through eth0."""

    fleet: Fleet
    number: int
    name: str

    @property
    def bed(self) -> Bed:
        return self.fleet.bed

    @property
    def address(self) -> str:
        return self.bed("address", self.number)

    @property
    def is_reached(self) -> bool:
        return is_reached(self.address)

    def enter(self, *words: str) -> str:
        return self.bed("enter", self.number, *words)

    def state(self) -> tuple[str, list[str]]:
        """The files of netplan, and the IPv4 addresses of eth0."""
        files = self.enter("sh", "-c", "cd /etc/netplan && for f in *; do stat -c '%n %a' $f; cat $f; done")
        return files, self.enter("ip", "-4", "-br", "address", "show", "dev", "eth0").split()[2:]

    def begin(self, *words: str) -> str:
        """Start a change of eth0; returns the id of its job."""
        change = ("node", "network", "interface", "create", "--name", "eth0", *words, "-T", self.name, "--async")
        job: str = self.fleet.client(*change).json["job_id"]
        return job

    def ended(self, job: str) -> dict[str, Any]:
        """What the host says became of a job."""
        found: dict[str, Any] = {}

        def has_answered() -> bool:
            found.update(self.fleet.client("job", "get", "--job-id", job).json.get("responses") or {})
            return self.name in found

        eventually(has_answered, "the host has not answered", 60)
        answer: dict[str, Any] = found[self.name]
        return answer

    def answers(self) -> bool:
        return self.fleet.client("node", "hostname", "get", "-T", self.name).status == 0


def nobody(_: Host) -> None:
    """The agent lives and sees for itself."""


def agent(host: Host) -> None:
    """SIGKILL; systemd starts it again."""
    host.enter("systemctl", "kill", "-s", "KILL", "osapi-agent")


def agent_for_good(host: Host) -> None:
    """SIGKILL, and nobody starts it again before the host can be reached."""
    host.bed.write(host.number, DROP_IN, b"[Service]\nRestart=no\n")
    host.enter("systemctl", "daemon-reload")
    agent(host)


def power(host: Host) -> None:
    """The host dies, and its timer with it; it comes back with the disk it has."""
    host.bed("crash", host.number)
    host.bed("start", host.number)


PLANS = ((nobody, agent), (agent_for_good,), (power,))
"""What is killed on each host, one after the other; the hosts do it side by side."""


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


@pytest.fixture
def hosts(fleet: Fleet) -> Iterator[list[Host]]:
    """The hosts as they were, and their agents running, whatever became of them."""
    found = [Host(fleet, number, fleet.bed("enter", number, "hostname")) for number in range(1, HOSTS + 1)]
    yield found
    for host in found:
        host.enter("sh", "-c", f"rm -f {OURS} {DROP_IN}; systemctl daemon-reload; systemctl start osapi-agent")
        eventually(host.answers, "the host is lost")


def undone(host: Host, killed: Any) -> str:
    """Cut the host off, kill, and look; the figure."""
    before = host.state()
    assert host.is_reached
    job = host.begin(*AWAY)
    eventually(lambda: not host.is_reached, "the change did not cut the host off", 15)
    cut = time.monotonic()
    killed(host)
    eventually(lambda: host.is_reached, "the host is locked out", 90)
    took_s = time.monotonic() - cut
    if killed is agent_for_good:
        host.enter("systemctl", "start", "osapi-agent")
    answer = host.ended(job)
    assert (answer["status"], answer["code"]) == ("failed", "reverted"), answer
    assert answer["error"].endswith("change was undone")
    assert host.state() == before
    assert host.answers()
    return f"row 25, address gone, killed: {killed.__name__}: reached again after {took_s:.1f} s, lock-outs = 0"


def test_row_25_a_change_that_cuts_the_host_off_undoes_itself(hosts: list[Host]) -> None:
    with ThreadPoolExecutor(HOSTS) as pool:
        done = pool.map(lambda host, plan: [undone(host, killed) for killed in plan], hosts, PLANS)
        for figure in [figure for figures in done for figure in figures]:
            print(figure)


def test_row_25_the_broker_s_address_taken_by_the_host_undoes_itself(hosts: list[Host]) -> None:
    """The host is reached from outside all the time, but no job could reach it any more."""
    host = hosts[0]
    before, began = host.state(), time.monotonic()
    stolen = ("--address", f"{host.address}/24", "--address", f"{host.bed('address', 0)}/32", "--take-over")
    answer = host.ended(host.begin(*stolen))
    took_s = time.monotonic() - began
    assert (answer["status"], answer["code"]) == ("failed", "reverted"), answer
    assert host.state() == before
    print(f"row 25, broker's address taken: answered after {took_s:.1f} s, lock-outs = 0")


def test_a_host_that_is_given_another_address_stays_in_touch(hosts: list[Host]) -> None:
    host = hosts[0]
    other = host.address.rpartition(".")[0] + ".200"
    began = time.monotonic()
    change = ("interface", "create", "--name", "eth0", "--address", f"{other}/24", "--take-over", "-T", host.name)
    assert host.fleet.client("node", "network", *change).results[host.name]["changed"] is True
    took_s = time.monotonic() - began
    assert (host.state()[1], host.is_reached) == ([f"{other}/24"], False)
    back = host.fleet.client("node", "network", "interface", "delete", "--name", "eth0", "-T", host.name)
    assert back.results[host.name]["changed"] is True
    assert host.state()[1] == [f"{host.address}/24"]
    print(f"row 25, address changed for good: answered after {took_s:.1f} s")


def test_a_change_that_is_cancelled_meanwhile_is_undone(hosts: list[Host]) -> None:
    host = hosts[0]
    before = host.state()
    job = host.begin("--mtu", "1400")
    eventually(lambda: "90-osapi" in host.state()[0], "the change did not begin")
    assert host.fleet.client("job", "cancel", "--job-id", job).status == 0
    answer = host.ended(job)
    assert (answer["code"], answer["error"]) == ("reverted", "cancelled while it ran; its change was undone")
    assert host.state() == before
    assert " mtu 1500 " in host.enter("ip", "link", "show", "dev", "eth0")
