"""All facts of a host: what is collected, how long it is kept, and that each source fails on its own."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from osapi.contract.errors import DeadlineExceeded, Permanent
from osapi.contract.facts import HostFacts, HostMount
from osapi.host import facts as host_facts
from osapi.host.custom_facts import FOLDER
from osapi.host.door import Host
from osapi.host.facts import Facts
from osapi.host.figures import DiskSpace
from osapi.host.identity import Claims
from osapi.host.local import open_host
from osapi.host.plan import Plan, Write
from osapi.testing.files import DIRECTORY, FakeFile
from osapi.testing.host import MIDNIGHT, FakeHost, Setup
from osapi.testing.programs import Script

pytestmark = pytest.mark.anyio

LINKS = [
    {
        "ifname": "eth0",
        "flags": ["UP"],
        "addr_info": [{"family": "inet", "local": "192.0.2.7", "prefixlen": 24, "scope": "global"}],
    }
]
FILES = {
    "/proc/sys/kernel/osrelease": "6.1.0-25-amd64\n",
    "/proc/meminfo": "MemTotal: 2048 kB\nMemFree: 512 kB\nSwapTotal: 1024 kB\n",
    "/proc/uptime": "3600.50 1.0\n",
    "/proc/cpuinfo": "model name\t: AMD EPYC\n",
    "/proc/filesystems": "\text4\n",
    "/proc/self/mountinfo": "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n22 1 8:2 / /srv rw - ext4 /dev/sdb1 rw\n",
    "/proc/net/route": "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
    "/sys/devices/system/cpu/online": "0-3\n",
    "/sys/block/sda/size": "2048\n",
    "/run/systemd/system/x": "",
    f"{FOLDER}/role.json": '{"role": "db"}',
}
SCRIPTS = (
    Script(argv=("ip", "-j", "address"), stdout=json.dumps(LINKS).encode()),
    Script(argv=("systemd-detect-virt", "--container"), stdout=b"none\n", exit_code=1),
    Script(argv=("systemd-detect-virt", "--vm"), stdout=b"kvm\n"),
)
SPACE = DiskSpace(total=1000, free=500, available=400, inodes_total=1, inodes_free=1, read_only=False)


def setup(**more: Any) -> Setup:
    files = {path: FakeFile(content=content.encode()) for path, content in FILES.items()}
    disks = {"/": SPACE, "/srv": DeadlineExceeded("/srv did not answer")}
    return Setup(
        **{
            "files": files,
            "scripts": SCRIPTS,
            "programs": ("apt-get",),
            "disks": disks,
            "fqdn": "web-01.example.org",
            **more,
        }
    )


class Clock:
    def __init__(self) -> None:
        self.s = 1000.0

    def __call__(self) -> float:
        return self.s


async def test_everything_that_a_host_tells_is_collected() -> None:
    found = await Facts().refresh(FakeHost(setup()))
    assert found.fact_problems == ()
    told = msgspec.json.decode(msgspec.json.encode(found))
    assert told == {
        "machine_id": "0123456789abcdef0123456789abcdef",
        "hostname": "web-01",
        "fqdn": "web-01.example.org",
        "architecture": "x86_64",
        "architecture_debian": "amd64",
        "kernel_version": "6.1.0-25-amd64",
        "os_release": {"id": "debian", "family": ["debian", "linux"], "version": "12", "codename": "bookworm"},
        "service_mgr": "systemd",
        "package_mgr": "apt",
        "containerized": False,
        "container": "none",
        "virtualization": "kvm",
        "cpu_model": "AMD EPYC",
        "cpu_count": 4,
        "memory_total": 2097152,
        "swap_total": 1048576,
        "booted_at": "2025-12-31T22:59:59Z",
        "interfaces": [{"name": "eth0", "ipv4": "192.0.2.7", "family": "inet", "addresses": ["192.0.2.7/24"]}],
        "primary_interface": "eth0",
        "routes": [{"destination": "0.0.0.0", "gateway": "192.0.2.1", "interface": "eth0", "mask": "/0", "metric": 100, "flags": "0003"}],
        "disks": [{"name": "sda", "size": 1048576}],
        "mounts": [
            {"path": "/", "device": "/dev/sda1", "type": "ext4", "size": 1000},
            {"path": "/srv", "device": "/dev/sdb1", "type": "ext4"},
        ],
        "facts": {"role": "db"},
    }  # fmt: skip


async def test_a_host_that_tells_little_is_described_by_that_and_by_what_is_missing() -> None:
    found = await Facts().refresh(FakeHost())
    assert (found.hostname, found.container, found.package_mgr, found.interfaces) == ("web-01", "none", "unknown", ())
    assert {problem.source for problem in found.fact_problems} == {"memory", "booted_at", "interfaces", "mounts"}
    assert "ip is not installed" in str(found.fact_problems)


async def test_a_broken_source_is_told_and_spoils_no_other() -> None:
    broken = Script(argv=("ip", "-j", "address"), stdout=b"Segmentation fault")
    found = await Facts().refresh(FakeHost(setup(scripts=(broken, *SCRIPTS[1:]))))
    assert [problem.source for problem in found.fact_problems] == ["interfaces"]
    assert (found.interfaces, found.primary_interface, found.facts) == ((), "eth0", {"role": "db"})


async def test_what_is_told_is_bounded() -> None:
    many = [{"ifname": f"veth{n}", "flags": ["UP"]} for n in range(200)]
    script = Script(argv=("ip", "-j", "address"), stdout=json.dumps(many).encode())
    found = await Facts().refresh(FakeHost(setup(scripts=(script, *SCRIPTS[1:]))))
    assert len(found.interfaces) == host_facts.MOST
    assert [problem.error for problem in found.fact_problems] == ["only the first 64 of 200 are told"]


async def test_facts_are_kept_for_a_minute_and_what_cannot_change_for_ever() -> None:
    host, clock = FakeHost(setup()), Clock()
    facts = Facts(clock=clock)

    async def runs() -> list[str]:
        before = len(host.calls)
        await facts.get(host)
        return [call.argv[0] for call in host.calls[before:]]

    assert await runs() == ["systemd-detect-virt", "systemd-detect-virt", "ip"]
    assert await runs() == []
    clock.s += 59
    assert await runs() == []
    clock.s += 2
    assert await runs() == ["ip"]


async def test_a_change_shows_at_once() -> None:
    host, facts = FakeHost(setup()), Facts()
    await facts.get(host)
    host.put("/proc/sys/kernel/hostname", FakeFile(content=b"web-02\n"))
    assert (await facts.get(host)).hostname == "web-01"
    facts.expire()
    assert facts.stale.is_set()
    assert (await facts.get(host)).hostname == "web-02"
    assert not facts.stale.is_set()


async def test_a_clock_that_is_corrected_a_little_does_not_move_the_boot() -> None:
    facts = Facts()
    before = await facts.refresh(FakeHost(setup()))
    nudged = await facts.refresh(FakeHost(setup(now=MIDNIGHT + timedelta(seconds=2))))
    assert nudged == before
    reset = await facts.refresh(FakeHost(setup(now=MIDNIGHT + timedelta(hours=2))))
    assert reset.booted_at != before.booted_at


async def test_a_problem_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    host, facts = FakeHost(setup()), Facts()
    host.put(f"{FOLDER}/role.json", FakeFile(content=b"{"))
    with caplog.at_level(logging.WARNING):
        await facts.refresh(host)
        await facts.refresh(host)
    assert [record.getMessage() for record in caplog.records] == ["facts.broken"]


async def test_a_host_without_a_name_fails_as_a_whole_and_is_asked_again() -> None:
    host, facts = FakeHost(setup()), Facts()
    host.put("/proc/sys/kernel/hostname", DIRECTORY)
    with pytest.raises(Permanent):
        await facts.get(host)
    for name in (b"web-01\n", b"web-02\n"):
        host.put("/proc/sys/kernel/hostname", FakeFile(content=name))
        assert (await facts.get(host)).hostname == name.decode().strip()
        host.put("/proc/sys/kernel/hostname", DIRECTORY)
        facts.expire()
        with pytest.raises(Permanent):
            await facts.get(host)


async def test_mounts_without_an_answer_have_no_size() -> None:
    found = await Facts().refresh(FakeHost(setup()))
    assert found.mounts[1] == HostMount(path="/srv", device="/dev/sdb1", type="ext4")


async def test_the_real_host_forgets_its_facts_when_a_plan_has_changed_it(tmp_path: Path) -> None:
    state, root = tmp_path / "state", tmp_path / "root"
    for folder in (state, root / "proc/sys/kernel", root / "etc"):
        folder.mkdir(parents=True)
    name = root / "proc/sys/kernel/hostname"
    name.write_text("web-01\n")
    host = await open_host(state, claims=Claims(labels={}, machine_id="m1"), root=str(root))

    async def told(view: Host = host) -> Any:
        return (await view.facts())["hostname"]

    assert await told() == "web-01"
    name.write_text("web-02\n")
    await host.apply(Plan())
    assert (await told(), await told(host.for_task(host.task))) == ("web-01", "web-01")
    await host.apply(Plan((Write(path="/etc/motd", content=b"x"),), "x"))
    assert host.stale_facts.is_set()
    assert await told() == "web-02"
    assert isinstance(await host.refresh_facts(), HostFacts)
    host.close()
