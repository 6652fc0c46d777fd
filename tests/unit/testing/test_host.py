"""What the fake host offers beyond the real one: scripts, and a look at what became of it.

That it behaves like the real one is shown by `tests/unit/host/test_door.py`.
"""

from __future__ import annotations

import errno

import pytest

from osapi.contract.errors import Permanent
from osapi.host.door import Task
from osapi.host.figures import DiskSpace
from osapi.host.plan import Plan, SetKernelValue
from osapi.testing.files import FakeFile
from osapi.testing.host import FakeHost, Setup
from osapi.testing.programs import Call, Script, UnexpectedCommandError

pytestmark = pytest.mark.anyio

SWAPPINESS = "/proc/sys/vm/swappiness"


async def test_the_default_is_a_debian_called_web_01() -> None:
    host = FakeHost()
    assert host.family.id == "debian"
    assert (await host.names()).hostname == "web-01"


async def test_a_program_leaves_behind_what_its_script_says() -> None:
    script = Script(argv=("install", "x"), sets={"/etc/x": b"1", "/etc/hostname": None})
    host = FakeHost(Setup(scripts=[script]))
    await host.run(["install", "x"])
    assert await host.read("/etc/x") == b"1"
    assert await host.read("/etc/hostname") is None


async def test_what_was_started_can_be_looked_at() -> None:
    host = FakeHost(Setup(scripts=[Script(argv=("id",))], accounts=["www-data"]))
    await host.for_task(Task()).run(["id"], stdin=b"x", user="www-data", env={"A": "1"}, deadline_s=3)
    assert host.calls == [Call(argv=("id",), stdin=b"x", user="www-data", env={"A": "1"}, deadline_s=3)]


async def test_an_unforeseen_command_fails_the_test() -> None:
    host = FakeHost(Setup(scripts=[Script(argv=("apt-get", "update"))]))
    with pytest.raises(UnexpectedCommandError, match="apt-get"):
        await host.run(["apt-get", "install"])


async def test_a_kernel_value_may_refuse_or_bend() -> None:
    value = FakeFile(content=b"60\n", refuses={"-1": errno.EINVAL}, bends={"500": "200"})
    host = FakeHost(Setup(files={SWAPPINESS: value}))
    for wanted in ("-1", "500"):
        with pytest.raises(Permanent) as caught:
            await host.set_kernel_value(SWAPPINESS, wanted)
        assert caught.value.error_code == "rejected"
    assert await host.read(SWAPPINESS) == b"60\n"


async def test_a_refusal_that_was_reckoned_with_is_no_failure() -> None:
    value = FakeFile(content=b"1\n", refuses={"0": errno.EPERM})
    host = FakeHost(Setup(files={SWAPPINESS: value}))
    assert (await host.apply(Plan((SetKernelValue(path=SWAPPINESS, value="0", required=False),)))).changed
    with pytest.raises(Permanent):
        await host.apply(Plan((SetKernelValue(path=SWAPPINESS, value="0"),)))


async def test_disks_are_as_given() -> None:
    space = DiskSpace(total=1, free=1, available=1, inodes_total=1, inodes_free=1, read_only=False)
    host = FakeHost(Setup(disks={"/": space, "/bad": Permanent("broken")}))
    assert await host.disk_space("/") is space
    with pytest.raises(Permanent, match="broken"):
        await host.disk_space("/bad")


async def test_somebody_else_may_change_files() -> None:
    host = FakeHost()
    host.put("/etc/motd", FakeFile(content=b"x", mode=0o600))
    assert host.snapshot()["/etc/motd"].mode == 0o600
    host.put("/etc/motd", None)
    assert await host.stat("/etc/motd") is None
