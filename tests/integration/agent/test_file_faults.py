"""Rows 35, 36 and 37 of the fault matrix on the side of the host: hostile paths, swapped directories, killed writers."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests import corpus
from tests.integration.agent.conftest import ReadyAgents
from tests.integration.agent.processes import Fleet
from tests.integration.agent.test_faults import figures

from osapi.contract.errors import OsapiError
from osapi.contract.files import CONTENT_TYPE, ContentType
from osapi.deploy import decisions
from osapi.deploy.deployer import Deployer
from osapi.deploy.wanted import Content, Wanted
from osapi.domains.file import operations
from osapi.domains.file.models import FileDeploy, FilePath
from osapi.host.identity import Claims
from osapi.host.local import open_host
from osapi.jobs.record import Ending
from osapi.transport.broker import Broker

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

KILLS = 1000


async def test_row_35_hostile_paths_and_names_are_refused_by_the_agent(
    fleet: Fleet, ready_agents: ReadyAgents, broker: Broker, tmp_path: Path
) -> None:
    """The jobs are signed as by a controller that checks nothing."""

    async def content() -> AsyncIterator[bytes]:
        yield b"hostile"

    await broker.objects("file-objects").put("x", content(), {CONTENT_TYPE: "raw"})
    inside = corpus.lay_out(tmp_path / "place")
    await ready_agents()
    done: list[str] = []
    inputs = 0
    for path in corpus.paths(inside):
        deploy = FileDeploy(object_name="x", path=path, content_type=ContentType.RAW, adopt=True)
        for operation, request in (
            (operations.DEPLOY, deploy),
            (operations.UNDEPLOY, FilePath(path=path)),
            (operations.STATUS, FilePath(path=path)),
        ):
            collected = await fleet.run(operation, request, "m0")
            inputs += 1
            done += [path for response in collected.responses if response.ending is Ending.COMPLETED]
    for name in corpus.NAMES:
        request = FileDeploy(object_name=name, path=f"{inside}/named", content_type=ContentType.RAW)
        collected = await fleet.run(operations.DEPLOY, request, "m0")
        inputs += 1
        done += [name for response in collected.responses if response.ending is Ending.COMPLETED]
    figures("row 35", at="the agent", inputs=inputs, carried_out=len(done), escapes=int(corpus.escaped(inside)))
    assert done == []
    assert not corpus.escaped(inside)


def exchange(one: Path, other: Path) -> None:
    """Let two names stand for one another, at once; see renameat2(2)."""
    at_cwd, exchange = -100, 2
    failed = ctypes.CDLL(None, use_errno=True).renameat2(at_cwd, bytes(one), at_cwd, bytes(other), exchange)
    assert not failed, os.strerror(ctypes.get_errno())


async def test_row_36_a_directory_that_is_swapped_for_a_link_never_leads_elsewhere(tmp_path: Path) -> None:
    """Somebody swaps a directory for a link to another, all the time, while files are deployed, kept and restored."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    outside.mkdir()
    (root / "dir").mkdir(parents=True)
    (root / "link").symlink_to(outside)
    stop, swaps = threading.Event(), 0

    def swap() -> None:
        nonlocal swaps
        while not stop.is_set():
            exchange(root / "dir", root / "link")
            swaps += 1

    host = await open_host(tmp_path, claims=Claims(machine_id="test", labels={}), root=str(root))
    deployer, counts = Deployer(host), {"carried out": 0, "refused": 0}
    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        end = time.monotonic() + 4
        while time.monotonic() < end or not all(counts.values()):
            assert time.monotonic() < end + 30
            wanted = Wanted(path="/dir/file", content=Content.of(b"%d" % counts["carried out"]))
            try:
                await host.apply(decisions.deploy(wanted, await deployer.look(wanted), adopt=True))
                await host.apply(decisions.undeploy(await deployer.look_at("/dir/file")))
                counts["carried out"] += 1
            except OsapiError:
                counts["refused"] += 1
    finally:
        stop.set()
        swapper.join()
        host.close()
    escapes = len(list(outside.iterdir()))
    figures("row 36", swaps=swaps, deployed=counts["carried out"], refused=counts["refused"], escapes=escapes)
    assert escapes == 0


KILLER = """
import asyncio, hashlib, os, random, signal, sys, time
from pathlib import Path
from osapi.contract.files import ContentType
from osapi.deploy import decisions
from osapi.deploy.deployer import Deployer
from osapi.deploy.wanted import Content, Wanted
from osapi.host.identity import Claims
from osapi.host.local import open_host
from osapi.testing.objects import FakeObject, FakeObjects

state, root, kills = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
chance = random.Random(37)
contents = {"raw": b"a" * 1_500_000, "small": b"b" * 50_000}
modes = {"raw": 0o600, "small": 0o644}
known = {hashlib.sha256(content).hexdigest(): modes[name] for name, content in contents.items()}
objects = FakeObjects({name: FakeObject(content=content) for name, content in contents.items()})

async def host_of():
    host = await open_host(state, claims=Claims(machine_id="test", labels={}), root=str(root))
    return host.with_objects(objects)

async def deploy(host, name):
    deployer = Deployer(host)
    wanted = Wanted(path="/etc/app", content=await deployer.from_object(name), mode=modes[name])
    await host.apply(decisions.deploy(wanted, await deployer.look(wanted)))

async def for_ever(told):
    host = await host_of()
    while True:
        for name in contents:
            await deploy(host, name)
            os.write(told, b".")

async def look():
    host = await host_of()
    seen = await Deployer(host).look_at("/etc/app")
    host.close()
    return seen

torn = wrong = lost = 0
for _ in range(kills):
    heard, told = os.pipe()
    writer = os.fork()
    if writer == 0:
        asyncio.run(for_ever(told))
    os.read(heard, 1)
    time.sleep(chance.uniform(0, 0.02))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    os.close(heard), os.close(told)
    digest = hashlib.sha256((root / "etc/app").read_bytes()).hexdigest()
    torn += digest not in known
    wrong += (root / "etc/app").stat().st_mode & 0o7777 != known.get(digest)
    lost += not asyncio.run(look()).managed
print(torn, wrong, lost)
"""


def test_row_37_a_file_is_whole_however_often_its_writer_is_killed(tmp_path: Path) -> None:
    state, root = tmp_path / "state", tmp_path / "root"
    state.mkdir()
    root.mkdir()
    command = [sys.executable, "-c", KILLER, str(state), str(root), str(KILLS)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    torn, wrong, lost = map(int, told.split())
    figures("row 37", kills=KILLS, torn=torn, wrong_modes=wrong, no_longer_ours=lost)
    assert (torn, wrong, lost) == (0, 0, 0)
