"""A large file goes up, to a host and back down, and nobody holds it in memory. Prints its figures."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.integration.api.conftest import installation
from tests.integration.api.kit import OSAPI, Installation, by_host

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

MB = 1024 * 1024
SIZE = 200 * MB
MORE = 32 * MB
"""What a program may need more than before, for a file of any length."""


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Installation]:
    async with installation(tmp_path) as made:
        await made.stack.start_agent("web-00", fetch={"paths": [str(tmp_path / "host")]})
        await made.stack.until_registered(1)
        yield made


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_large(path: Path) -> None:
    with path.open("wb") as file:
        for number in range(SIZE // MB):
            file.write(hashlib.sha256(b"%d" % number).digest() * (MB // 32))


def memory(pid: int, field: str) -> int:
    """Resident memory in bytes; see proc(5)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) * 1024


class Peak:
    """How much more memory a running program needed than it had at the beginning."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._before = memory(pid, "VmRSS")

    @property
    def more(self) -> int:
        return max(0, memory(self._pid, "VmHWM") - self._before)


def client(made: Installation, *words: str) -> tuple[int, float]:
    """Run a command; its peak of memory in bytes, looked at while it ran, and the seconds it took.

    wait4(2) would tell the peak of whoever started it, if that is larger.
    """
    environ = {
        **os.environ,
        "OSAPI_CONTROLLER_CLIENT_URL": made.admin.url,
        "OSAPI_CONTROLLER_CLIENT_TLS_CA": made.admin.ca_file,
        "OSAPI_CONTROLLER_CLIENT_SECURITY_BEARER_TOKEN": made.stack.token,
    }
    begin, peak = time.monotonic(), 0
    process = subprocess.Popen([OSAPI, "client", *words], env=environ, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        with suppress(OSError, StopIteration):  # it has just ended
            peak = max(peak, memory(process.pid, "VmHWM"))
        time.sleep(0.01)
    assert process.returncode == 0, words
    return peak, time.monotonic() - begin


async def test_a_large_file_passes_through_nobodys_memory(made: Installation, tmp_path: Path) -> None:
    source, place, copy = tmp_path / "source", tmp_path / "host" / "large", tmp_path / "copy"
    await asyncio.to_thread(write_large, source)
    wanted = await asyncio.to_thread(digest, source)
    agent = made.stack.agents[0]
    controller, on_host = Peak(made.stack.controller_pid), Peak(agent.pid)

    up, up_s = await asyncio.to_thread(client, made, "file", "upload", "--name", "large", "--file", str(source))
    begin = time.monotonic()
    body = {"object_name": "large", "path": str(place), "content_type": "raw", "mode": "0600"}
    answer = await made.admin.post(f"/api/node/{agent.hostname}/file/deploy", body)
    deploy_s = time.monotonic() - begin
    entry = by_host(answer)[agent.hostname]
    assert (entry["status"], entry["sha256"], await asyncio.to_thread(digest, place)) == ("ok", wanted, wanted)
    again = by_host(await made.admin.post(f"/api/node/{agent.hostname}/file/deploy", body))[agent.hostname]
    assert again["changed"] is False
    down, down_s = await asyncio.to_thread(client, made, "file", "download", "--name", "large", "--out", str(copy))
    assert await asyncio.to_thread(digest, copy) == wanted
    copy.unlink()
    words = ("node", "file", "fetch", "--path", str(place), "-T", agent.hostname, "--output", str(copy))
    back, back_s = await asyncio.to_thread(client, made, *words)
    assert await asyncio.to_thread(digest, copy) == wanted

    print(
        f"\nrow large file: MB = {SIZE // MB}, upload s = {up_s:.1f}, deploy s = {deploy_s:.1f}, download s = {down_s:.1f}, "
        f"fetch s = {back_s:.1f}, client peak MB = {max(up, down, back) / MB:.0f}, controller more MB = {controller.more / MB:.0f}, "
        f"agent more MB = {on_host.more / MB:.0f}"
    )
    assert 0 < max(up, down, back) < 48 * MB
    assert controller.more < MORE
    assert on_host.more < MORE
