"""What a host runs in and on, and what it is made of."""

from __future__ import annotations

import pytest

from osapi.contract.facts import HostDisk
from osapi.host import hardware, surroundings
from osapi.testing.files import FakeFile
from osapi.testing.host import FakeHost, Setup
from osapi.testing.programs import Script

pytestmark = pytest.mark.anyio


def host_of(files: dict[str, str] | None = None, *scripts: Script, programs: tuple[str, ...] = ()) -> FakeHost:
    contents = {path: FakeFile(content=content.encode()) for path, content in (files or {}).items()}
    return FakeHost(Setup(files=contents, scripts=scripts, programs=programs))


def detects(kind: str, answer: str) -> Script:
    return Script(
        argv=("systemd-detect-virt", kind), stdout=f"{answer}\n".encode(), exit_code=1 if answer == "none" else 0
    )


@pytest.mark.parametrize(("said", "told"), [("none", "none"), ("systemd-nspawn", "systemd-nspawn")])
async def test_systemd_knows_containers(said: str, told: str) -> None:
    assert await surroundings.container(host_of({"/.dockerenv": ""}, detects("--container", said))) == told


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "none"),
        ({"/.dockerenv": ""}, "docker"),
        ({"/run/.containerenv": ""}, "podman"),
        ({"/run/systemd/container": "lxc\n"}, "lxc"),
    ],
)
async def test_without_systemd_the_marks_of_managers_tell(files: dict[str, str], told: str) -> None:
    assert await surroundings.container(host_of(files)) == told


async def test_virtual_machines_are_known_where_systemd_is() -> None:
    assert await surroundings.virtualization(host_of({}, detects("--vm", "kvm"))) == "kvm"
    assert await surroundings.virtualization(host_of({}, detects("--vm", "none"))) == "none"
    assert await surroundings.virtualization(host_of()) == ""


async def test_managers_of_services_and_packages() -> None:
    assert await surroundings.service_manager(host_of({"/run/systemd/system/x": ""})) == "systemd"
    assert await surroundings.service_manager(host_of({"/run/openrc/softlevel": ""})) == "openrc"
    assert await surroundings.service_manager(host_of()) == "unknown"
    assert surroundings.package_manager(host_of(programs=("yum", "apt-get"))) == "apt"
    assert surroundings.package_manager(host_of(programs=("yum", "dnf"))) == "dnf"
    assert surroundings.package_manager(host_of()) == "unknown"


@pytest.mark.parametrize(("machine", "debian"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("sparc64", "sparc64")])
async def test_debian_has_its_own_names_of_machines(machine: str, debian: str) -> None:
    assert surroundings.debian_architecture(machine) == debian


@pytest.mark.parametrize(
    ("cpuinfo", "model"),
    [
        ("processor\t: 0\nvendor_id\t: X\nmodel\t\t: 5\nmodel name\t: AMD EPYC 7B13\nflags\t: a\n\nmodel name\t: x\n", "AMD EPYC 7B13"),
        ("processor\t: 0\nBogoMIPS\t: 50\n\nHardware\t: X\nModel\t\t: Raspberry Pi 4\n", "Raspberry Pi 4"),
        ("processor\t: 0\ncpu\t\t: POWER9\nmachine\t: pSeries\n", "POWER9"),
        ("", ""),
    ],
)  # fmt: skip
async def test_processors_name_themselves(cpuinfo: str, model: str) -> None:
    assert await hardware.cpu_model(host_of({"/proc/cpuinfo": cpuinfo})) == model


@pytest.mark.parametrize(
    ("ranges", "count"), [("0\n", 1), ("0-3\n", 4), ("0-1,4,8-9\n", 5), ("\n", None), ("x-y", None), ("0-", None)]
)
async def test_processors_in_use_are_counted(ranges: str, count: int | None) -> None:
    assert await hardware.cpu_count(host_of({"/sys/devices/system/cpu/online": ranges})) == count


async def test_disks_are_those_that_hold_something() -> None:
    block = "/sys/block"
    files = {
        f"{block}/sda/size": "2048\n",
        f"{block}/sda/queue/rotational": "1\n",
        f"{block}/sda/device/model": "QEMU HARDDISK   \n",
        f"{block}/nvme0n1/size": "4096\n",
        f"{block}/nvme0n1/queue/rotational": "0\n",
        f"{block}/cciss!c0d0/size": "1\n",
        f"{block}/sdb/size": "0\n",
    } | {f"{block}/{name}/size": "8\n" for name in ("loop0", "ram0", "zram0", "sr0", "fd0", "dm-0", "md127", "nbd0")}
    assert await hardware.disks(host_of(files)) == (
        HostDisk(name="cciss/c0d0", size=512),
        HostDisk(name="nvme0n1", size=2097152, rotational=False),
        HostDisk(name="sda", size=1048576, model="QEMU HARDDISK", rotational=True),
    )
    assert await hardware.disks(host_of()) == ()
