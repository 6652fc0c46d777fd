"""Which files may be fetched, and that what is stored is the file."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from osapi.contract.errors import NotFound, OsapiError, Permanent, Protected, TooLarge, Unavailable, Unsupported
from osapi.domains.fetch.linux import provider
from osapi.domains.fetch.models import FileFetch
from osapi.host.door import Task
from osapi.host.fetchable import Fetchable
from osapi.host.identity import Claims
from osapi.host.local import LocalHost, open_host
from osapi.host.plan import sha256
from osapi.testing.files import DIRECTORY, FakeFile
from osapi.testing.host import MIDNIGHT, FakeHost, Setup
from osapi.testing.keeping import Shelf

pytestmark = pytest.mark.anyio

ALLOWED = Fetchable(paths=("/srv", "/etc/motd"), max_bytes=1000)
FILES = {
    "/srv/a": FakeFile(content=b"content", mode=0o640),
    "/srv/long": FakeFile(content=b"x" * 1001),
    "/srv/folder": DIRECTORY,
    "/srvother/a": FakeFile(content=b"secret"),
    "/etc/motd": FakeFile(content=b"hello"),
    "/etc/motd2": FakeFile(content=b"secret"),
    "/etc/shadow": FakeFile(content=b"secret"),
    "/var/lib/osapi/nkeys/agent.seed": FakeFile(content=b"secret"),
}


def fake(shelf: Shelf | None, fetchable: Fetchable = ALLOWED) -> FakeHost:
    return FakeHost(Setup(files=FILES, fetchable=fetchable)).for_task(Task(keep=shelf))


async def fetch(host: FakeHost | LocalHost, path: str) -> object:
    return await provider(host).fetch(FileFetch(path=path))


async def test_a_file_is_kept_and_described() -> None:
    shelf = Shelf()
    found = await provider(fake(shelf)).fetch(FileFetch(path="/srv/a"))
    assert (found.size, found.sha256, found.mode, found.uid, found.modified) == (
        7, sha256(b"content"), "0640", 0, MIDNIGHT,
    )  # fmt: skip
    assert shelf.contents == {"content": b"content"}


@pytest.mark.parametrize("path", ["/srvother/a", "/etc/motd2", "/etc/shadow", "/srv/../etc/shadow", "/srv/./a"])
async def test_only_what_is_allowed_may_be_fetched(path: str) -> None:
    shelf = Shelf()
    with pytest.raises(OsapiError) as caught:
        await fetch(fake(shelf), path)
    assert caught.value.error_code in ("protected", "invalid")
    assert shelf.contents == {}


async def test_our_own_keys_may_never_be_fetched() -> None:
    everything = Fetchable(paths=("/",))
    assert await fetch(fake(Shelf(), everything), "/etc/shadow")
    with pytest.raises(Protected, match="OSAPI's own keys"):
        await fetch(fake(Shelf(), everything), "/var/lib/osapi/nkeys/agent.seed")


async def test_what_is_too_long_or_no_file_or_not_there_is_told() -> None:
    with pytest.raises(TooLarge, match=r"1001 bytes .* 1000 at most \(agent.fetch.max_bytes\)"):
        await fetch(fake(Shelf()), "/srv/long")
    with pytest.raises(Permanent, match="is a directory"):
        await fetch(fake(Shelf()), "/srv/folder")
    with pytest.raises(NotFound, match="there is no file /srv/none"):
        await fetch(fake(Shelf()), "/srv/none")


async def test_what_could_not_be_stored_was_not_fetched() -> None:
    with pytest.raises(Unavailable, match="the store is full"):
        await fetch(fake(Shelf("the store is full")), "/srv/a")
    with pytest.raises(Unsupported, match=r"nats\.output\.bucket is empty"):
        await fetch(fake(None), "/srv/a")


# -- a real file system ------------------------------------------------------------------------


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[LocalHost]:
    (tmp_path / "state").mkdir()
    (tmp_path / "root/srv").mkdir(parents=True)
    (tmp_path / "root/etc").mkdir()
    (tmp_path / "root/etc/shadow").write_text("secret")
    made = await open_host(
        tmp_path / "state",
        claims=Claims(machine_id="test", labels={}),
        root=str(tmp_path / "root"),
        fetchable=Fetchable(paths=("/srv",), max_bytes=10_000_000),
    )
    yield made
    made.close()


async def test_no_link_leads_out(host: LocalHost, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "srv/file").symlink_to("../etc/shadow")
    (root / "srv/folder").symlink_to("../etc")
    for path in ("/srv/file", "/srv/folder/shadow"):
        shelf = Shelf()
        with pytest.raises(Permanent) as caught:
            await fetch(host.for_task(Task(keep=shelf)), path)  # type: ignore[arg-type]
        assert caught.value.error_code == "unsafe_path"
        assert shelf.contents == {}


@pytest.mark.parametrize("kind", ["fifo", "socket", "directory"])
async def test_what_is_no_regular_file_is_refused_and_nobody_hangs(host: LocalHost, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "root/srv/thing"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    else:
        os.mknod(path, mode=0o140600)
    with pytest.raises(Permanent, match="not a regular file"):
        await fetch(host.for_task(Task(keep=Shelf())), "/srv/thing")  # type: ignore[arg-type]


async def test_a_long_file_is_read_whole(host: LocalHost, tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "root/srv/long").write_bytes(content)
    shelf = Shelf()
    await fetch(host.for_task(Task(keep=shelf)), "/srv/long")  # type: ignore[arg-type]
    assert shelf.contents["content"] == content
