"""One suite for asking services: a real one below a temporary root, and the fake."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop

from osapi.contract.errors import DeadlineExceeded, Invalid, NotFound, OsapiError, Permanent, Unavailable
from osapi.host.door import Host, Task
from osapi.host.files import FileKind
from osapi.host.identity import Claims
from osapi.host.local import LocalHost, open_host
from osapi.host.plan import Plan
from osapi.host.service import Answered, Ask
from osapi.testing.files import FakeFile
from osapi.testing.host import FakeHost, Setup
from osapi.testing.services import Exchange, UnexpectedRequestError

MACHINE = "0123456789abcdef0123456789abcdef"
SOCKET, DEAD, LINK, FILE = "/run/svc.sock", "/run/dead.sock", "/run/link.sock", "/run/plain"
LONG = b"0" * 99 + b"7"
# Head and body as the service says them; None for the body: it hangs after the head.
ANSWERS: dict[str, tuple[bytes, bytes]] = {
    "GET /v1/thing?a=b%20c": (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", b'{"a"}\n'),
    "GET /gone": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n", b"nothing"),
    "POST /things": (b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n", b"ok"),
    "POST /again": (b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
    "DELETE /things/1": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    "GET /chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"2\r\non\r\n2\r\ne \r\n3\r\ntwo\r\n0\r\n\r\n",
    ),
    "GET /raw": (b"HTTP/1.1 200 OK\r\nContent-Type: raw\r\n\r\n", b"to the end"),
    "GET /long": (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", LONG),
    "GET /hangs": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"begun"),
    "GET /cut": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"beg"),
    "GET /nothing": (b"", b""),
    "GET /noise": (b"SSH-2.0-OpenSSH\r\n", b""),
    "GET /endless": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 100_000),
}
PLAIN = {"GET /chunks": b"one two"}
BROKEN = ("GET /cut", "GET /nothing", "GET /noise", "GET /endless")


class Service:
    """Says what `ANSWERS` has; notes what it was asked."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.left = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
        self.heard.append(head + await reader.readexactly(length))
        method, target, _ = head.split(b" ", 2)
        start, body = ANSWERS[f"{method.decode()} {target.decode()}"]
        writer.write(start + body)
        if target == b"/hangs":
            await reader.read()
            self.left.set()
        writer.close()


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Both loops that a door may be opened in."""
    return "asyncio", {"loop_factory": uvloop.new_event_loop} if request.param == "uvloop" else {}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    (tmp_path / "root/run").mkdir(parents=True)
    found = Service()
    ours = socket.socket(socket.AF_UNIX)
    bind(ours, tmp_path / f"root{SOCKET}")
    server = await asyncio.start_unix_server(found.serve, sock=ours)
    dead = socket.socket(socket.AF_UNIX)
    bind(dead, tmp_path / f"root{DEAD}")
    dead.close()
    (tmp_path / f"root{LINK}").symlink_to("svc.sock")
    (tmp_path / f"root{FILE}").write_text("x")
    yield found
    server.close()
    await server.wait_closed()


def bind(ours: socket.socket, path: Path) -> None:
    """Also where the path is longer than a name of a socket may be."""
    directory = os.open(path.parent, os.O_PATH)
    try:
        ours.bind(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)


async def real(tmp_path: Path) -> LocalHost:
    state = tmp_path / "state"
    state.mkdir()
    return await open_host(state, claims=Claims(machine_id=MACHINE, labels={}), root=str(tmp_path / "root"))


def fake() -> FakeHost:
    exchanges = [exchange(words) for words in ANSWERS if words not in BROKEN]
    files = {
        DEAD: FakeFile(kind=FileKind.OTHER),
        LINK: FakeFile(kind=FileKind.LINK, content=b"svc.sock"),
        FILE: FakeFile(content=b"x"),
    }
    return FakeHost(Setup(files=files, exchanges=exchanges))


def exchange(words: str) -> Exchange:
    method, target = words.split(" ")
    head, body = ANSWERS[words]
    return Exchange(
        socket=SOCKET,
        method=method,
        target=target,
        sends=b'{"a": 1}' if words == "POST /things" else None,
        status=int(head.split()[1]),
        content=PLAIN.get(words, body),
        hangs=target == "/hangs",
    )


@pytest.fixture(params=["real", "fake"])
async def host(request: pytest.FixtureRequest, tmp_path: Path, service: Service) -> AsyncIterator[Host]:
    made = await real(tmp_path) if request.param == "real" else fake()
    yield made
    made.close()


def ask(words: str, **other: Any) -> Ask:
    method, target = words.split(" ")
    return Ask(**({"socket": SOCKET, "method": method, "target": target} | other))


async def refused(host: Host, request: Ask, kind: type[OsapiError], code: str | None = None) -> str:
    with pytest.raises(kind) as caught:
        await host.ask(request)
    assert caught.value.error_code == (code or kind.code)
    return caught.value.message


@pytest.mark.anyio
class TestAnswers:
    async def test_an_answer_of_any_status_is_a_result(self, host: Host) -> None:
        assert await host.ask(ask("GET /v1/thing?a=b%20c")) == Answered(status=200, content=b'{"a"}\n')
        assert await host.ask(ask("GET /gone")) == Answered(status=404, content=b"nothing")

    @pytest.mark.parametrize(("words", "status"), [("POST /again", 304), ("DELETE /things/1", 204)])
    async def test_an_answer_may_have_no_body(self, host: Host, words: str, status: int) -> None:
        assert await host.ask(ask(words)) == Answered(status=status, content=b"")

    async def test_chunks_are_put_together(self, host: Host) -> None:
        assert (await host.ask(ask("GET /chunks"))).content == b"one two"

    async def test_an_answer_without_length_ends_with_the_connection(self, host: Host) -> None:
        assert (await host.ask(ask("GET /raw"))).content == b"to the end"

    async def test_an_answer_over_the_limit_loses_its_middle(self, host: Host) -> None:
        answered = await host.ask(ask("GET /long", limit=10))
        assert answered.content == b"00000\n[osapi: 90 bytes left out]\n00007"
        assert answered.truncated

    async def test_who_listens_hears_it_all_and_nothing_is_kept(self, host: Host) -> None:
        heard: list[bytes] = []
        answered = await host.ask(ask("GET /long", limit=10, heard=heard.append))
        assert (b"".join(heard), answered) == (LONG, Answered(status=200, content=b""))

    async def test_who_listens_may_hold_it_up(self, host: Host) -> None:
        order: list[str] = []

        async def take() -> None:
            await asyncio.sleep(0)
            order.append("taken")

        def heard(_: bytes) -> Coroutine[Any, Any, None]:
            order.append("heard")
            return take()

        await host.ask(ask("GET /long", heard=heard))
        assert order == ["heard", "taken"] * (len(order) // 2)

    async def test_a_refusal_is_kept_and_not_heard(self, host: Host) -> None:
        heard: list[bytes] = []
        assert (await host.ask(ask("GET /gone", heard=heard.append))).content == b"nothing"
        assert heard == []

    async def test_time_running_out_is_told_and_what_came_was_heard(self, host: Host) -> None:
        heard: list[bytes] = []
        message = await refused(host, ask("GET /hangs", deadline_s=0.3, heard=heard.append), DeadlineExceeded)
        assert "took longer than 0.3 s" in message
        assert b"".join(heard) == b"begun"


@pytest.mark.anyio
class TestRefusals:
    async def test_a_socket_that_is_not_there_is_not_found(self, host: Host) -> None:
        assert "/run/no.sock" in await refused(host, ask("GET /gone", socket="/run/no.sock"), NotFound)

    async def test_a_socket_without_a_service_is_unavailable(self, host: Host) -> None:
        assert "nobody listens" in await refused(host, ask("GET /gone", socket=DEAD), Unavailable)

    @pytest.mark.parametrize("path", [FILE, LINK])
    async def test_what_is_no_socket_is_not_spoken_to(self, host: Host, path: str) -> None:
        assert "no socket" in await refused(host, ask("GET /gone", socket=path), Permanent, "unsafe_path")

    @pytest.mark.parametrize("target", ["", "gone", "/a b", "/a\r\nHost: x", "/ä", "/a\x7f"])
    async def test_a_target_that_is_more_than_a_target_is_invalid(self, host: Host, target: str) -> None:
        await refused(host, Ask(socket=SOCKET, target=target), Invalid)

    async def test_a_method_that_is_more_than_a_method_is_invalid(self, host: Host) -> None:
        await refused(host, Ask(socket=SOCKET, method="GET /x HTTP/1.1\r\n", target="/"), Invalid)


@pytest.mark.anyio
class TestChanging:
    async def test_a_plan_asks_and_keeps_the_answer(self, host: Host) -> None:
        plan = Plan((ask("POST /things", content=b'{"a": 1}'),), "one more thing")
        applied = await host.apply(plan)
        assert (applied.changed, applied.answers) == (True, (Answered(status=201, content=b"ok"),))

    async def test_check_mode_asks_only_what_changes_nothing(self, host: Host) -> None:
        checking = host.for_task(Task(check_mode=True))
        assert (await checking.apply(Plan((ask("POST /again"),), "x"))).answers == ()
        assert (await checking.ask(ask("GET /gone"))).status == 404
        with pytest.raises(RuntimeError, match="check mode"):
            await checking.ask(ask("POST /again"))
        with pytest.raises(RuntimeError, match="check mode"):
            await checking.kill_marked("A=1")


@pytest.mark.anyio
class TestReal:
    @pytest.fixture
    async def host(self, tmp_path: Path, service: Service) -> AsyncIterator[LocalHost]:
        made = await real(tmp_path)
        yield made
        made.close()

    async def test_what_is_sent_is_plain_http(self, host: LocalHost, service: Service) -> None:
        await host.ask(ask("POST /things", content=b'{"a": 1}'))
        await host.ask(ask("POST /again"))
        head, _, body = service.heard[0].partition(b"\r\n\r\n")
        assert head.split(b"\r\n") == [
            b"POST /things HTTP/1.1",
            b"Host: localhost",
            b"Connection: close",
            b"Accept: */*",
            b"Content-Type: application/json",
            b"Content-Length: 8",
        ]
        assert body == b'{"a": 1}'
        assert service.heard[1].endswith(b"\r\nContent-Length: 0\r\n\r\n")

    @pytest.mark.parametrize("words", BROKEN)
    async def test_an_answer_that_breaks_off_or_is_none_is_unavailable(self, host: LocalHost, words: str) -> None:
        await refused(host, ask(words), Unavailable)

    async def test_whoever_is_no_longer_waited_for_is_hung_up_on(self, host: LocalHost, service: Service) -> None:
        heard = asyncio.Event()
        waiting = asyncio.ensure_future(host.ask(ask("GET /hangs", heard=lambda _: heard.set())))
        await heard.wait()
        waiting.cancel()
        await asyncio.wait_for(service.left.wait(), 10)
        assert waiting.cancelled()

    async def test_processes_with_a_mark_are_killed_with_what_they_have_started(self, host: LocalHost) -> None:
        mark = f"OSAPI_TEST_MARK={time.monotonic_ns()}"
        text = "env -i setsid sleep 4714 & sleep 4714"
        name, _, value = mark.partition("=")
        marked = subprocess.Popen(["/bin/sh", "-c", text], env={name: value}, start_new_session=True)  # noqa: ASYNC220
        other = subprocess.Popen(["/bin/sleep", "4714"])  # noqa: ASYNC220
        try:
            started: list[psutil.Process] = []
            while len(started) < 2:  # the time-out of the test is the deadline
                started = [one for one in psutil.Process(marked.pid).children() if one.name() == "sleep"]
            assert await host.kill_marked(mark)
            assert marked.wait(10) == -9
            assert [one for one in started if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []
            assert other.poll() is None
        finally:
            other.kill()
            other.wait()


def test_a_request_that_no_script_foresees_fails_the_test() -> None:
    host = FakeHost(Setup(exchanges=[Exchange(socket=SOCKET, target="/a", sends=b'{"a": 1}')]))
    with pytest.raises(UnexpectedRequestError, match="GET /a"):
        asyncio.run(host.ask(Ask(socket=SOCKET, target="/a", content=b'{"a": 2}')))
    assert [one.target for one in host.asked] == ["/a"]


def test_a_service_leaves_behind_what_its_script_says() -> None:
    off, on = {"/svc": b"off"}, {"/svc": b"on"}
    exchanges = [
        Exchange(socket=SOCKET, target="/state", content=b"off", when=off),
        Exchange(socket=SOCKET, target="/state", content=b"on", when=on),
        Exchange(socket=SOCKET, method="POST", target="/turn", sets=on),
    ]
    host = FakeHost(Setup(exchanges=exchanges, files={"/svc": FakeFile(content=b"off")}))

    async def states() -> list[bytes]:
        before = await host.ask(ask("GET /state"))
        await host.ask(ask("POST /turn"))
        return [before.content, (await host.ask(ask("GET /state"))).content]

    assert asyncio.run(states()) == [b"off", b"on"]
    host.close()
