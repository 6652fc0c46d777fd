"""Row 48 of the fault matrix: what a fresh installation leaves open, looked for from outside."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.figures import figures
from tests.integration.programs.conftest import Installation, Running, descendants, until

from osapi.contract.errors import Unavailable
from osapi.transport.address import Credentials
from osapi.transport.broker import Broker

pytestmark = pytest.mark.anyio

OPEN = {("GET", "/api/health"), ("GET", "/api/health/ready"), ("GET", "/api/openapi.json")}
"""What may be asked without a token; see the permissions of the reference."""
_GUESSES = (("", ""), ("nats", "nats"), ("admin", "admin"), ("osapi", "osapi"), ("root", ""))
_PUBLIC = {".pub", ".nkey"}
_LISTEN = "0A"
_SECRET = re.compile(r"SU[A-Z2-7]{56}|PRIVATE KEY|eyJ|\"k\"")


@pytest.fixture
def fresh(installation: Installation) -> Running:
    """Just started, with no setting but ports that are free; umask(2) as a careless user has it."""
    before = os.umask(0)
    try:
        running = installation.spawn("start")
    finally:
        os.umask(before)
    until(lambda: running.out.endswith("\n"), "the announcement")
    return running


def sockets(pid: int) -> set[str]:
    """Inodes of the sockets of a process, none when it has just ended; see proc_pid_fd(5)."""
    found: set[str] = set()
    links = list[Path]()
    with suppress(FileNotFoundError):
        links += Path(f"/proc/{pid}/fd").iterdir()
    for link in links:
        with suppress(OSError):
            if (name := str(link.readlink())).startswith("socket:["):
                found.add(name[8:-1])
    return found


def listeners(pids: set[int]) -> Iterator[tuple[str, int]]:
    """Address and port of every socket of these processes that takes connections or packets; see proc_net_tcp(5)."""
    inodes = {inode for pid in pids for inode in sockets(pid)}
    for kind, size in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6), ("udp", socket.AF_INET)):
        for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and (kind == "udp" or fields[3] == _LISTEN):
                address, port = fields[1].split(":")
                words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
                yield socket.inet_ntop(size, b"".join(words)), int(port, 16)


def bad_modes(folder: Path) -> list[str]:
    """Files and folders that others may read, write or enter. A public key may be read."""
    found: list[str] = []
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode & 0o777
        allowed = 0o644 if path.suffix in _PUBLIC else 0o700
        if mode & ~allowed:
            found.append(f"{mode:o} {path.relative_to(folder)}")
    return found


def secrets(folder: Path) -> dict[str, str]:
    """Digest of every file with a secret, by its name."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 65536)
    texts = {str(path.relative_to(folder)): path.read_text("utf-8", "ignore") for path in files}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items() if _SECRET.search(text)}


async def broker_lets_in(installation: Installation, user: str, password: str) -> bool:
    address = installation.broker(Credentials(username=user, password=password))
    try:
        broker = await Broker.connect(address, name="stranger", timeout_s=0.5)
    except Unavailable:
        return False
    await broker.close()
    return True


def open_operations(installation: Installation) -> set[tuple[str, str]]:
    """Every operation of the API that answers anything but 401 to who shows no token.

    Each is asked from an address of its own: one address may not try that often.
    """
    document = json.loads(installation.run("controller", "openapi").stdout)
    found: set[tuple[str, str]] = set()
    asked: list[str] = []
    for path, methods in document["paths"].items():
        for method in methods.keys() & {"get", "post", "put", "patch", "delete"}:
            plain = re.sub(r"\{[^}]*\}", "x", path)
            if installation.ask(method.upper(), plain, f"127.0.1.{len(asked) + 1}") != 401:
                found.add((method.upper(), path))
            asked.append(path)
    return found


async def test_row_48_a_fresh_installation_is_closed(installation: Installation, fresh: Running) -> None:
    pids = {fresh.pid, *descendants(fresh.pid)}
    heard = set(listeners(pids))
    opened = open_operations(installation)
    modes = bad_modes(installation.data) + bad_modes(installation.folder / "config")
    let_in = [guess for guess in _GUESSES if await broker_lets_in(installation, *guess)]
    figures(
        "row 48", listeners=sorted(heard), open_operations=len(opened), bad_modes=len(modes), guesses=len(_GUESSES),
        let_in=len(let_in),
    )  # fmt: skip
    assert heard == {("127.0.0.1", installation.api_port), ("127.0.0.1", installation.nats_port)}
    assert opened == OPEN
    assert modes == []
    assert let_in == []


def test_row_48_two_installations_share_no_secret(installation: Installation, fresh: Running, tmp_path: Path) -> None:
    other = Installation(tmp_path / "other")
    other.folder.mkdir()
    try:
        running = other.spawn("start")
        until(lambda: running.out.endswith("\n"), "the announcement")
        one, two = secrets(installation.data), secrets(other.data)
        assert len(one) >= 4
        assert one.keys() == two.keys()
        assert not set(one.values()) & set(two.values())
        assert installation.context["token"] != other.context["token"]
        assert other.get("/api/job", installation.context["token"])[0] == 401
        figures("row 48, two installations", secrets=len(one), shared=0)
    finally:
        other.close()
    assert fresh.stop() == 0
