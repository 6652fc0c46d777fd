"""Figures from /proc, in the shapes that real kernels print."""

from __future__ import annotations

import os
import threading

import pytest

from osapi.contract.errors import DeadlineExceeded, NotFound, OsapiError, Permanent
from osapi.host.figures import DiskSpace, Figures, local_types, parse_meminfo, parse_mountinfo, real_mounts
from osapi.host.space import SpaceProbe

FILESYSTEMS = "nodev\tsysfs\nnodev\ttmpfs\nnodev\tproc\n\text4\n\tsquashfs\n\tbtrfs\n\txfs\nnodev\toverlay\nnodev\tnfs4\n\tfuseblk\n"
MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:5 / /proc rw - proc proc rw
23 21 0:20 / /run rw shared:5 - tmpfs tmpfs rw,size=100k
24 21 8:2 / /srv/my\\040data rw - xfs /dev/sdb1 rw
25 21 8:1 /var/lib/x /mnt/bind rw - ext4 /dev/sda1 rw
26 21 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
27 21 0:30 /@ /pool rw - btrfs /dev/sdc1 rw,subvol=/@
28 21 0:31 /@home /home rw - btrfs /dev/sdc1 rw,subvol=/@home
29 21 0:40 / /net rw - nfs4 server:/export rw
30 21 0:41 / /tank rw master:2 propagate_from:1 - zfs tank rw
31 21 0:42 / /tank/a rw - zfs tank/a rw
32 21 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
not a line of the file
"""
SPACE = DiskSpace(total=100, free=50, available=40, inodes_total=10, inodes_free=5, read_only=False)


class Source:
    def __init__(self, files: dict[str, str], failing: dict[str, OsapiError] | None = None) -> None:
        self._files = files
        self._failing = failing or {}

    async def read(self, path: str, *, follow: bool) -> bytes | None:
        if path in self._failing:
            raise self._failing[path]
        found = self._files.get(path)
        return None if found is None else found.encode()

    async def disk_space(self, path: str) -> DiskSpace:
        if path in self._failing:
            raise self._failing[path]
        return SPACE


def test_local_file_systems_are_those_of_block_devices_and_zfs() -> None:
    assert local_types(FILESYSTEMS) == {"ext4", "squashfs", "btrfs", "xfs", "fuseblk", "zfs"}


def test_each_device_counts_once_and_images_and_networks_not_at_all() -> None:
    found = real_mounts(parse_mountinfo(MOUNTS), local_types(FILESYSTEMS))
    assert [mount.path for mount in found] == ["/", "/home", "/srv/my data", "/tank", "/tank/a"]


def test_the_root_of_a_container_counts_although_it_is_an_overlay() -> None:
    mounts = parse_mountinfo("1 0 0:50 / / rw - overlay overlay rw\n2 1 0:51 / /x rw - overlay overlay rw\n")
    assert [mount.path for mount in real_mounts(mounts, frozenset({"ext4"}))] == ["/"]


@pytest.mark.anyio
async def test_a_disk_that_cannot_be_measured_spoils_no_other() -> None:
    files = {"/proc/filesystems": FILESYSTEMS, "/proc/self/mountinfo": MOUNTS}
    disks = await Figures(Source(files, {"/tank": DeadlineExceeded("/tank did not answer")})).disks()
    assert {disk.mount.path: disk.error for disk in disks if disk.error} == {"/tank": "/tank did not answer"}
    assert sum(disk.space is SPACE for disk in disks) == 4


def test_memory_without_the_newer_figures_is_still_read() -> None:
    memory = parse_meminfo("MemTotal:  1000 kB\nMemFree: 400 kB\nHugePages_Total: 3\n")
    assert (memory.total, memory.available, memory.swap_total) == (1024000, 409600, 0)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "text"),
    [("/proc/uptime", ""), ("/proc/uptime", "never"), ("/proc/loadavg", "0.1 0.2"), ("/proc/meminfo", "no figures")],
)
async def test_unexpected_content_is_a_failure_that_names_the_file(path: str, text: str) -> None:
    figures = Figures(Source({path: text}))
    read = {"/proc/uptime": figures.uptime, "/proc/loadavg": figures.load, "/proc/meminfo": figures.memory}[path]
    with pytest.raises(Permanent, match=path):
        await read()


@pytest.mark.anyio
async def test_memory_pressure_is_read_where_the_kernel_measures_it() -> None:
    files = {"/proc/meminfo": "MemTotal: 1 kB\n", "/proc/pressure/memory": "some avg10=1.25 avg60=0.00\nfull avg10=9\n"}
    assert (await Figures(Source(files)).memory()).pressure_percent == 1.25
    disabled = {"/proc/pressure/memory": Permanent("cannot read: Operation not supported")}
    assert (await Figures(Source(files, disabled)).memory()).pressure_percent is None


class Disk:
    """Answers when it is told to; counts how often it was asked."""

    def __init__(self, problem: OSError | None = None) -> None:
        self.asked = 0
        self.may_answer = threading.Event()
        self._problem = problem

    def ask(self, _: str) -> os.statvfs_result:
        self.asked += 1
        self.may_answer.wait(10)
        if self._problem:
            raise self._problem
        return os.statvfs("/")


@pytest.mark.anyio
async def test_a_mount_that_hangs_is_given_up_in_time_and_not_asked_again() -> None:
    disk = Disk()
    probe = SpaceProbe(disk.ask)
    for _ in range(2):
        with pytest.raises(DeadlineExceeded, match="/mnt did not answer"):
            await probe.measure("/mnt", 0.05)
    assert disk.asked == 1
    disk.may_answer.set()
    assert (await probe.measure("/mnt", 5)).total > 0


@pytest.mark.anyio
async def test_a_mount_that_is_gone_is_told() -> None:
    disk = Disk(FileNotFoundError(2, "No such file or directory"))
    disk.may_answer.set()
    with pytest.raises(NotFound, match="/mnt"):
        await SpaceProbe(disk.ask).measure("/mnt", 5)
