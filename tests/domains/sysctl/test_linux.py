"""The whole life of a parameter on real files below a temporary root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from osapi.contract.errors import NotManaged
from osapi.contract.operation import Nothing
from osapi.domains.sysctl.linux import provider
from osapi.domains.sysctl.models import SysctlCreate, SysctlKey, SysctlUpdate
from osapi.host.door import Host, Task
from osapi.host.identity import Claims
from osapi.host.local import open_host

pytestmark = pytest.mark.anyio

KEY = "net.ipv4.conf.eth0/100.rp_filter"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    (made / "proc/sys/net/ipv4/conf/eth0.100").mkdir(parents=True)
    (made / "proc/sys/net/ipv4/conf/eth0.100/rp_filter").write_text("0\n")
    (made / "etc").mkdir()
    return made


@pytest.fixture
async def host(root: Path, tmp_path: Path) -> AsyncIterator[Host]:
    made = await open_host(tmp_path, claims=Claims(machine_id="test", labels={}), root=str(root))
    yield made
    made.close()


async def test_from_create_to_delete(host: Host, root: Path) -> None:
    sysctl = provider(host)
    kernel = root / "proc/sys/net/ipv4/conf/eth0.100/rp_filter"
    file = root / "etc/sysctl.d/osapi-net.ipv4.conf.eth0%2F100.rp_filter.conf"

    assert (await sysctl.create(SysctlCreate(key=KEY, value="1"))).changed
    assert (kernel.read_text(), file.read_text()) == ("1\n", f"{KEY} = 1\n")
    assert file.stat().st_mode & 0o7777 == 0o644
    assert not (await sysctl.create(SysctlCreate(key=KEY, value="1"))).changed

    assert (await sysctl.update(SysctlUpdate(key="net/ipv4/conf/eth0.100/rp_filter", value="2"))).changed
    (entry,) = await sysctl.entries(Nothing())
    assert (entry.key, entry.value, entry.previous, entry.in_sync) == (KEY, "2", "0", True)

    assert (await sysctl.delete(SysctlKey(key=KEY))).changed
    assert (kernel.read_text(), file.exists()) == ("0\n", False)
    assert not (await sysctl.delete(SysctlKey(key=KEY))).changed
    with pytest.raises(NotManaged):
        await sysctl.get(SysctlKey(key=KEY))


async def test_check_mode_leaves_everything_as_it_is(host: Host, root: Path) -> None:
    sysctl = provider(host.for_task(Task(check_mode=True)))
    change = await sysctl.create(SysctlCreate(key=KEY, value="1"))
    assert (change.changed, change.running) == (True, "0")
    assert not (root / "etc/sysctl.d").exists()
    assert await sysctl.entries(Nothing()) == []
