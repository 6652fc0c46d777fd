from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from tests.unit.sdk.kit import TOKEN, FakeController

from osapi.sdk import errors
from osapi.sdk.raw import RawClient
from osapi.sdk.request import Request
from osapi.sdk.retry import Retry

GET = Request("GET", "/api/health")
KEYED = Request("POST", "/api/node/_all/sysctl", body=b"{}", headers={"idempotency-key": "k"}, safe=True)
BARE = Request("POST", "/api/job/a/retry", body=b"{}")


def _client(controller: FakeController, **more: object) -> RawClient:
    return RawClient(controller.url, TOKEN, sleep=lambda _: None, **more)  # type: ignore[arg-type]


@contextmanager
def _speaking(*blocks: bytes) -> Iterator[str]:
    """A server that says the same on every connection, whatever it hears, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def serve() -> None:
            while not ended.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    for block in blocks:
                        connection.sendall(block)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_request_arrives_with_token_and_body(controller: FakeController) -> None:
    controller.answer({"fine": True})
    with _client(controller) as client:
        response = client.send(Request("PUT", "/api/x?a=1", body=b'{"value":1}'))
    asked = controller.asked[0]
    assert (asked.method, asked.path, asked.json) == ("PUT", "/api/x?a=1", {"value": 1})
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["user-agent"].startswith("osapi/")
    assert (response.status, response.body) == (200, b'{"fine": true}')


def test_requests_share_a_connection(controller: FakeController) -> None:
    controller.answer({})
    with _client(controller) as client:
        for _ in range(5):
            client.send(GET)
    assert controller.connections == 1


def test_an_empty_answer_leaves_the_connection_open(controller: FakeController) -> None:
    controller.answer(status=204).answer({})
    with _client(controller) as client:
        assert client.send(Request("DELETE", "/api/job/a")).body == b""
        client.send(GET)
    assert controller.connections == 1


def test_a_controller_that_closes_is_connected_to_again(controller: FakeController) -> None:
    controller.answer({}, headers={"connection": "close"}).answer({})
    with _client(controller) as client:
        client.send(GET)
        client.send(GET)
    assert controller.connections == 2


def test_an_idle_connection_that_died_costs_no_attempt(controller: FakeController) -> None:
    controller.answer({}).answer(hang_up=True).answer({})
    with _client(controller, retry=Retry(attempts=1)) as client:
        client.send(GET)
        client.send(KEYED)
    assert len(controller.asked) == 3


def test_what_is_not_safe_is_not_sent_again_on_a_connection_that_died(controller: FakeController) -> None:
    controller.answer({}).answer(hang_up=True).answer({})
    with _client(controller) as client:
        client.send(GET)
        with pytest.raises(errors.Unreachable) as raised:
            client.send(BARE)
    assert raised.value.sent
    assert len(controller.asked) == 2


def test_a_safe_request_survives_a_broken_connection(controller: FakeController) -> None:
    controller.answer(hang_up=True).answer(hang_up=True).answer({"job_id": "a"})
    with _client(controller) as client:
        assert client.send(KEYED).body == b'{"job_id": "a"}'
    assert {asked.headers["idempotency-key"] for asked in controller.asked} == {"k"}


def test_a_failure_names_the_key_to_ask_again_with(controller: FakeController) -> None:
    controller.answer(hang_up=True)
    with _client(controller) as client, pytest.raises(errors.Unreachable) as raised:
        client.send(KEYED)
    assert raised.value.idempotency_key == "k"
    assert len(controller.asked) == 3


def test_a_refusal_is_an_error_with_its_fields(controller: FakeController) -> None:
    controller.answer({"error": "no such key", "code": "not_managed", "job_id": "j"}, status=404)
    with _client(controller) as client, pytest.raises(errors.NotFound) as raised:
        client.send(GET)
    assert (raised.value.code, raised.value.job_id) == ("not_managed", "j")


def test_a_busy_controller_is_given_the_time_it_asks_for(controller: FakeController) -> None:
    paused: list[float] = []
    controller.answer({"error": "away"}, status=503, headers={"retry-after": "2"}).answer({})
    with RawClient(controller.url, TOKEN, sleep=paused.append) as client:
        client.send(GET)
    assert paused == [2.0]


def test_nobody_listening_is_told_with_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    client = RawClient(f"http://127.0.0.1:{port}", retry=Retry(attempts=1))
    with pytest.raises(errors.Unreachable, match=f"127.0.0.1:{port}.*refused") as raised:
        client.send(GET)
    assert not raised.value.sent


def test_a_name_that_does_not_exist_is_told() -> None:
    client = RawClient("http://controller.invalid", retry=Retry(attempts=1))
    with pytest.raises(errors.Unreachable, match=r"controller\.invalid"):
        client.send(GET)


def test_silence_ends_the_wait() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = RawClient(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.05)
        with pytest.raises(errors.Unreachable, match=r"within 0\.05 s") as raised:
            client.send(GET)
    assert raised.value.timed_out


def test_a_request_may_allow_more_time_than_the_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = RawClient(f"http://127.0.0.1:{server.getsockname()[1]}", timeout_s=5)
        begun = time.monotonic()
        with pytest.raises(errors.Unreachable):
            client.send(Request("GET", "/", timeout_s=0.05))
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "blocks",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"he", b"llo"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n", b"3\r\nllo\r\n0\r\nA: b\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n\r\nhello"],
        [b"HTTP/1.0 200 OK\n\nhello"],
        [b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello"],
        [b"HTTP/1.1 200\r\ncontent-length: 5 \r\n\r\nhello"],
    ],
    ids=["length", "chunked", "until close", "1.0", "interim", "no reason"],
)
def test_every_framing_of_a_body_is_understood(blocks: list[bytes]) -> None:
    with _speaking(*blocks) as url, RawClient(url) as client:
        assert client.send(GET).body == b"hello"


@pytest.mark.parametrize(
    "blocks",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"],
        [],
    ],
    ids=["length", "in a chunk", "between chunks", "at once"],
)
def test_an_answer_that_is_cut_off_is_no_answer(blocks: list[bytes]) -> None:
    with (
        _speaking(*blocks) as url,
        RawClient(url, sleep=lambda _: None) as client,
        pytest.raises(errors.Unreachable, match="broke"),
    ):
        client.send(GET)


@pytest.mark.parametrize(
    "blocks",
    [
        [b'INFO {"server_id":"x"}\r\n'],
        [b"HTTP/2 200 OK\r\n\r\n"],
        [b"HTTP/1.1 abc\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"],
        [b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"\r\n"],
        [b"HTTP/1.1 200 " + b"O" * 70000],
    ],
    ids=["NATS", "HTTP/2", "status", "negative", "float", "chunk", "headers", "line"],
)
def test_what_is_not_http_is_told_apart(blocks: list[bytes]) -> None:
    with _speaking(*blocks) as url, RawClient(url) as client, pytest.raises(errors.BadAnswer):
        client.send(GET)


@pytest.mark.parametrize("token", ["a b", "a\nb", "a\r\nx: y", "ü"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        RawClient("http://a", token)


def test_a_header_cannot_be_smuggled_in(controller: FakeController) -> None:
    controller.answer({})
    with _client(controller) as client, pytest.raises(ValueError, match="line break"):
        client.send(Request("GET", "/", headers={"idempotency-key": "a\r\nx: y"}))


def test_threads_share_a_client(controller: FakeController) -> None:
    controller.answer({})
    with _client(controller) as client, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client.send(GET).status, range(80)))
    assert answers == [200] * 80
    assert len(controller.asked) == 80
    assert controller.connections <= 4


def test_a_stream_yields_what_has_arrived(controller: FakeController) -> None:
    waiting = threading.Event()

    def blocks() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
        yield b"one"
        waiting.wait(5)
        yield b"two"

    controller.answer(raw=blocks())
    stream = _client(controller).stream(GET)
    assert next(stream) == b"one"
    waiting.set()
    assert b"".join(stream) == b"two"


def test_a_stream_ends_at_a_given_time() -> None:
    with _speaking(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\none") as url:
        until = time.monotonic() + 5
        with pytest.raises(errors.Unreachable, match="broke"):
            list(RawClient(url).stream(GET, until=until))
    with _stalling() as url, pytest.raises(errors.Unreachable) as raised:
        list(RawClient(url).stream(GET, until=time.monotonic() + 0.05))
    assert raised.value.timed_out


def test_a_refused_stream_is_an_error(controller: FakeController) -> None:
    controller.answer({"error": "no"}, status=403)
    with pytest.raises(errors.Forbidden):
        next(_client(controller).stream(GET))


@contextmanager
def _stalling() -> Iterator[str]:
    """A server that begins an answer and falls silent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def serve() -> None:
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
            held.append(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()
        for connection in held:
            connection.close()
