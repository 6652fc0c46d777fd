"""Uploads and downloads of the SDK: what goes over the wire, and what is left when something goes wrong."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.sdk.kit import TOKEN, FakeController

from osapi.contract.files import ContentType
from osapi.sdk.client import Client
from osapi.sdk.errors import Forbidden, SdkError
from osapi.sdk.form import PIECE_BYTES, Source, UploadForm
from osapi.sdk.saving import NewFile

CONTENT = b"port = 80\n"
INFO = {
    "name": "a/b",
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "size": len(CONTENT),
    "content_type": "raw",
    "source": "user",
}
UNKNOWN: dict[str, Any] = {"error": "there is no file", "code": "not_found"}


@pytest.fixture
def client(controller: FakeController) -> Iterator[Client]:
    with Client(controller.url, TOKEN) as made:
        yield made


def test_a_form_is_one_that_everybody_reads() -> None:
    form = UploadForm({"name": 'a"b', "content_type": "raw"}, Source(CONTENT))
    whole = b"".join(form.pieces())
    boundary = form.content_type.partition("boundary=")[2].encode()
    assert (len(whole), b"".join(form.pieces())) == (form.length, whole)
    parts = whole.split(b"--" + boundary)
    assert [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[1:-1]] == [b'a"b', b"raw", CONTENT]
    assert (parts[0], parts[-1]) == (b"", b"--\r\n")


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_a_source_knows_its_size_and_digest_and_is_read_in_pieces(tmp_path: Path, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    (tmp_path / "file").write_bytes(content)
    for source in (Source(content), Source(tmp_path / "file"), Source(str(tmp_path / "file"))):
        pieces = list(source.pieces())
        assert (source.size, source.sha256) == (size, hashlib.sha256(content).hexdigest())
        assert (b"".join(pieces), max(map(len, pieces), default=0) <= PIECE_BYTES) == (content, True)


@pytest.mark.parametrize("then", [b"", b"shorter", b"much longer than before"])
def test_a_file_that_changes_while_it_is_sent_is_noticed(tmp_path: Path, then: bytes) -> None:
    (tmp_path / "file").write_bytes(b"as it was")
    source = Source(tmp_path / "file")
    (tmp_path / "file").write_bytes(then)
    with pytest.raises(SdkError, match="was changed while it was read"):
        list(source.pieces())


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(SdkError, match=f"cannot read {path}"):
            Source(path)


def test_an_upload_asks_first_and_then_sends(controller: FakeController, client: Client) -> None:
    told = {**INFO, "changed": True}
    controller.answer(UNKNOWN, 404).answer(told, 201)
    done = client.files.upload("a/b", CONTENT, content_type=ContentType.TEMPLATE, force=True)
    asked, sent = controller.asked
    assert (done.changed, asked.method, asked.path) == (True, "GET", "/api/file/a%2Fb")
    assert (sent.method, sent.path, CONTENT in sent.body, b"template" in sent.body) == (
        "POST",
        "/api/file?force=true",
        True,
        True,
    )
    assert int(sent.headers["content-length"]) == len(sent.body)
    assert "idempotency-key" not in sent.headers


def test_what_is_there_already_is_not_sent(controller: FakeController, client: Client) -> None:
    controller.answer(INFO)
    assert not client.files.upload("a/b", CONTENT).changed
    assert len(controller.asked) == 1


def test_an_upload_is_sent_again_when_the_connection_breaks(controller: FakeController, client: Client) -> None:
    controller.answer(UNKNOWN, 404).answer(hang_up=True).answer({**INFO, "changed": True}, 201)
    assert client.files.upload("a/b", CONTENT).changed
    assert [asked.body.count(CONTENT) for asked in controller.asked] == [0, 1, 1]


def test_a_controller_that_refuses_early_is_heard() -> None:
    """It answers before the body has come, and closes; the rest of a large file is not sent."""
    heard: list[int] = []
    refusal = b'{"error":"names that begin with osapi/ belong to OSAPI","code":"protected"}'

    def serve(listener: socket.socket) -> None:
        taken, _ = listener.accept()
        with taken:
            taken.recv(65536)
            taken.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: %d\r\n\r\n%b" % (len(refusal), refusal))
            taken.shutdown(socket.SHUT_WR)
            while piece := taken.recv(65536):
                heard.append(len(piece))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        form = UploadForm({"name": "osapi/x"}, Source(b"x" * 50_000_000))
        from osapi.sdk import calls

        with Client(f"http://127.0.0.1:{listener.getsockname()[1]}", TOKEN) as client, pytest.raises(Forbidden):
            client.raw.send(calls.file_upload(form, force=False))
        thread.join()
    assert sum(heard) < 20_000_000


def test_a_download_is_compared_with_its_digest(controller: FakeController, client: Client, tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"
    controller.answer(INFO).answer(raw=[head % len(CONTENT), CONTENT])
    assert client.files.save("a/b", tmp_path / "file").size == len(CONTENT)
    assert (tmp_path / "file").read_bytes() == CONTENT


@pytest.mark.parametrize("answer", [b"another\n", b"port"], ids=["replaced", "cut"])
def test_what_came_otherwise_leaves_the_old_file(
    controller: FakeController, client: Client, tmp_path: Path, answer: bytes
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    length = len(answer) if answer != b"port" else len(CONTENT)
    controller.answer(INFO).answer(raw=[b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length, answer])
    with pytest.raises(SdkError):
        client.files.save("a/b", tmp_path / "file")
    assert ((tmp_path / "file").read_bytes(), len(list(tmp_path.iterdir()))) == (b"old", 1)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SdkError, match="cannot write"), NewFile(tmp_path / "no" / "file"):
        pass
