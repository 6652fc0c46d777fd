"""Whether the facts of a host would now make something else of a template that is deployed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from osapi.agent.rechecking import Rechecking
from osapi.contract.files import ContentType
from osapi.deploy import decisions
from osapi.deploy.deployer import Deployer
from osapi.deploy.wanted import Wanted
from osapi.host.managed import ManagedFile
from osapi.host.plan import sha256
from osapi.testing.files import FakeFile
from osapi.testing.host import FakeHost, Setup
from osapi.testing.objects import FakeObject

pytestmark = pytest.mark.anyio

TEMPLATE = FakeObject(content=b"{{ facts.version }} {{ vars.x }}", content_type=ContentType.TEMPLATE)
NAMED = FakeObject(content=b"{{ hostname }}", content_type=ContentType.TEMPLATE)
PATH = "/etc/app.conf"


@pytest.fixture
async def host() -> AsyncIterator[FakeHost]:
    made = FakeHost(Setup(objects={"page": TEMPLATE, "named": NAMED, "raw": FakeObject(content=b"raw")}))
    yield made
    made.close()


async def deploy(host: FakeHost, name: str, path: str = PATH) -> None:
    deployer = Deployer(host)
    wanted = Wanted(path=path, content=await deployer.from_object(name, variables={"x": "y"}))
    await host.apply(decisions.deploy(wanted, await deployer.look(wanted)))


async def note(host: FakeHost, path: str = PATH) -> ManagedFile:
    found = await host.managed.get(path)
    assert found is not None
    return found


def change_version(host: FakeHost, version: str) -> None:
    host.put("/etc/os-release", FakeFile(content=f"ID=debian\nVERSION_ID={version}\n".encode()))


async def test_facts_that_changed_are_told_once_and_taken_back(host: FakeHost) -> None:
    await deploy(host, "page")
    rechecking = Rechecking(host, timedelta(seconds=1))
    await rechecking.look()
    before = await note(host)
    assert before.rendered is None
    change_version(host, "13")
    await rechecking.look()
    assert (await note(host)).rendered == sha256(b"13 y")
    reads = host.objects.reads
    await rechecking.look()
    assert host.objects.reads == reads
    change_version(host, "12")
    await rechecking.look()
    assert await note(host) == before
    assert host.snapshot()[PATH].content == b"12 y"


async def test_facts_that_a_template_does_not_speak_of_cost_nothing(host: FakeHost) -> None:
    await deploy(host, "page")
    await deploy(host, "raw", "/etc/raw")
    reads = host.objects.reads
    host.put("/etc/os-release", FakeFile(content=b"ID=other\nVERSION_ID=12\n"))
    await Rechecking(host, timedelta(seconds=1)).look()
    assert (host.objects.reads, (await note(host)).rendered) == (reads, None)


async def test_the_name_of_the_host_counts(host: FakeHost) -> None:
    await deploy(host, "named")
    host.put("/proc/sys/kernel/hostname", FakeFile(content=b"web-02\n"))
    await Rechecking(host, timedelta(seconds=1)).look()
    assert (await note(host)).rendered == sha256(b"web-02")


async def test_deploying_again_settles_it(host: FakeHost) -> None:
    await deploy(host, "page")
    change_version(host, "13")
    rechecking = Rechecking(host, timedelta(seconds=1))
    await rechecking.look()
    await deploy(host, "page")
    await rechecking.look()
    assert ((await note(host)).rendered, host.snapshot()[PATH].content) == (None, b"13 y")


@pytest.mark.parametrize(
    "now", [None, FakeObject(content=b"other {{ facts.version }}"), FakeObject(content=b"{{ x }}")]
)
async def test_another_object_says_enough_by_itself(host: FakeHost, now: FakeObject | None) -> None:
    await deploy(host, "page")
    host.objects.put("page", now)
    change_version(host, "13")
    await Rechecking(host, timedelta(seconds=1)).look()
    assert (await note(host)).rendered is None
